//! What an object of Kubernetes holds, each entry bytes of its own, as one value.
//!
//! A read of such an object gives one text or bytes, and which of them a property names, or a declaration takes apart, is
//! known only when it is rendered. So adapters give all of it, in the form in which Go writes a map of bytes: a JSON object
//! with each entry in base64. Source: ESO's Kubernetes provider, version 2.9, which looks properties up in this form.

use crate::secret::SecretValue;
use pawl_golang::base64::{self, Encoding};
use pawl_golang::json::{self, DecodeError, Html, Tree};
use std::collections::BTreeMap;

/// The entries of one object, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Entries(pub BTreeMap<String, SecretValue>);

impl Entries {
    /// The entry that holds the labels, of what is known about an object.
    pub const LABELS: &str = "labels";
    /// The entry that holds the annotations.
    pub const ANNOTATIONS: &str = "annotations";

    /// What is known about an object: labels and annotations, each a JSON object, or `null` where the object has none.
    pub fn about(
        labels: Option<&BTreeMap<String, String>>,
        annotations: Option<&BTreeMap<String, String>>,
    ) -> Self {
        let entry = |(name, held): (&str, Option<&BTreeMap<String, String>>)| {
            let texts = held.map_or(Tree::Null, |held| {
                let text = |(name, text): (&String, &String)| {
                    (name.clone().into_bytes(), Tree::Text(text.clone().into_bytes()))
                };
                Tree::Map(held.iter().map(text).collect())
            });
            (name.to_owned(), SecretValue::new(written(&texts)))
        };
        Self([(Self::LABELS, labels), (Self::ANNOTATIONS, annotations)].into_iter().map(entry).collect())
    }

    /// Those of a JSON object, each with its text: as [`Entries::texts`] shows them.
    ///
    /// # Errors
    /// The value is no JSON object.
    pub fn of_texts(object: &SecretValue) -> Result<Self, DecodeError> {
        let members = json::object_to_raw(object.expose())?;
        Ok(Self(members.into_iter().map(|(name, text)| (name_of(name), SecretValue::new(text))).collect()))
    }

    /// The form in which adapters give them.
    pub fn to_value(&self) -> SecretValue {
        let entry = |(name, bytes): (&String, &SecretValue)| {
            let text = base64::encode(Encoding::Standard, bytes.expose());
            (name.clone().into_bytes(), Tree::Text(text.into_bytes()))
        };
        SecretValue::new(written(&Tree::Map(self.0.iter().map(entry).collect())))
    }

    /// Out of the form in which adapters give them.
    ///
    /// # Errors
    /// The value has another form.
    pub fn of_value(value: &SecretValue) -> Result<Self, DecodeError> {
        let mut entries = BTreeMap::new();
        for (name, text) in json::object_to_raw(value.expose())? {
            let text = SecretValue::new(text);
            let bytes = base64::decode(Encoding::Standard, text.expose());
            entries.insert(name_of(name), SecretValue::new(bytes.map_err(|_| DecodeError::NotText)?));
        }
        Ok(Self(entries))
    }

    /// A JSON object with each entry as a text; what is not UTF-8 becomes U+FFFD.
    pub fn texts(&self) -> SecretValue {
        let entry = |(name, bytes): (&String, &SecretValue)| {
            (name.clone().into_bytes(), Tree::Text(bytes.expose().to_vec()))
        };
        SecretValue::new(written(&Tree::Map(self.0.iter().map(entry).collect())))
    }

    /// A JSON object with each entry as the JSON that it holds.
    ///
    /// # Errors
    /// An entry holds no JSON.
    pub fn documents(&self) -> Result<SecretValue, DecodeError> {
        let mut members = BTreeMap::new();
        for (name, document) in &self.0 {
            members.insert(name.clone().into_bytes(), json::decode(document.expose())?);
        }
        Ok(SecretValue::new(written(&Tree::Map(members))))
    }
}

/// A whole object of any kind as Kubernetes' clients write it again: keys sorted, HTML signs escaped.
///
/// # Errors
/// The bytes are no JSON, nest too deep, or hold a number beyond the range of floats.
pub fn object(json: &[u8]) -> Result<SecretValue, DecodeError> {
    json::rewrite_object(json, Html::Escape).map(SecretValue::new)
}

fn name_of(name: Vec<u8>) -> String {
    String::from_utf8(name).unwrap_or_else(|name| String::from_utf8_lossy(name.as_bytes()).into_owned())
}

fn written(tree: &Tree) -> Vec<u8> {
    // Texts in two levels, and what was read from JSON, always have a JSON form.
    json::encode(tree, Html::Keep).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &[u8])]) -> Entries {
        Entries(pairs.iter().map(|&(name, bytes)| (name.to_owned(), SecretValue::new(bytes))).collect())
    }

    #[test]
    fn bytes_survive_and_texts_are_shown_as_go_shows_them() {
        let held = entries(&[("b", b"\xff\x00"), ("a.txt", b"<x>\xe2\x80\xa8"), ("empty", b"")]);
        let value = held.to_value();
        assert_eq!(value.expose_str(), Some(r#"{"a.txt":"PHg+4oCo","b":"/wA=","empty":""}"#));
        assert_eq!(Entries::of_value(&value), Ok(held.clone()));
        let shown = r#"{"a.txt":"<x>\u2028","b":"\ufffd\u0000","empty":""}"#;
        assert_eq!(held.texts().expose_str(), Some(shown));
        assert_eq!(Entries::default().texts().expose_str(), Some("{}"));
    }

    #[test]
    fn what_is_known_about_an_object_is_two_documents() {
        let labels = BTreeMap::from([("team".to_owned(), "a&b".to_owned())]);
        let about = Entries::about(Some(&labels), None);
        let want = entries(&[("labels", br#"{"team":"a&b"}"#), ("annotations", b"null")]);
        assert_eq!(about, want);
        let whole = about.documents().unwrap();
        assert_eq!(whole.expose_str(), Some(r#"{"annotations":null,"labels":{"team":"a&b"}}"#));
    }

    #[test]
    fn texts_that_were_given_become_entries() {
        let given = SecretValue::new(r#"{"a":"x","n":1.50,"nil":null}"#);
        let entries = Entries::of_texts(&given).unwrap();
        assert_eq!(entries.texts().expose_str(), Some(r#"{"a":"x","n":"1.50","nil":""}"#));
        assert_eq!(Entries::of_texts(&SecretValue::new("plain")), Err(DecodeError::Syntax(0)));
        assert_eq!(Entries::of_value(&SecretValue::new(r#"{"a":"%"}"#)), Err(DecodeError::NotText));
    }
}
