//! Between the stored form of an object and the version that a client asked for.

use serde_json::{Map, Value, json};

use crate::kinds::Kind;
use crate::store::Object;

/// Fields of an event: name in `v1`, name in `events.k8s.io/v1`.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// The stored form of a body in the served version.
pub(crate) fn to_stored(kind: &Kind, mut object: Value) -> Value {
    if kind.is_converted()
        && let Some(map) = object.as_object_mut()
    {
        rename(map, |stored, served| (served, stored));
    }
    object
}

/// The object in the version that was asked for.
pub(crate) fn to_served(kind: &Kind, version: &str, object: &Object) -> Object {
    let api_version = kind.api_version(version);
    if kind.storage == "events" {
        return event(kind, &api_version, object).into();
    }
    if object.get("apiVersion").and_then(Value::as_str) == Some(api_version.as_str()) {
        return object.clone();
    }
    let mut served = (**object).clone();
    served["apiVersion"] = json!(api_version);
    served.into()
}

/// An event in either group, with the fields that the real server always writes.
fn event(kind: &Kind, api_version: &str, object: &Value) -> Value {
    let mut served = object.clone();
    served["apiVersion"] = json!(api_version);
    if let Some(map) = served.as_object_mut() {
        for (field, empty) in [
            ("source", json!({})),
            ("firstTimestamp", Value::Null),
            ("lastTimestamp", Value::Null),
            ("eventTime", Value::Null),
        ] {
            map.entry(field).or_insert(empty);
        }
        if kind.is_converted() {
            rename(map, |stored, served| (stored, served));
        } else {
            map.entry("reportingComponent").or_insert(json!(""));
            map.entry("reportingInstance").or_insert(json!(""));
        }
    }
    served
}

fn rename(
    map: &mut Map<String, Value>,
    direction: impl Fn(&'static str, &'static str) -> (&'static str, &'static str),
) {
    for (stored, served) in EVENT_FIELDS {
        let (from, to) = direction(stored, served);
        if let Some(value) = map.remove(from) {
            map.insert(to.to_owned(), value);
        }
    }
}
