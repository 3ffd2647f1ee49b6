//! `extract`: the members of a JSON object, each an entry.

use super::keys::{Data, key_of};
use crate::entries::Entries;
use crate::item::Item;
use crate::provider::Extract;
use crate::secret::SecretValue;
use pawl_golang::fmt;
use pawl_golang::json::{self, DecodeError, Html, Tree};
use pawl_golang::number::{FloatBits, FloatFormat, format_float};
use pawl_golang::value::Value;
use pawl_golang::yaml;

/// One entry for each member of the object in `value`, which a key holds, as ESO's provider makes them of it.
pub(super) fn members(extract: Extract, key: &str, value: &SecretValue) -> Result<Data, DecodeError> {
    match extract {
        Extract::Raw | Extract::RawOrTags => raw(value),
        Extract::ByKey => Ok([(key.to_owned(), value.clone())].into()),
        Extract::RawWithNull => {
            let mut all = raw(value)?;
            let nulls =
                json::object_to_quoted(value.expose())?.into_iter().filter(|(_, text)| text == b"null");
            all.extend(nulls.map(|(name, text)| (key_of(name), SecretValue::new(text))));
            Ok(all)
        }
        Extract::Items => Ok(items(value)?.into_iter().flatten().collect()),
        Extract::Quoted => {
            let members = json::object_to_quoted(value.expose())?;
            Ok(members.into_iter().map(|(name, text)| (key_of(name), SecretValue::new(text))).collect())
        }
        Extract::Wrapped => object(value.expose())?.into_iter().map(unwrapped).collect(),
        // Source: ESO's CRD provider, which takes anything else for one entry.
        Extract::RawOrValue => {
            Ok(raw(value).unwrap_or_else(|_| [("value".to_owned(), value.clone())].into()))
        }
        Extract::Entries => Ok(Entries::of_value(value)?.0),
        // They are taken apart where the property is known.
        Extract::Parts => Err(DecodeError::NotAnObject),
        Extract::Item => Ok(Item::of_value(value)?.parts.into_iter().collect()),
        Extract::Printed => Ok(stringified_all(object(value.expose())?)),
        Extract::Texts => object(value.expose())?.into_iter().map(text).collect(),
        Extract::Yaml => yaml(value),
        Extract::Packed => match json::decode(value.expose())? {
            Tree::Map(members) => Ok(stringified_all(members)),
            _ => Err(DecodeError::NotAnObject),
        },
    }
}

/// The document that `extract` takes apart, where it is packed in a JSON text.
pub(super) fn unpacked(extract: Extract, value: SecretValue) -> Result<SecretValue, DecodeError> {
    if extract != Extract::Packed || !value.expose().trim_ascii_start().starts_with(b"\"") {
        return Ok(value);
    }
    match json::decode(value.expose())? {
        Tree::Text(text) => Ok(SecretValue::new(text)),
        _ => Ok(value),
    }
}

/// Source: ESO's Bitwarden provider. What is no YAML is read as JSON.
fn yaml(value: &SecretValue) -> Result<Data, DecodeError> {
    let members = match yaml::read(value.expose()) {
        Ok(Tree::Map(members)) => members,
        Ok(Tree::Null) => return Ok(Data::new()),
        Ok(_) => return Err(DecodeError::NotAnObject),
        Err(_) => return raw(value),
    };
    let text = |(name, tree): (Vec<u8>, Tree)| {
        let text = match tree {
            Tree::Text(text) => text,
            Tree::Map(_) => {
                yaml::write(&tree).map(|text| indented(&text)).map_err(|_| DecodeError::NotText)?
            }
            other => fmt::sprint(&[Value::from(other)]).map_err(|_| DecodeError::NotText)?,
        };
        Ok((key_of(name), SecretValue::new(text)))
    };
    members.into_iter().map(text).collect()
}

/// The library of this provider indents by four, the one that other parts of ESO use by two.
fn indented(yaml: &str) -> Vec<u8> {
    let line = |line: &str| {
        let rest = line.trim_start_matches(' ');
        format!("{}{rest}", " ".repeat(2 * (line.len() - rest.len())))
    };
    yaml.trim().lines().map(line).collect::<Vec<_>>().join("\n").into_bytes()
}

fn raw(value: &SecretValue) -> Result<Data, DecodeError> {
    let members = json::object_to_raw(value.expose())?;
    Ok(members.into_iter().map(|(name, text)| (key_of(name), SecretValue::new(text))).collect())
}

/// The members of each object in a list.
pub(super) fn items(value: &SecretValue) -> Result<Vec<Data>, DecodeError> {
    let members = |item| match item {
        Tree::Map(members) => members.into_iter().map(text).collect(),
        _ => Err(DecodeError::NotAnObject),
    };
    match json::decode(value.expose())? {
        Tree::Null => Ok(Vec::new()),
        Tree::List(items) => items.into_iter().map(members).collect(),
        _ => Err(DecodeError::NotAnObject),
    }
}

/// JSON as ESO's `GetByteValue` prints what Go reads of it: texts as they are, numbers as floats without exponents, anything
/// nested with sorted keys and HTML signs escaped. `None` for what is no JSON.
pub fn printed(json: &[u8]) -> Option<SecretValue> {
    json::decode(json).ok().map(|tree| SecretValue::new(stringified(tree)))
}

/// What the object that a member is holds as its value.
fn unwrapped((name, wrapped): (Vec<u8>, Tree)) -> Result<(String, SecretValue), DecodeError> {
    match wrapped {
        Tree::Map(mut wrapped) => {
            let value = wrapped.remove(&b"value"[..]).ok_or(DecodeError::NotAnObject)?;
            Ok((key_of(name), SecretValue::new(stringified(value))))
        }
        _ => Err(DecodeError::NotAnObject),
    }
}

/// Source: Go's `json.Unmarshal` into a map of strings, which takes null for an empty one.
fn text((name, value): (Vec<u8>, Tree)) -> Result<(String, SecretValue), DecodeError> {
    match value {
        Tree::Text(text) => Ok((key_of(name), SecretValue::new(text))),
        Tree::Null => Ok((key_of(name), SecretValue::new(""))),
        _ => Err(DecodeError::NotText),
    }
}

/// The members of a JSON object; those of `null` are none.
pub(super) fn object(json: &[u8]) -> Result<Members, DecodeError> {
    match json::decode(json)? {
        Tree::Null => Ok(Members::new()),
        Tree::Map(members) => Ok(members),
        Tree::Bool(_) | Tree::Int(_) | Tree::Uint(_) | Tree::Float(_) | Tree::Text(_) | Tree::List(_) => {
            Err(DecodeError::NotAnObject)
        }
    }
}

/// The members of an object that was read.
pub(super) type Members = std::collections::BTreeMap<Vec<u8>, Tree>;

/// Each member as ESO's `GetByteValue` writes it.
pub(super) fn stringified_all(members: Members) -> Data {
    members.into_iter().map(|(name, value)| (key_of(name), SecretValue::new(stringified(value)))).collect()
}

/// Source: ESO's `GetByteValue`: texts as they are, null as nothing, numbers never with an exponent, everything
/// nested as JSON with HTML signs escaped.
fn stringified(value: Tree) -> Vec<u8> {
    match value {
        Tree::Null => Vec::new(),
        Tree::Bool(value) => value.to_string().into_bytes(),
        Tree::Int(value) => value.to_string().into_bytes(),
        Tree::Uint(value) => value.to_string().into_bytes(),
        Tree::Float(value) => format_float(value, FloatFormat::Fixed, None, FloatBits::B64).into_bytes(),
        Tree::Text(text) => text,
        // What was read from JSON is finite and nests no deeper than can be written.
        nested @ (Tree::List(_) | Tree::Map(_)) => json::encode(&nested, Html::Escape).unwrap_or_default(),
    }
}
