//! Values to the data of the Secret: select, convert, validate. Pure, and the same bytes as ESO's.

mod rendered;

pub use rendered::Rendered;

use crate::declaration::{Declaration, Into, KeyConversion, Remote};
use crate::secret::SecretValue;
use crate::values::{Fetched, Found, Values};
use pawl_golang::gjson::{self, TooComplex};
use pawl_golang::json;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The values do not give what the declaration asks of them. Never holds a value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// The property is not in the value.
    #[error(
        "{path}: key {property} does not exist in secret {key}; correct remoteRef.property or the secret"
    )]
    MissingProperty {
        /// Where in the manifest.
        path: String,
        /// The key that was read.
        key: String,
        /// The property that is not there.
        property: String,
    },
    /// The property is a path that costs more to follow in this value than the limits allow.
    #[error("{path}: property {property} is too complex for secret {key}; write a simpler path")]
    TooComplex {
        /// Where in the manifest.
        path: String,
        /// The key that was read.
        key: String,
        /// The property.
        property: String,
    },
    /// A value of which every member shall become an entry is no JSON object.
    #[error(
        "{path}: secret {key} is not a JSON object; read it with data[] instead of dataFrom, or name a property"
    )]
    NotAnObject {
        /// Where in the manifest.
        path: String,
        /// The key that was read.
        key: String,
    },
    /// A name in the value cannot be a key of a Secret.
    #[error(
        "{path}: {name:?} in secret {key} cannot be a key of a Secret: {reason}; rename it in the secret"
    )]
    InvalidKey {
        /// Where in the manifest.
        path: String,
        /// The key that was read.
        key: String,
        /// The name, shortened.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Two names in the value become the same key.
    #[error("{path}: two names in secret {key} become the key {name:?}; rename one in the secret")]
    Collision {
        /// Where in the manifest.
        path: String,
        /// The key that was read.
        key: String,
        /// What both become.
        name: String,
    },
}

/// Makes the data of the target of `declaration` of the values of its reads.
///
/// Later reads win over earlier ones. A read without a value contributes nothing. The order of `values` is that of
/// `declaration.reads`; values too few count as missing.
///
/// # Errors
/// [`RenderError`] when any read does not give what was asked; there is no partial result. Trying again helps only
/// after the declaration or the secret changed.
pub fn render(declaration: &Declaration, values: &Values) -> Result<Rendered, RenderError> {
    let mut data = BTreeMap::new();
    for (position, read) in declaration.reads.iter().enumerate() {
        let (Some(Found::One(fetched)), Some(remote)) = (values.0.get(position), read.remote()) else {
            continue;
        };
        let value = selected(&read.path, remote, fetched)?;
        match &read.into {
            Into::Key(key) => {
                data.insert(key.clone(), value);
            }
            Into::Every { conversion, .. } => {
                data.extend(members(&read.path, remote, &value, conversion.unwrap_or_default())?);
            }
        }
    }
    Ok(Rendered::plain(data))
}

/// The whole value, or the property of it that the read names.
fn selected(path: &str, read: &Remote, fetched: &Fetched) -> Result<SecretValue, RenderError> {
    let Some(property) = read.property.as_deref().filter(|property| !property.is_empty()) else {
        return Ok(fetched.value.clone());
    };
    let (path, key, property) = (path.to_owned(), read.key.clone(), property.to_owned());
    match property_of(&fetched.value, &property) {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(RenderError::MissingProperty { path, key, property }),
        Err(TooComplex) => Err(RenderError::TooComplex { path, key, property }),
    }
}

/// Source: ESO's AWS provider tries a property with dots first as one name with its dots escaped, then as a path.
fn property_of(value: &SecretValue, property: &str) -> Result<Option<SecretValue>, TooComplex> {
    let document = value.expose();
    let mut found = None;
    if property.contains('.') {
        found = gjson::get(document, gjson::escape_dots(property))?;
    }
    if found.is_none() {
        found = gjson::get(document, property)?;
    }
    Ok(found.map(|value| SecretValue::new(value.string())))
}

/// One entry for each member of the JSON object in `value`, under valid keys.
fn members(
    path: &str,
    read: &Remote,
    value: &SecretValue,
    conversion: KeyConversion,
) -> Result<BTreeMap<String, SecretValue>, RenderError> {
    let object = json::object_to_raw(value.expose())
        .map_err(|_| RenderError::NotAnObject { path: path.to_owned(), key: read.key.clone() })?;
    let mut data = BTreeMap::new();
    for (name, member) in object {
        let name = converted(&String::from_utf8_lossy(&name), conversion);
        if name.is_empty() {
            continue;
        }
        if let Err(reason) = validated(&name) {
            return Err(RenderError::InvalidKey {
                path: path.to_owned(),
                key: read.key.clone(),
                name: name.chars().take(80).collect(),
                reason,
            });
        }
        if data.insert(name.clone(), SecretValue::new(member)).is_some() {
            return Err(RenderError::Collision { path: path.to_owned(), key: read.key.clone(), name });
        }
    }
    Ok(data)
}

/// Characters that are no letter, no number (in Unicode's sense) and none of `-._` are replaced.
fn converted(name: &str, conversion: KeyConversion) -> String {
    OUTSIDE_KEYS
        .replace_all(name, |found: &regex::Captures<'_>| match conversion {
            KeyConversion::Default => "_".to_owned(),
            KeyConversion::Unicode => {
                found[0].chars().map(|c| format!("_U{:04x}_", u32::from(c))).collect::<String>()
            }
        })
        .into_owned()
}

/// ESO lets any letter and any dots pass here, which the API server then refuses; saying so before the write names the
/// entry. Source: Kubernetes' rule for the keys of Secrets and ConfigMaps.
fn validated(name: &str) -> Result<(), &'static str> {
    if name.len() > 253 {
        return Err("it is longer than 253 bytes");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        return Err("it may only have ASCII letters, digits, '-', '_' and '.'");
    }
    if name == "." || name.starts_with("..") {
        return Err("it may not be '.' nor start with '..'");
    }
    Ok(())
}

#[expect(clippy::unwrap_used, reason = "the pattern is fixed and a test compiles it")]
static OUTSIDE_KEYS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[^\p{L}\p{N}._-]").unwrap());
