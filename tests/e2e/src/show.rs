//! What a demo says: a heading for each act, then what happened and the figures.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a demo is there to be read, and says everything here"
)]

use crate::{Error, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

/// A new act.
pub fn act(heading: &str) {
    println!("\n{heading}");
}

/// One thing that happened, with its figures.
pub fn fact(text: &str) {
    println!("  {text}");
}

/// A line to be copied.
pub fn line(text: &str) {
    println!("{text}");
}

/// The demo ends here: why, and what the server wrote.
pub fn failure(error: &Error, log: &str) -> ExitCode {
    eprintln!("\nThe demo did not go as it must: {error}");
    if !log.is_empty() {
        eprintln!("\nThe server's log:\n{log}");
    }
    ExitCode::FAILURE
}

/// Calls with their numbers: `1 PatchSecret, 2 GetSecret`; `none` when there are none.
pub fn calls(calls: &BTreeMap<String, usize>) -> String {
    let each: Vec<String> = calls.iter().map(|(call, count)| format!("{count} {call}")).collect();
    if each.is_empty() { "none".to_owned() } else { each.join(", ") }
}

/// A time to a tenth of a millisecond.
pub fn time(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Ends the demo with what went wrong, unless this holds.
///
/// # Errors
/// It does not hold.
pub fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::Otherwise(otherwise())) }
}

/// What became of each declaration, from the command's JSON.
///
/// # Errors
/// The text is none of `pawl sync` or `pawl sweep`.
pub fn outcomes(json: &str) -> Result<Vec<(String, String)>> {
    let rows: Vec<Value> = serde_json::from_str(json)
        .map_err(|error| Error::Otherwise(format!("the output of pawl is no JSON array: {error}")))?;
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or("?").to_owned();
    Ok(rows.iter().map(|row| (text(row, "declaration"), text(row, "outcome"))).collect())
}
