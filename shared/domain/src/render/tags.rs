//! Tags of a key, each as an entry. Source: ESO's Azure provider, `getSecretTags` and `getSecretMapProperties`.

use super::extract::{members, object};
use super::keys::Data;
use super::select::Property;
use crate::provider::{Extract, Lookup};
use crate::secret::SecretValue;
use pawl_golang::budget::Budget;
use pawl_golang::gjson::TooComplex;
use pawl_golang::json::{DecodeError, Tree};

/// Each tag of `tags`, a JSON object of texts, as `<name of the key>_<tag>`. A tag that holds a JSON object of texts becomes
/// `<name of the key>_<tag>_<member>` for each of its members.
pub(super) fn named(key: &str, tags: &SecretValue) -> Result<Data, DecodeError> {
    let name = key.split('/').nth(1).unwrap_or(key);
    let mut data = Data::new();
    for (tag, value) in object(tags.expose())? {
        let Tree::Text(text) = value else { return Err(DecodeError::NotText) };
        let entry = format!("{name}_{}", String::from_utf8_lossy(&tag));
        let value = SecretValue::new(text);
        match members(Extract::Texts, key, &value) {
            Ok(inner) => {
                data.extend(inner.into_iter().map(|(member, value)| (format!("{entry}_{member}"), value)))
            }
            Err(_) => drop(data.insert(entry, value)),
        }
    }
    Ok(data)
}

/// The one entry that a property leaves of these: `<key>_<property>`, with nothing in it where no entry is named so.
pub(super) fn of_property(
    key: &str,
    property: &Property,
    named: &Data,
    budget: &mut Budget,
) -> Result<Data, TooComplex> {
    let full = format!("{key}_{}", property.path);
    let within = || {
        let (tag, rest) = full.split_once('.')?;
        Some((named.get(tag)?, rest))
    };
    let value = match (named.get(&full), within()) {
        (Some(value), _) => value.clone(),
        (None, Some((text, rest))) => match Property::of(Some(rest)) {
            Some(path) => path.find(Lookup::PathFirst { whole: "" }, text, budget)?.unwrap_or_else(nothing),
            None => text.clone(),
        },
        (None, None) => nothing(),
    };
    Ok(Data::from([(full, value)]))
}

fn nothing() -> SecretValue {
    SecretValue::new("")
}
