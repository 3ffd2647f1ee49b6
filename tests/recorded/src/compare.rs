//! What came out against what ESO left behind.

use serde_json::{Map, Value};
use std::borrow::Cow;

/// How a document differs from the expected one: for each part that does, its path and what is the matter.
pub fn differences(expected: &Value, standing: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    compare("", expected, standing, &mut found);
    found
}

/// Whether two warnings say the same. They quote servers and Go's own errors, so quotes, spaces and case do not count,
/// and one may say more than the other. Pawl names the key of an `extract`, which ESO does not.
pub fn same_words(expected: Option<&str>, told: Option<&str>) -> bool {
    let told = told.map(without_key_of_extract);
    let told = told.as_deref();
    let words = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    match (expected.map(words), told.map(words)) {
        (None, None) => true,
        (Some(expected), Some(told)) => told.contains(&expected) || expected.contains(&told),
        _ => false,
    }
}

fn without_key_of_extract(told: &str) -> Cow<'_, str> {
    let Some((before, rest)) = told.split_once(".extract (key: ") else { return told.into() };
    let Some((_, after)) = rest.split_once("), err: ") else { return told.into() };
    format!("{before}.extract, err: {after}").into()
}

/// Stands in recordings for what chance made.
const RANDOM: &str = "<random>";

fn compare(path: &str, expected: &Value, standing: &Value, found: &mut Vec<(String, String)>) {
    match (expected, standing) {
        // What chance made, the recording does not tell.
        (Value::String(expected), Value::String(_)) if expected == RANDOM => {}
        (Value::Object(expected), Value::Object(standing)) => {
            for key in expected.keys().chain(standing.keys().filter(|key| !expected.contains_key(*key))) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match (expected.get(key), standing.get(key)) {
                    (Some(expected), Some(standing)) => compare(&path, expected, standing, found),
                    (Some(expected), None) => found.push((path, format!("is missing: {}", short(expected)))),
                    (None, Some(standing)) => found.push((path, format!("is too much: {}", short(standing)))),
                    (None, None) => {}
                }
            }
        }
        (Value::Object(_), _) => compare(path, expected, &Value::Object(Map::new()), found),
        _ if expected == standing => {}
        _ => found.push((path.to_owned(), format!("is {}, not {}", short(standing), short(expected)))),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 160 { text } else { text.chars().take(160).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_part_that_differs_is_told() {
        let expected = json!({ "data": { "a": "MQ==", "b": "Mg==" }, "immutable": false });
        let standing = json!({ "data": { "a": "MQ==", "c": "Mw==" }, "immutable": true });
        let told: Vec<String> =
            differences(&expected, &standing).iter().map(|(path, what)| format!("{path} {what}")).collect();
        assert_eq!(
            told,
            ["data.b is missing: \"Mg==\"", "data.c is too much: \"Mw==\"", "immutable is true, not false"]
        );
    }

    #[test]
    fn warnings_may_quote_otherwise() {
        assert!(same_words(Some("err: key \"a\" is gone"), Some("err: key `a` is gone; correct it")));
        assert!(!same_words(Some("err: key a"), Some("err: key b")));
        assert!(same_words(Some("x.extract, err: no"), Some("x.extract (key: a (b)), err: no; mend it")));
        assert!(!same_words(Some("x.extract, err: no"), Some("x.extract (key: a), err: yes")));
        assert!(!same_words(None, Some("err")));
    }
}
