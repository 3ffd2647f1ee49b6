//! Answers template cases, one JSON object per line on standard input, in the form of the recorded answers of Go:
//! `{"name", "tpl", "data", "left", "right"}` in, `{"name", "ok", "out", "err"}` out.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use pawl_golang::sprig::{self, Environment};
use pawl_golang::template::{Functions, MissingKey, Options, Template};
use pawl_golang::value::{Func, FuncError, Signature, Type, Value};

/// A template with its data.
#[derive(serde::Deserialize)]
pub(crate) struct Case {
    name: String,
    tpl: String,
    data: BTreeMap<String, String>,
    left: String,
    right: String,
}

/// What became of it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Answer {
    pub(crate) name: String,
    pub(crate) ok: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = functions();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        serde_json::to_writer(&mut out, &answer(case, &functions))?;
        writeln!(out)?;
    }
    Ok(())
}

/// Sprig's functions, and the one function of the cases that is not sprig's.
pub(crate) fn functions() -> Functions {
    let mut functions = sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH));
    functions.insert("mustNonEmpty", Func::new(Signature::exactly(&[Type::Str]), must_not_be_empty));
    functions
}

pub(crate) fn answer(case: Case, functions: &Functions) -> Answer {
    let options = Options {
        left: &case.left,
        right: &case.right,
        missing_key: MissingKey::Error,
        ..Options::new(functions)
    };
    let run = Template::parse(&case.name, &case.tpl, &options)
        .map_err(|error| format!("parse: {error}"))
        .and_then(|template| {
            template.execute(&Value::string_map(&case.data)).map_err(|error| format!("exec: {error}"))
        });
    let (ok, out, err) = match run {
        Ok(out) => (true, String::from_utf8_lossy(&out).into_owned(), String::new()),
        Err(error) => (false, String::new(), error),
    };
    Answer { name: case.name, ok, out, err }
}

fn must_not_be_empty(args: &[Value]) -> Result<Value, FuncError> {
    match args.first() {
        Some(text) if text.is_true() => Ok(text.clone()),
        _ => Err(FuncError::new("must not be empty")),
    }
}
