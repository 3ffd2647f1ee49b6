//! What the code of an error means and what to do about it.

use crate::error::Error;
use crate::output::Table;
use pawl_pipeline::explain::meaning::meaning;
use serde::Serialize;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    code: String,
    meaning: &'static str,
    what_to_do: &'static str,
}

/// The entry of this code.
///
/// # Errors
/// No error has it.
pub(super) fn entry(code: &str) -> Result<Row, Error> {
    let found = meaning(code).ok_or_else(|| {
        Error::NotFound(format!("no error has the code {code}; docs/errors.md lists all codes"))
    })?;
    Ok(Row { code: code.to_owned(), meaning: found.meaning, what_to_do: found.what_to_do })
}

impl Table for Row {
    const HEADINGS: &'static [&'static str] = &["CODE", "WHAT IT MEANS", "WHAT TO DO"];

    fn rows(&self) -> Vec<Vec<String>> {
        vec![vec![self.code.clone(), self.meaning.to_owned(), self.what_to_do.to_owned()]]
    }
}
