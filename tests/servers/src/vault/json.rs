//! JSON as Go programs keep it: numbers stay the text that they were written as, until something reads them as float64.

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::{Value, value::RawValue};
use std::collections::BTreeMap;

/// A JSON value whose numbers keep their text. Objects are sorted by key, as Go prints maps.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A JSON number, literally.
    Number(String),
    String(String),
    Array(Vec<Self>),
    Object(Object),
}

pub(crate) type Object = BTreeMap<String, Json>;

impl Json {
    /// Reads a document. None when it is not JSON.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Some(match text.as_bytes().first()? {
            b'{' => {
                let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
                let parsed = members.into_iter().map(|(key, value)| Some((key, Self::parse(value.get())?)));
                Self::Object(parsed.collect::<Option<_>>()?)
            }
            b'[' => {
                let elements: Vec<Box<RawValue>> = serde_json::from_str(text).ok()?;
                Self::Array(elements.iter().map(|value| Self::parse(value.get())).collect::<Option<_>>()?)
            }
            b'-' | b'0'..=b'9' => {
                serde_json::from_str::<&RawValue>(text).ok()?;
                Self::Number(text.to_owned())
            }
            _ => match serde_json::from_str(text).ok()? {
                Value::String(text) => Self::String(text),
                Value::Bool(truth) => Self::Bool(truth),
                _ => Self::Null,
            },
        })
    }

    pub(crate) fn object(members: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    pub(crate) fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// How many elements or members there are.
    pub(crate) fn count(&self) -> Self {
        Self::from(match self {
            Self::Array(elements) => elements.len() as u64,
            Self::Object(members) => members.len() as u64,
            _ => 0,
        })
    }

    /// The same after Go has read it into `interface{}` without `UseNumber`: every number is a float64.
    pub(crate) fn through_float64(self) -> Self {
        match self {
            Self::Number(text) => Self::Number(text.parse().map_or(text, go_float)),
            Self::Array(elements) => Self::Array(elements.into_iter().map(Self::through_float64).collect()),
            Self::Object(members) => {
                Self::Object(members.into_iter().map(|(key, value)| (key, value.through_float64())).collect())
            }
            other => other,
        }
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(truth),
            Value::Number(number) => Self::Number(number.to_string()),
            Value::String(text) => Self::String(text),
            Value::Array(elements) => Self::Array(elements.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                Self::Object(members.into_iter().map(|(key, value)| (key, Self::from(value))).collect())
            }
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<bool> for Json {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Number(text) => {
                RawValue::from_string(text.clone()).map_err(S::Error::custom)?.serialize(serializer)
            }
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(elements) => elements.serialize(serializer),
            Self::Object(members) => members.serialize(serializer),
        }
    }
}

/// A document as Go's encoder writes it: one line, with the characters escaped that HTML would take for its own.
pub(crate) fn encode(document: &impl Serialize) -> String {
    // These characters can only stand inside of strings, so replacing them in the whole text is safe.
    serde_json::to_string(document)
        .unwrap_or_default()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        + "\n"
}

/// A float64 as Go's encoder writes it.
fn go_float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once("e-") {
        Some(_) => text,
        None => text.replace('e', "e+"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_text_until_they_are_floats() {
        for (written, as_float) in [
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("5432", "5432"),
            ("12345678901234567890", "12345678901234567000"),
            ("1e22", "1e+22"),
            ("1e-7", "1e-7"),
            ("-0.000001", "-0.000001"),
        ] {
            let parsed = Json::parse(&format!(r#"{{"n":[{written}]}}"#)).unwrap();
            assert_eq!(encode(&parsed), format!("{{\"n\":[{written}]}}\n"));
            assert_eq!(encode(&parsed.through_float64()), format!("{{\"n\":[{as_float}]}}\n"), "{written}");
        }
    }

    #[test]
    fn documents_are_written_as_go_writes_them() {
        let parsed = Json::parse(r#" {"b":"<&>","a":[null,true,"x"]} "#).unwrap();
        assert_eq!(encode(&parsed), "{\"a\":[null,true,\"x\"],\"b\":\"\\u003c\\u0026\\u003e\"}\n");
        for broken in ["", "{", "[1", "nope", "1x", "{\"a\":}"] {
            assert_eq!(Json::parse(broken), None, "{broken}");
        }
    }
}
