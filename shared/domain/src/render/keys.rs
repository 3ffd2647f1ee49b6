//! The keys of entries: converted, validated, and held to what the API server takes.

use super::error::{EntryProblem, InvalidKey, Refused};
use crate::declaration::KeyConversion;
use crate::secret::SecretValue;
use regex::Regex;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Entries by key, in the order of their keys' bytes.
pub(super) type Data = BTreeMap<String, SecretValue>;

/// The longest key, in bytes. Source: Kubernetes' validation of keys of ConfigMaps and Secrets.
const LONGEST: usize = 253;

/// Names of data stand in messages only up to this many characters.
const SHOWN: usize = 80;

/// ESO's `ConvertKeys`.
pub(super) fn convert(data: Data, conversion: Option<KeyConversion>) -> Result<Data, EntryProblem> {
    if data.keys().all(|key| is_plain(key)) {
        return Ok(data);
    }
    let conversion = conversion.unwrap_or_default();
    let mut converted = Data::new();
    for (key, value) in data {
        let key = convert_one(&key, conversion).into_owned();
        if converted.contains_key(&key) {
            return Err(EntryProblem::Collision { conversion, key });
        }
        converted.insert(key, value);
    }
    Ok(converted)
}

/// ESO's `ValidateKeys`: an empty key is dropped; letters and numbers of every script pass, because a template may
/// still make something else of them.
pub(super) fn validate(data: &mut Data) -> Result<(), InvalidKey> {
    data.remove("");
    for key in data.keys() {
        if key.len() > LONGEST {
            return Err(InvalidKey::Long { length: key.len(), key: key.clone() });
        }
        if is_plain(key) {
            continue;
        }
        let sign = OUTSIDE_KEYS.find(key).and_then(|found| found.as_str().chars().next());
        if let Some(sign) = sign {
            return Err(InvalidKey::Sign { sign, key: key.clone() });
        }
    }
    Ok(())
}

/// The API server's rules for the keys of a Secret, so that the message names the key before anything is written.
pub(super) fn admit(data: &Data) -> Result<(), Refused> {
    data.keys().try_for_each(|key| admit_one(key).map_err(|rule| Refused { key: key.clone(), rule }))
}

/// A name out of a document; what is not UTF-8 in it is no part of any key, so what it becomes does not matter.
pub(super) fn key_of(name: Vec<u8>) -> String {
    String::from_utf8(name).unwrap_or_else(|name| String::from_utf8_lossy(name.as_bytes()).into_owned())
}

/// A name of data, shortened for a message.
pub(super) fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &name[..end]).into(),
        None => name.into(),
    }
}

fn convert_one(key: &str, conversion: KeyConversion) -> Cow<'_, str> {
    if is_plain(key) {
        return key.into();
    }
    OUTSIDE_KEYS.replace_all(key, |found: &regex::Captures<'_>| match conversion {
        KeyConversion::Default => "_".to_owned(),
        KeyConversion::Unicode => found[0].chars().map(|c| format!("_U{:04x}_", u32::from(c))).collect(),
    })
}

fn admit_one(key: &str) -> Result<(), &'static str> {
    if key.is_empty() || !is_plain(key) {
        return Err("a key must consist of alphanumeric characters, '-', '_' or '.'");
    }
    if key.len() > LONGEST {
        return Err("a key must be no more than 253 bytes");
    }
    if key == "." || key.starts_with("..") {
        return Err("a key must not be '.' nor start with '..'");
    }
    Ok(())
}

fn is_plain(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// A sign that is no letter and no number in Unicode's sense, and none of `-._`.
#[expect(clippy::unwrap_used, reason = "the pattern is fixed and a test compiles it")]
static OUTSIDE_KEYS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[^\p{L}\p{N}._-]").unwrap());
