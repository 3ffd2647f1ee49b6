//! The values that are given to `pawl render`; their form stands in its help.

use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::SecretValue;
use pawl_domain::store::FakeEntry;
use pawl_golang::gjson;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What stands in the file.
#[derive(Debug, Default)]
pub(super) struct Given {
    keys: Keys,
    /// By the store's name, for those stores that hold something else.
    stores: BTreeMap<String, Keys>,
}

/// Keys and what is known of them.
pub(super) type Keys = BTreeMap<String, Known>;

/// What is known of a key.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The value of the version in force.
    value: Option<SecretValue>,
    /// Its versions by name. Without any, every version has the value above.
    versions: BTreeMap<String, SecretValue>,
    /// Its tags.
    pub(super) tags: BTreeMap<String, String>,
    /// A version that is not named does not exist.
    exact: bool,
}

impl Given {
    /// Reads a file of values.
    ///
    /// # Errors
    /// What is wrong with it and where, without a value.
    pub(super) fn read(path: &str, text: &str) -> Result<Self, Error> {
        Self::parsed(text).map_err(|message| Error::Values { path: path.to_owned(), message })
    }

    fn parsed(text: &str) -> Result<Self, String> {
        let mut given = Self::default();
        // Only where it breaks: what stands there may be a value.
        let all: Raw = serde_json::from_str(text).map_err(|error| {
            format!(
                "is not a JSON object (line {}, column {}); write {{\"<key>\": \"<value>\"}}",
                error.line(),
                error.column()
            )
        })?;
        for (key, raw) in &all {
            if key == "$stores" {
                let stores: BTreeMap<String, Raw> = object(raw, key)?;
                for (store, keys) in &stores {
                    let known = keys.iter().map(|(key, raw)| Ok((key.clone(), Known::read(key, raw)?)));
                    given.stores.insert(store.clone(), known.collect::<Result<_, String>>()?);
                }
            } else {
                given.keys.insert(key.clone(), Known::read(key, raw)?);
            }
        }
        Ok(given)
    }

    /// The keys that were given for a store of this name, and for no other.
    pub(super) fn of_only(&self, store: &str) -> Option<&Keys> {
        self.stores.get(store)
    }

    /// The keys of a store of this name.
    pub(super) fn of(&self, store: &str) -> &Keys {
        self.stores.get(store).unwrap_or(&self.keys)
    }
}

type Raw = BTreeMap<String, Box<RawValue>>;

impl Known {
    fn read(key: &str, raw: &RawValue) -> Result<Self, String> {
        let special = special(raw);
        if special.is_empty() {
            return Ok(Self { value: Some(plain(key, raw)?), ..Self::default() });
        }
        let mut known = Self::default();
        for (name, raw) in &special {
            match name.as_str() {
                "$base64" => known.value = Some(bytes(key, raw)?),
                "$value" => known.value = Some(value(key, raw)?),
                "$tags" => known.tags = object(raw, key)?,
                "$versions" => {
                    let versions: Raw = object(raw, key)?;
                    let read = versions.iter().map(|(name, raw)| Ok((name.clone(), value(key, raw)?)));
                    known.versions = read.collect::<Result<_, String>>()?;
                    known.exact = true;
                }
                _ => {
                    return Err(format!(
                        "{key:?}: an object with $value, $base64, $tags or $versions may have no other names; put the \
                         secret's own object in $value"
                    ));
                }
            }
        }
        if special.contains_key("$base64") && special.contains_key("$value") {
            return Err(format!("{key:?}: write $value or $base64, not both"));
        }
        Ok(known)
    }

    /// The entries of a fake store.
    pub(super) fn of_entries(entries: &[FakeEntry]) -> Keys {
        let mut keys = Keys::new();
        for entry in entries {
            let known: &mut Self = keys.entry(entry.key.clone()).or_default();
            known.exact = true;
            let value = SecretValue::new(entry.value.clone());
            if entry.version.is_empty() {
                known.value = Some(value);
            } else {
                known.versions.insert(entry.version.clone(), value);
            }
        }
        keys
    }

    /// The value of a version; of the version in force for `None`.
    pub(super) fn value(&self, version: Option<&str>) -> Option<&SecretValue> {
        match version {
            Some(version) if self.exact => self.versions.get(version),
            _ => self.value.as_ref(),
        }
    }

    /// The value that a search finds: of the last version by name, as a fake store gives it, or that in force.
    pub(super) fn last(&self, of_all: bool) -> Option<&SecretValue> {
        let last = self.versions.values().next_back().filter(|_| of_all || self.value.is_none());
        last.or(self.value.as_ref())
    }
}

/// The members of an object that has names with `$`, or none.
fn special(raw: &RawValue) -> Raw {
    let members: Raw = serde_json::from_str(raw.get()).unwrap_or_default();
    if members.keys().any(|name| name.starts_with('$')) { members } else { Raw::new() }
}

/// A value, which may be written as `{"$base64": ".."}`.
fn value(key: &str, raw: &RawValue) -> Result<SecretValue, String> {
    let special = special(raw);
    match special.iter().next() {
        Some((name, raw)) if name == "$base64" && special.len() == 1 => bytes(key, raw),
        Some(_) => Err(format!("{key:?}: only $base64 may stand here")),
        None => plain(key, raw),
    }
}

/// A text as it is; an object or a list as its JSON text, without the white space between.
fn plain(key: &str, raw: &RawValue) -> Result<SecretValue, String> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'"') => {
            let text: String = serde_json::from_str(text).map_err(|_| wrong(key))?;
            Ok(SecretValue::new(text))
        }
        Some(b'{' | b'[') => {
            let packed = gjson::get(text, "@ugly").map_err(|_| wrong(key))?.ok_or_else(|| wrong(key))?;
            Ok(SecretValue::new(packed.raw()))
        }
        _ => Err(format!("{key:?}: write the value in quotes")),
    }
}

fn bytes(key: &str, raw: &RawValue) -> Result<SecretValue, String> {
    let text: Option<String> = serde_json::from_str(raw.get()).ok();
    let bytes = text.and_then(|text| STANDARD.decode(text.split_whitespace().collect::<String>()).ok());
    bytes.map(SecretValue::new).ok_or_else(|| format!("{key:?}: $base64 is not base64"))
}

fn object<T: DeserializeOwned>(raw: &RawValue, key: &str) -> Result<T, String> {
    serde_json::from_str(raw.get()).map_err(|_| wrong(key))
}

fn wrong(key: &str) -> String {
    format!("{key:?}: has another form than the help of this command shows")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: Option<&SecretValue>) -> Option<String> {
        value.map(|value| String::from_utf8_lossy(value.expose()).into_owned())
    }

    #[test]
    fn each_form_gives_its_value() {
        let given = Given::parsed(
            r#"{
                "text": "a\nb",
                "object": { "b": 1.0, "a": [ 1, "x y" ] },
                "list": [1, 2],
                "bytes": { "$base64": "aG k=" },
                "tagged": { "$value": { "$base64": "aGk=" }, "$tags": { "team": "shop" } },
                "versions": { "$value": "new", "$versions": { "old": "gone", "two": { "a": 1 } } },
                "$stores": { "other": { "text": "elsewhere" } }
            }"#,
        )
        .unwrap();
        let of = |key: &str, version| shown(given.of("any")[key].value(version));
        for (key, version, want) in [
            ("text", None, Some("a\nb")),
            ("text", Some("v1"), Some("a\nb")),
            ("object", None, Some(r#"{"b":1.0,"a":[1,"x y"]}"#)),
            ("list", None, Some("[1,2]")),
            ("bytes", None, Some("hi")),
            ("tagged", None, Some("hi")),
            ("versions", None, Some("new")),
            ("versions", Some("old"), Some("gone")),
            ("versions", Some("two"), Some(r#"{"a":1}"#)),
            ("versions", Some("three"), None),
        ] {
            assert_eq!(of(key, version).as_deref(), want, "{key} {version:?}");
        }
        assert_eq!(given.of("any")["tagged"].tags["team"], "shop");
        assert_eq!(shown(given.of("other")["text"].value(None)).as_deref(), Some("elsewhere"));
    }

    #[test]
    fn what_is_wrong_is_told_without_a_value() {
        for (text, message) in [
            ("[\"hunter2\"]", "is not a JSON object (line 1, column 0); write {\"<key>\": \"<value>\"}"),
            ("{\"k\": hunter2}", "is not a JSON object (line 1, column 7); write {\"<key>\": \"<value>\"}"),
            ("{\"k\": 1}", "\"k\": write the value in quotes"),
            ("{\"k\": null}", "\"k\": write the value in quotes"),
            ("{\"k\": {\"$base64\": \"hunter2\"}}", "\"k\": $base64 is not base64"),
            ("{\"k\": {\"$value\": 1}}", "\"k\": write the value in quotes"),
            ("{\"k\": {\"$value\": \"a\", \"$base64\": \"\"}}", "\"k\": write $value or $base64, not both"),
            ("{\"k\": {\"$versions\": {\"v\": {\"$tags\": {}}}}}", "\"k\": only $base64 may stand here"),
            (
                "{\"k\": {\"$tags\": [\"hunter2\"]}}",
                "\"k\": has another form than the help of this command shows",
            ),
            (
                "{\"$stores\": \"hunter2\"}",
                "\"$stores\": has another form than the help of this command shows",
            ),
        ] {
            assert_eq!(Given::parsed(text).unwrap_err(), message, "{text}");
        }
        let mixed = Given::parsed(r#"{"k": {"$value": "hunter2", "user": "ada"}}"#).unwrap_err();
        assert!(mixed.starts_with("\"k\": an object with $value"), "{mixed}");
    }
}
