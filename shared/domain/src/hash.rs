//! The hashes that ESO leaves in the cluster, byte for byte.
//!
//! ESO hashes Go's `%+v` rendering of a value with SHA3-224. The rendering of a `map[string][]byte` is
//! `map[key:[98 97] other:[]]`: keys sorted bytewise, bytes in decimal.

use crate::secret::SecretValue;
use serde_json::Value;
use sha3::{Digest, Sha3_224};
use std::collections::BTreeMap;
use zeroize::Zeroize;

/// The value of `reconcile.external-secrets.io/data-hash` for a Secret with this data.
pub fn data_hash(data: &BTreeMap<String, SecretValue>) -> String {
    let mut hasher = Sha3_224::new();
    hasher.update(b"map[");
    for (position, (key, value)) in data.iter().enumerate() {
        if position > 0 {
            hasher.update(b" ");
        }
        hasher.update(key.as_bytes());
        hasher.update(b":[");
        let mut text = decimal_bytes(value.expose());
        hasher.update(&text);
        text.zeroize();
        hasher.update(b"]");
    }
    hasher.update(b"]");
    hex::encode(hasher.finalize())
}

/// The value of `reconcile.external-secrets.io/created-by` for an ExternalSecret.
pub fn created_by(namespace: &str, name: &str) -> String {
    of_text(&format!("{namespace}/{name}"))
}

/// A document as Go's `%+v` prints what it reads of JSON: `map[a:1 b:[x <nil>]]`, keys sorted bytewise.
///
/// Integers are printed as such, other numbers as Go prints a `float64`.
pub fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(printed).collect::<Vec<_>>().join(" ")),
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            let printed = sorted.into_iter().map(|(key, value)| format!("{key}:{}", printed(value)));
            format!("map[{}]", printed.collect::<Vec<_>>().join(" "))
        }
        Value::Number(number) if number.is_f64() => {
            let float = pawl_golang::value::Value::Float(number.as_f64().unwrap_or_default());
            let text = pawl_golang::fmt::display(&float).unwrap_or_default();
            String::from_utf8(text).unwrap_or_default()
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// SHA3-224 of a text in lower case hex: how ESO hashes plain strings.
pub fn of_text(text: &str) -> String {
    hex::encode(Sha3_224::digest(text.as_bytes()))
}

/// ESO's `status.syncedResourceVersion`: the generation, and a hash of annotations and labels.
pub fn synced_resource_version(
    generation: i64,
    annotations: &BTreeMap<String, String>,
    labels: &BTreeMap<String, String>,
) -> String {
    let map = |entries: &BTreeMap<String, String>| {
        entries.iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(" ")
    };
    let text = format!("{{annotations:map[{}] labels:map[{}]}}", map(annotations), map(labels));
    format!("{generation}-{}", of_text(&text))
}

fn decimal_bytes(bytes: &[u8]) -> Vec<u8> {
    // At most three digits and a space for each, so that the buffer never moves and leaves a copy behind.
    let mut text = Vec::with_capacity(bytes.len() * 4);
    for (position, byte) in bytes.iter().enumerate() {
        if position > 0 {
            text.push(b' ');
        }
        if *byte >= 100 {
            text.push(b'0' + byte / 100);
        }
        if *byte >= 10 {
            text.push(b'0' + byte / 10 % 10);
        }
        text.push(b'0' + byte % 10);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_eso() {
        let data = |pairs: &[(&str, &str)]| {
            data_hash(&pairs.iter().map(|(k, v)| ((*k).to_owned(), SecretValue::new(*v))).collect())
        };
        let two = data(&[("foo", "value1"), ("bar", "value2")]);
        assert_eq!(two, "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64");
        assert_eq!(data(&[]), "74a974446e359fb3e6baff9bd0058950e6edd0f040888d9989b0a11b");
        assert_eq!(
            created_by("default", "my-es"),
            "b8464376b5fe3535e690594280bfe59b60be2603cb6cbb6d6c8bcbb4"
        );
        assert_eq!(of_text("hello there"), "f78681ec611ebaeea0689bff6c7812a83ff98a7faba986d9af76c999");
        assert_eq!(
            synced_resource_version(3, &BTreeMap::new(), &BTreeMap::new()),
            "3-f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2"
        );
    }

    #[test]
    fn every_byte_is_written_in_decimal() {
        let all: Vec<u8> = (0..=255).collect();
        let want = all.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(decimal_bytes(&all), want.as_bytes());
    }
}
