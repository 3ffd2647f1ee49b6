//! Answers gjson questions: reads `{"j": document, "p": path}` lines, writes one line for each with `exists`, `s` (the value
//! as ESO would use it), `raw` and `err`.

use std::io::{self, BufRead as _, Write as _};

use pawl_golang::gjson;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Question {
    j: String,
    p: String,
}

#[derive(Default, Serialize)]
struct Answer {
    exists: bool,
    s: String,
    raw: String,
    err: String,
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        let answer = match gjson::get(&question.j, &question.p) {
            Ok(None) => Answer::default(),
            Ok(Some(value)) => Answer {
                exists: true,
                s: String::from_utf8_lossy(&value.string()).into_owned(),
                raw: String::from_utf8_lossy(value.raw()).into_owned(),
                err: String::new(),
            },
            Err(error) => Answer { err: error.to_string(), ..Answer::default() },
        };
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
    }
    Ok(())
}
