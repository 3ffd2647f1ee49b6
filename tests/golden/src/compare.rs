//! What came out against what the operator left behind.

use crate::{Case, Outcome};
use serde_json::{Map, Value, json};

/// How an outcome differs from what was recorded, a line for each part: nothing when it is the same.
///
/// Owners are compared without uids, which no two clusters share. The words of warnings are not compared here: see
/// [`same_words`].
pub fn differences(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    let expected = case.expect.secret.as_ref().map(normal);
    match (&expected, &outcome.secret) {
        (None, None) => {}
        (Some(_), None) => found.push("no Secret, but there must be one".to_owned()),
        (None, Some(_)) => found.push("a Secret, but there must be none".to_owned()),
        (Some(expected), Some(standing)) => object("", expected, &normal(standing), &mut found),
    }
    if case.expect.ready != outcome.ready {
        let told = |ready: &Option<crate::Ready>| {
            let words =
                |ready: &crate::Ready| format!("{} {} {:?}", ready.status, ready.reason, ready.message);
            ready.as_ref().map_or_else(|| "nothing".to_owned(), words)
        };
        found.push(format!("Ready is {}, not {}", told(&outcome.ready), told(&case.expect.ready)));
    }
    found
}

/// Whether two warnings say the same. They quote servers and Go's own errors, so quotes, spaces and case do not count,
/// and one may say more than the other.
pub fn same_words(expected: Option<&str>, told: Option<&str>) -> bool {
    let words = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    match (expected.map(words), told.map(words)) {
        (None, None) => true,
        (Some(expected), Some(told)) => told.contains(&expected) || expected.contains(&told),
        _ => false,
    }
}

/// The parts of a Secret that are compared, always there.
fn normal(secret: &Value) -> Value {
    let at =
        |pointers: [&str; 2]| pointers.iter().find_map(|it| secret.pointer(it)).filter(|it| !it.is_null());
    let map = |pointers| at(pointers).cloned().unwrap_or_else(|| json!({}));
    let list = |pointers| at(pointers).cloned().unwrap_or_else(|| json!([]));
    let mut owners = list(["/ownerReferences", "/metadata/ownerReferences"]);
    for owner in owners.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        owner.remove("uid");
        owner.retain(|_, value| *value != json!(false));
    }
    json!({
        "type": at(["/type", "/type"]).cloned().unwrap_or_else(|| json!("Opaque")),
        "data": map(["/data", "/data"]),
        "labels": map(["/labels", "/metadata/labels"]),
        "annotations": map(["/annotations", "/metadata/annotations"]),
        "finalizers": list(["/finalizers", "/metadata/finalizers"]),
        "immutable": at(["/immutable", "/immutable"]).cloned().unwrap_or(Value::Bool(false)),
        "ownerReferences": owners,
    })
}

fn object(path: &str, expected: &Value, standing: &Value, found: &mut Vec<String>) {
    match (expected, standing) {
        (Value::Object(expected), Value::Object(standing)) => {
            for key in expected.keys().chain(standing.keys().filter(|key| !expected.contains_key(*key))) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match (expected.get(key), standing.get(key)) {
                    (Some(expected), Some(standing)) => object(&path, expected, standing, found),
                    (Some(expected), None) => found.push(format!("{path} is missing: {}", short(expected))),
                    (None, Some(standing)) => found.push(format!("{path} is too much: {}", short(standing))),
                    (None, None) => {}
                }
            }
        }
        (Value::Object(_), _) => object(path, expected, &Value::Object(Map::new()), found),
        _ if expected == standing => {}
        _ => found.push(format!("{path} is {}, not {}", short(standing), short(expected))),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 160 { text } else { text.chars().take(160).chain("...".chars()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_that_differs_is_told() {
        let mut found = Vec::new();
        let expected = json!({ "data": { "a": "MQ==", "b": "Mg==" }, "immutable": false });
        let standing = json!({ "data": { "a": "MQ==", "c": "Mw==" }, "immutable": true });
        object("", &expected, &standing, &mut found);
        assert_eq!(
            found,
            ["data.b is missing: \"Mg==\"", "data.c is too much: \"Mw==\"", "immutable is true, not false"]
        );
    }

    #[test]
    fn warnings_may_quote_otherwise() {
        assert!(same_words(Some("err: key \"a\" is gone"), Some("err: key `a` is gone; correct it")));
        assert!(!same_words(Some("err: key a"), Some("err: key b")));
        assert!(!same_words(None, Some("err")));
    }
}
