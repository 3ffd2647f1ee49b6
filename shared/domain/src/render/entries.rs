//! Reads of an object of Kubernetes: its entries, or what is known about it. Source: ESO's Kubernetes provider, version 2.9.

use super::extract::object;
use super::keys::{Data, key_of};
use super::select::Property;
use crate::entries::Entries;
use crate::secret::SecretValue;
use pawl_golang::base64::{self, Encoding};
use pawl_golang::budget::Budget;
use pawl_golang::gjson::{self, TooComplex};
use pawl_golang::json::{self, DecodeError, Html};

/// What of an object is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Of {
    /// Its data.
    Data,
    /// Its labels and annotations.
    Metadata,
}

/// All of it in one JSON object: data as texts, labels and annotations as objects.
pub(super) fn whole(of: Of, value: &SecretValue) -> Result<SecretValue, DecodeError> {
    let entries = Entries::of_value(value)?;
    match of {
        Of::Data => Ok(entries.texts()),
        Of::Metadata => entries.documents(),
    }
}

/// What a property names.
pub(super) fn property(
    of: Of,
    value: &SecretValue,
    path: &str,
    budget: &mut Budget,
) -> Result<Option<SecretValue>, TooComplex> {
    let Ok(entries) = Entries::of_value(value) else { return Ok(None) };
    match of {
        Of::Data => of_data(&entries, path, budget),
        Of::Metadata => of_metadata(&entries, path, budget),
    }
}

/// The entry of exactly this name; else the one that is named before the first dot, and in it the path behind the dot.
fn of_data(entries: &Entries, path: &str, budget: &mut Budget) -> Result<Option<SecretValue>, TooComplex> {
    if let Some(entry) = entries.0.get(path) {
        return Ok(Some(entry.clone()));
    }
    match path.split_once('.') {
        Some((name, rest)) if !name.is_empty() && !rest.is_empty() => {
            entries.0.get(name).map_or(Ok(None), |entry| within(entry, rest, budget))
        }
        _ => Ok(None),
    }
}

/// `labels` or `annotations`; behind a dot the name of one, and behind another dot a path in it. A name with dots cannot be
/// named: each dot ends a part, and parts of the path are joined without them.
fn of_metadata(
    entries: &Entries,
    path: &str,
    budget: &mut Budget,
) -> Result<Option<SecretValue>, TooComplex> {
    let mut parts = path.split('.');
    let kind = parts.next().filter(|kind| matches!(*kind, Entries::LABELS | Entries::ANNOTATIONS));
    let Some(held) = kind.and_then(|kind| entries.0.get(kind)) else { return Ok(None) };
    let Some(name) = parts.next() else { return Ok(Some(held.clone())) };
    let mut held = json::object_to_raw(held.expose()).unwrap_or_default();
    let Some(text) = held.remove(name.as_bytes()).map(SecretValue::new) else { return Ok(None) };
    let rest: Vec<&str> = parts.collect();
    if rest.is_empty() { Ok(Some(text)) } else { within(&text, &rest.concat(), budget) }
}

fn within(value: &SecretValue, path: &str, budget: &mut Budget) -> Result<Option<SecretValue>, TooComplex> {
    let found = gjson::get_within(budget, value.expose(), path)?;
    Ok(found.map(|found| SecretValue::new(found.string())))
}

/// Each member of the JSON object in the entry that a property names, written anew: texts keep their quotes. The property is
/// one name first, then a path.
pub(super) fn every_of(
    value: &SecretValue,
    property: &Property,
    budget: &mut Budget,
) -> Result<Option<Result<Data, DecodeError>>, TooComplex> {
    for path in property.escaped.iter().chain([&property.path]) {
        if let Some(found) = gjson::get_within(budget, value.expose(), path)? {
            return Ok(Some(written_anew(&found.string())));
        }
    }
    Ok(None)
}

fn written_anew(entry: &[u8]) -> Result<Data, DecodeError> {
    let entry = base64::decode(Encoding::Standard, entry).map_err(|_| DecodeError::NotAnObject)?;
    let entry = SecretValue::new(entry);
    let member = |(name, value): (Vec<u8>, _)| {
        // What was read from JSON is finite and nests no deeper than can be written.
        let text = json::encode(&value, Html::Keep).unwrap_or_default();
        (key_of(name), SecretValue::new(text))
    };
    Ok(object(entry.expose())?.into_iter().map(member).collect())
}
