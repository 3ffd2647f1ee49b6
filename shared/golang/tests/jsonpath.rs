//! Paths against the answers of the original, and against anything.
//!
//! The table is what jsonpath 0.1.1 with gval 1.2.4 gave, for each path and document: a value; the items of a list that has
//! another order each time; or that the path cannot be read (`parse`) or leads to nothing (`eval`).

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_golang::budget::{Budget, Exhausted};
use pawl_golang::json::{self, Html, Tree};
use pawl_golang::jsonpath::{DEEPEST, JsonPath, LONGEST, NoValue, PathError};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

const ANSWERS: &str = include_str!("data/jsonpath.jsonl");
const DOCUMENTS: &str = include_str!("data/jsonpath-documents.json");

fn documents() -> BTreeMap<String, Tree> {
    let documents: BTreeMap<String, Value> = serde_json::from_str(DOCUMENTS).unwrap();
    documents.into_iter().map(|(name, text)| (name, json::decode(text.to_string()).unwrap())).collect()
}

fn text(tree: &Tree) -> String {
    String::from_utf8(json::encode(tree, Html::Escape).unwrap()).unwrap()
}

/// The same in the form of the table.
fn answer(path: &str, document: &Tree, expected: &Value) -> Value {
    let error = |stage: &str| serde_json::json!({ "e": stage });
    let Ok(path) = JsonPath::parse(path) else { return error("parse") };
    match path.find(document, &mut Budget::default()) {
        Err(_) => error("eval"),
        Ok(found) => match (&*found, expected.get("unordered")) {
            (Tree::List(items), Some(_)) => {
                let mut items: Vec<String> = items.iter().map(text).collect();
                items.sort_unstable();
                let items = items.iter().map(|item| serde_json::from_str(item).unwrap()).collect();
                serde_json::json!({ "unordered": Value::Array(items) })
            }
            _ => serde_json::json!({ "v": serde_json::from_str::<Value>(&text(&found)).unwrap() }),
        },
    }
}

#[test]
fn recorded_answers_of_the_original_are_given() {
    let documents = documents();
    let (mut paths, mut answers, mut unreadable, mut wrong) = (0, 0, 0, Vec::new());
    for line in ANSWERS.lines() {
        let mut expected: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
        let path = expected.remove("path").unwrap();
        let path = path.as_str().unwrap();
        paths += 1;
        if let Some(stage) = expected.remove("e") {
            assert_eq!(stage, "parse");
            unreadable += 1;
            if JsonPath::parse(path).is_ok() {
                wrong.push(format!("{path:?} is read"));
            }
        }
        for (name, expected) in expected {
            let given = answer(path, &documents[&name], &expected);
            answers += 1;
            if given != expected {
                wrong.push(format!("{path:?} in {name}: {given}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((paths, answers, unreadable), (500, 1945, 111), "nothing of the table was left out");
}

#[test]
fn what_is_not_followed_is_refused_by_name() {
    let refused = |path: &str| JsonPath::parse(path).unwrap_err();
    assert_eq!(refused(&format!("$.{}", "a".repeat(LONGEST))), PathError::TooLong);
    assert_eq!(refused(&format!("{}$", "(".repeat(DEEPEST))), PathError::TooDeep);
    assert_eq!(refused(&format!("{}1", "-".repeat(DEEPEST))), PathError::TooDeep);
    let nested = format!("{}1{}", "(".repeat(DEEPEST - 1), ")".repeat(DEEPEST - 1));
    assert!(JsonPath::parse(&nested).is_ok());
    assert_eq!(refused("$.a["), PathError::Syntax(4));
}

#[test]
fn a_path_that_asks_for_too_much_is_given_up() {
    let document = documents().remove("secret").unwrap();
    let descends = JsonPath::parse("$..*..*..*").unwrap();
    let small = &mut Budget::new(100, 1 << 20);
    assert_eq!(descends.find(&document, small).unwrap_err(), NoValue::Exhausted(Exhausted::Steps));
    let little = &mut Budget::new(1_000_000, 2_000);
    assert_eq!(descends.find(&document, little).unwrap_err(), NoValue::Exhausted(Exhausted::Bytes));
    let deep = format!("{}1{}", "[".repeat(400), "]".repeat(400));
    let deep = json::decode(deep).unwrap();
    let found = JsonPath::parse("$..*").unwrap();
    let found = found.find(&deep, &mut Budget::default()).map(|_| ());
    assert!(matches!(found, Ok(()) | Err(NoValue::Exhausted(_))), "{found:?}");
}

#[test]
fn nothing_of_a_path_is_shown() {
    assert_eq!(format!("{:?}", JsonPath::parse("$[\"hunter2\"]").unwrap()), "JsonPath");
    let error = JsonPath::parse("$[\"hunter2\"").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(path: String) {
        let _ = JsonPath::parse(&path);
    }

    #[test]
    fn whatever_is_a_path_ends(path in "[$@]([.]{0,2}[a-z*]{0,5}|\\[[?:@$.a-z0-9\"'()=!, *-]{0,9}\\]|\\([@$.a-z]{0,4}\\)){0,6}") {
        let Ok(path) = JsonPath::parse(&path) else { return Ok(()) };
        for document in documents().values() {
            let _ = path.find(document, &mut Budget::new(200_000, 4 << 20));
        }
    }
}
