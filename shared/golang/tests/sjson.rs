//! sjson against the answers of the original.

use pawl_golang::sjson::{SetError, delete, set};
use serde::Deserialize;

/// Answers of tidwall/sjson v1.2.5 with gjson v1.18: a document, a path, and a text to be set or `d` to delete.
const ANSWERS: &str = include_str!("data/sjson.jsonl");

#[derive(Deserialize)]
struct Answer {
    j: String,
    p: String,
    v: String,
    #[serde(default)]
    d: bool,
    #[serde(default)]
    out: String,
    #[serde(default)]
    err: bool,
    #[serde(default)]
    same: bool,
}

#[test]
fn recorded_answers_of_the_original_are_given() {
    let (mut count, mut refused) = (0, 0);
    for line in ANSWERS.lines() {
        let case: Answer = serde_json::from_str(line).unwrap();
        let document = case.j.as_bytes();
        let changed = match case.d {
            true => delete(document, &case.p).map(|changed| changed.unwrap_or_else(|| document.to_vec())),
            false => set(document, &case.p, &case.v),
        };
        let about = format!("{:?} at {:?} in {}", case.v, case.p, case.j);
        match changed {
            Ok(out) => {
                assert_eq!((String::from_utf8(out).unwrap(), false), (case.out, case.err), "{about}");
            }
            // The original says nothing where it changes nothing.
            Err(_) => {
                refused += 1;
                assert!(case.err || case.same, "{about}");
            }
        }
        count += 1;
    }
    assert!(count > 1000 && refused < count / 4, "{refused} of {count}");
}

#[test]
fn what_would_lose_something_fails() {
    for (document, path, error) in [
        ("{", "a", SetError::NotJson),
        ("text", "a", SetError::NotJson),
        ("{}", "", SetError::Path),
        ("{}", "a.*", SetError::Path),
        ("[1]", "#", SetError::Path),
        ("[1]", "@reverse", SetError::Path),
        ("[1]", "a", SetError::KeyOfArray),
        ("{\"a\":[1]}", "a.b", SetError::KeyOfArray),
        ("[]", "10001", SetError::TooFar),
        ("[]", "99999999999999999999999999", SetError::TooFar),
    ] {
        assert_eq!(set(document.as_bytes(), path, "v"), Err(error), "{path} in {document}");
    }
    assert_eq!(set(b"{}", &"a.".repeat(300), "v"), Err(SetError::TooFar));
    assert_eq!(delete(b"{\"a\":1}", "b"), Ok(None));
}
