//! Properties of values that are JSON: what ESO's `property` sets is a path of sjson, such as `db.password` or `tls\.crt`.

use crate::secret::SecretValue;
use pawl_golang::{gjson, sjson};
use thiserror::Error;

/// A property cannot be set, looked for or taken away. The message says what to do, and quotes nothing of the value.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("property {property:?}: {what}")]
pub struct PropertyError {
    property: String,
    what: String,
}

/// What is left of a value without a property.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Left {
    /// The property is not there, or the value has no properties.
    AsItIs,
    /// This.
    Value(SecretValue),
    /// An empty object or array.
    Nothing,
}

/// What stands there afterwards: what is given, or what stands there now with it at the property. The rest stays byte by byte.
///
/// # Errors
/// [`PropertyError`] where another value than an object or array stands there, which would be lost, and for a value that is no
/// text.
pub fn with(
    property: Option<&str>,
    standing: Option<&SecretValue>,
    given: SecretValue,
) -> Result<SecretValue, PropertyError> {
    let Some(property) = property else { return Ok(given) };
    let standing = standing.map(SecretValue::expose).unwrap_or_default();
    if !matches!(standing.trim_ascii_start().first(), None | Some(b'{' | b'[')) {
        return Err(failed(property, sjson::SetError::NotJson));
    }
    let standing = if standing.trim_ascii_start().is_empty() { b"" } else { standing };
    let text = given.expose_str().ok_or_else(|| PropertyError {
        property: property.to_owned(),
        what: "the value is not UTF-8, and JSON holds texts; encode it".to_owned(),
    })?;
    let changed = sjson::set(standing, property, text);
    changed.map(SecretValue::new).map_err(|error| failed(property, error))
}

/// What is left of a value without a property.
///
/// # Errors
/// [`PropertyError`] for a path that names many places.
pub fn without(property: &str, standing: &SecretValue) -> Result<Left, PropertyError> {
    match sjson::delete(standing.expose(), property) {
        Ok(None) | Err(sjson::SetError::NotJson) => Ok(Left::AsItIs),
        Ok(Some(left)) => {
            let left = SecretValue::new(left);
            Ok(if is_hollow(&left) { Left::Nothing } else { Left::Value(left) })
        }
        Err(error) => Err(failed(property, error)),
    }
}

/// Whether a value has a property.
///
/// # Errors
/// [`PropertyError`] for a value that is too costly to search.
pub fn has(property: &str, standing: &SecretValue) -> Result<bool, PropertyError> {
    let found = gjson::get(standing.expose(), property);
    found.map(|found| found.is_some()).map_err(|error| failed(property, error.into()))
}

/// Whether it is an object or array that holds nothing.
fn is_hollow(value: &SecretValue) -> bool {
    let ([b'{', held @ .., b'}'] | [b'[', held @ .., b']']) = value.expose().trim_ascii() else {
        return false;
    };
    held.trim_ascii().is_empty()
}

fn failed(property: &str, error: sjson::SetError) -> PropertyError {
    let what = match error {
        sjson::SetError::NotJson => {
            "what stands there is no JSON object; leave property out, or push to another key".to_owned()
        }
        error => error.to_string(),
    };
    PropertyError { property: property.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> SecretValue {
        SecretValue::new(text)
    }

    #[test]
    fn a_property_is_set_beside_the_others() {
        for (standing, property, want) in [
            (None, None, "new"),
            (Some("old"), None, "new"),
            (None, Some("a"), r#"{"a":"new"}"#),
            (Some(""), Some("a"), r#"{"a":"new"}"#),
            (Some(" "), Some("a"), r#"{"a":"new"}"#),
            (Some(r#"{ "b": 1 }"#), Some("a"), r#"{ "b": 1 ,"a":"new"}"#),
            (Some(r#"{"a":1,"b":2}"#), Some("a"), r#"{"a":"new","b":2}"#),
            (Some(r#"{"a":{"b":1}}"#), Some("a.c"), r#"{"a":{"b":1,"c":"new"}}"#),
            (Some("{}"), Some("tls\\.crt"), r#"{"tls.crt":"new"}"#),
        ] {
            let standing = standing.map(value);
            let got = with(property, standing.as_ref(), value("new")).unwrap();
            assert_eq!(got.expose_str(), Some(want), "{property:?}");
        }
        for standing in ["text", "\"text\"", "7", "{", "null"] {
            let error = with(Some("a"), Some(&value(standing)), value("new")).unwrap_err().to_string();
            assert_eq!(
                error,
                "property \"a\": what stands there is no JSON object; leave property out, or push to another key"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_not_replaced() {
        let bytes = || SecretValue::new(b"\xffcanary");
        for standing in [None, Some(value("{}"))] {
            let error = with(Some("a"), standing.as_ref(), bytes()).unwrap_err().to_string();
            assert_eq!(error, "property \"a\": the value is not UTF-8, and JSON holds texts; encode it");
        }
        assert_eq!(with(None, None, bytes()), Ok(bytes()), "no JSON is made of it");
    }

    #[test]
    fn the_rest_is_left() {
        for (standing, property, want) in [
            (r#"{"a":1}"#, "a", Left::Nothing),
            (r#" { "a" : 1 } "#, "a", Left::Nothing),
            ("[1]", "0", Left::Nothing),
            (r#"{"a":1,"b":2}"#, "a", Left::Value(value(r#"{"b":2}"#))),
            (r#"{"a":{"b":1}}"#, "a.b", Left::Value(value(r#"{"a":{}}"#))),
            (r#"{"a":1}"#, "b", Left::AsItIs),
            ("text", "a", Left::AsItIs),
        ] {
            assert_eq!(without(property, &value(standing)), Ok(want), "{property} of {standing}");
        }
        assert!(without("a.*", &value("{}")).is_err());
        assert_eq!(has("a.b", &value(r#"{"a":{"b":null}}"#)), Ok(true));
        assert_eq!(has("b", &value(r#"{"a":{"b":null}}"#)), Ok(false));
    }
}
