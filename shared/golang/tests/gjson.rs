//! gjson against the answers of the original, and against anything.

use pawl_golang::gjson;
use proptest::prelude::*;
use serde::Deserialize;

const CASES: &str = include_str!("data/gjson-cases.jsonl");
const EXPECTED: &str = include_str!("data/gjson-expected.jsonl");

#[derive(Deserialize)]
struct Case {
    j: String,
    p: String,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
struct Answer {
    exists: bool,
    s: String,
    raw: String,
    err: String,
}

fn answer(case: &Case) -> Answer {
    match gjson::get(&case.j, &case.p) {
        Ok(None) => Answer::default(),
        Ok(Some(value)) => Answer {
            exists: true,
            s: String::from_utf8_lossy(&value.string()).into_owned(),
            raw: String::from_utf8_lossy(value.raw()).into_owned(),
            err: String::new(),
        },
        Err(error) => Answer { err: error.to_string(), ..Answer::default() },
    }
}

#[test]
fn recorded_answers_of_the_original_are_given() {
    let mut count = 0;
    for (case, expected) in CASES.lines().zip(EXPECTED.lines()) {
        let case: Case = serde_json::from_str(case).unwrap();
        let expected: Answer = serde_json::from_str(expected).unwrap();
        assert_eq!(answer(&case), expected, "path {:?} in {:.60}", case.p, case.j);
        count += 1;
    }
    assert_eq!(count, CASES.lines().count());
    assert_eq!(count, EXPECTED.lines().count());
}

fn path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-c0-2.#|@*?\\\\(){}\\[\\]:,!\"=<>%~ ]{0,6}",
        Just("@reverse".to_owned()),
        Just("@pretty:{\"sortKeys\":true}".to_owned()),
        Just("@flatten".to_owned()),
        Just("@tostr".to_owned()),
        Just("@group".to_owned()),
        Just("#(a>1)#".to_owned()),
        Just("#(a%\"*b?\")".to_owned()),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.join("."))
}

proptest! {
    #[test]
    fn any_bytes_are_searched_with_any_path(json: Vec<u8>, path: Vec<u8>) {
        let _ = gjson::get(&json, &path);
    }

    #[test]
    fn broken_documents_are_searched(json in "[\\[\\]{}\",:a-c0-9\\\\ntf. -]{0,60}", path in path()) {
        let _ = gjson::get(&json, &path);
    }
}
