//! Whatever arrives: no panic, no change that names nothing, nothing of the body in an error, no more than its size.

use crate::common::{self, Sample};
use pawl_domain::Change;
use pawl_domain::provider::Place;
use pawl_events::{Error, MAX_BODY, changes, to_json};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(common::samples);
const CANARY: &str = "canary-5e1f-value-of-a-secret";

#[test]
fn errors_hold_nothing_of_the_body() {
    let mut errors = 0;
    for (sample, document) in documents() {
        for text in mutants(&document, &[json!(CANARY), json!({ CANARY: CANARY }), json!([CANARY])]) {
            let Err(error) = changes(text.as_bytes()) else { continue };
            errors += 1;
            let told = format!("{error} {error:?}");
            assert!(!told.contains("canary"), "{sample}: {told}");
        }
    }
    assert!(errors > 1_000, "only {errors} mutants were refused");
}

#[test]
fn errors_do_not_quote_numbers_either() {
    for (sample, document) in documents() {
        for text in mutants(&document, &[json!(770_077_007_700_i64), json!(-770_077.007_7)]) {
            if let Err(error) = changes(text.as_bytes()) {
                assert!(!format!("{error} {error:?}").contains("77007"), "{sample}: {error}");
            }
        }
    }
}

#[test]
fn renamed_fields_do_not_show_in_errors() {
    for (sample, document) in documents() {
        let text = document.to_string();
        for name in names(&document) {
            let renamed = text.replace(&format!("{}:", json!(name)), &format!("{}:", json!(CANARY)));
            if let Err(error) = changes(renamed.as_bytes()) {
                assert!(!format!("{error} {error:?}").contains("canary"), "{sample}, {name}: {error}");
            }
        }
    }
}

#[test]
fn fields_of_any_type_are_read_or_refused() {
    let odd = [json!(null), json!(true), json!(5), json!(""), json!([]), json!({}), json!([[{"a": [0.5]}]])];
    for (_, document) in documents() {
        for text in mutants(&document, &odd) {
            sound(&changes(text.as_bytes()));
        }
    }
}

#[test]
fn a_body_may_have_its_size_and_no_more() {
    let sample = common::sample("secrets-manager/native-current");
    let mut body = sample.body.clone();
    body.resize(MAX_BODY, b' ');
    assert_eq!(changes(&body), changes(&sample.body));
    body.push(b' ');
    assert_eq!(changes(&body), Err(Error::TooLarge { bytes: MAX_BODY + 1 }));
}

#[test]
fn a_small_body_does_not_become_a_large_answer() {
    let labels = vec!["l"; MAX_BODY / 8];
    let secret = "x".repeat(2_000);
    let body = json!({"detail-type": "AWS API Call via CloudTrail", "source": "aws.secretsmanager",
        "region": "eu-central-1", "detail": {"eventName": "PutSecretValue",
        "requestParameters": {"secretId": secret, "versionStages": labels}}});
    assert!(matches!(changes(body.to_string().as_bytes()), Err(Error::Malformed { .. })));
}

proptest! {
    #[test]
    fn bytes_of_any_kind_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        sound(&changes(&body));
    }

    #[test]
    fn damaged_samples_are_read_or_refused(
        which in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..4, any::<u8>()), 1..8),
    ) {
        let mut body = which.get(&SAMPLES).body.clone();
        for (at, kind, byte) in edits {
            let at = at.index(body.len() + 1);
            match kind {
                0 => body.truncate(at),
                1 => body.insert(at, byte),
                2 => drop(body.drain(at..body.len().min(at + usize::from(byte)))),
                _ => {
                    let copied = body[at..body.len().min(at + usize::from(byte))].to_vec();
                    body.extend(copied);
                }
            }
        }
        sound(&changes(&body));
    }
}

/// What every answer keeps, however odd the question: each change can be looked up, and told in Pawl's own form.
fn sound(answer: &Result<Vec<Change>, Error>) {
    for change in answer.iter().flatten() {
        assert!(!change.index_keys().is_empty() && !change.key().is_empty(), "{change:?}");
        let without_region = change.location.provider.profile().place == Place::Server;
        assert_eq!(change.location.region.is_empty(), without_region, "{change:?}");
        assert_eq!(changes(to_json(change).as_bytes()), Ok(vec![change.clone()]));
    }
}

/// The samples that are JSON, by name.
fn documents() -> Vec<(String, Value)> {
    let parsed = |sample: &Sample| Some((sample.name(), serde_json::from_slice(&sample.body).ok()?));
    SAMPLES.iter().filter_map(parsed).collect()
}

/// The document with each of its values in turn replaced by each of the replacements, as text.
fn mutants(document: &Value, replacements: &[Value]) -> Vec<String> {
    let mut document = document.clone();
    let mut found = Vec::new();
    for pointer in pointers(&document) {
        for replacement in replacements {
            let swapped = |document: &mut Value, value| {
                document.pointer_mut(&pointer).map(|place| std::mem::replace(place, value))
            };
            if let Some(before) = swapped(&mut document, replacement.clone()) {
                found.push(document.to_string());
                swapped(&mut document, before);
            }
        }
    }
    found
}

/// The JSON pointers of a document's values, itself among them.
fn pointers(document: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let below = |step: String, value: &Value| {
        let step = step.replace('~', "~0").replace('/', "~1");
        pointers(value).into_iter().map(move |rest| format!("/{step}{rest}")).collect::<Vec<_>>()
    };
    match document {
        Value::Object(fields) => {
            found.extend(fields.iter().flat_map(|(name, value)| below(name.clone(), value)))
        }
        Value::Array(items) => {
            found.extend(items.iter().enumerate().flat_map(|(n, value)| below(n.to_string(), value)))
        }
        _ => {}
    }
    found
}

/// The names of a document's fields at every level.
fn names(document: &Value) -> Vec<String> {
    match document {
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| [vec![name.clone()], names(value)].concat()).collect()
        }
        Value::Array(items) => items.iter().flat_map(names).collect(),
        _ => Vec::new(),
    }
}
