//! Every sprig function against what ESO's own sprig answered (Go 1.26, time zone UTC).

#![expect(clippy::unwrap_used, reason = "what cannot happen may stop a test")]

use pawl_golang::sprig::{self, Environment};
use pawl_golang::template::{Functions, MissingKey, Options, Template};
use pawl_golang::value::Value;

const CASES: &str = include_str!("data/sprig-cases.jsonl");

/// Templates whose result differs from Go's on purpose, with the reason.
const DIFFERENT: &[(&str, &str)] = &[(
    "{{ range (toDate \"2006-01-02\" \"2020-05-06\").Month }}{{ . }} {{ end }}",
    "a range over a month counts plain numbers; Go counts months, of which the first is called %!Month(0)",
)];

#[derive(serde::Deserialize)]
struct Case {
    tpl: String,
    out: Option<String>,
    /// The phase in which Go fails.
    error: Option<String>,
}

#[test]
fn functions_answer_as_in_go() {
    let functions = sprig::functions(&Environment::new(noon));
    let data = Value::string_map([("s", "hello"), ("n", "42")]);
    let mut wrong = Vec::new();
    for case in cases() {
        let ours = run(&case.tpl, &functions, &data);
        let same = match &ours {
            Ok(out) => case.out.as_ref().is_some_and(|expected| String::from_utf8_lossy(out) == *expected),
            Err((phase, _)) => case.error.as_deref() == Some(phase),
        };
        if same == DIFFERENT.iter().any(|(tpl, _)| *tpl == case.tpl) {
            let ours = ours.map(|out| String::from_utf8_lossy(&out).into_owned());
            wrong.push(format!("{}\n   go: {:?} {:?}\n ours: {ours:?}", case.tpl, case.out, case.error));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn cases() -> impl Iterator<Item = Case> {
    CASES.lines().map(|line| serde_json::from_str(line).unwrap())
}

fn noon() -> jiff::Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn run(text: &str, functions: &Functions, data: &Value) -> Result<Vec<u8>, (&'static str, String)> {
    let options = Options { missing_key: MissingKey::Error, ..Options::new(functions) };
    let template = Template::parse("t", text, &options).map_err(|error| ("parse", error.to_string()))?;
    template.execute(data).map_err(|error| ("exec", error.to_string()))
}
