//! Makes the bytes that are pushed of a Secret: one key's, or all of it as a JSON object.

use super::Pushed;
use crate::secret::SecretValue;
use pawl_golang::base64::{Encoding, encode};
use pawl_golang::json::{Html, quote};
use thiserror::Error;

/// How the values of a whole Secret stand in its JSON object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AsText {
    /// As the texts that they are.
    Plain,
    /// In base64.
    Base64,
}

/// What is to be pushed cannot be made of the Secret. The message says what to do, and quotes no value.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ValueError {
    /// The Secret lacks the key.
    #[error("the Secret has no key {0:?}; correct match.secretKey, or add the key")]
    MissingKey(String),
    /// The value of this key is no text, and would become another one in a JSON object of texts.
    #[error("the Secret's key {0:?} is not UTF-8, and a JSON object holds texts; encode it, or leave it out")]
    NotText(String),
}

impl Pushed {
    /// What is written: the value of `secret_key`, or the whole Secret as a JSON object.
    ///
    /// # Errors
    /// [`ValueError`]; the manifest or the Secret needs mending.
    pub fn value(&self, whole: AsText) -> Result<SecretValue, ValueError> {
        match &self.secret_key {
            Some(key) => self.data.get(key).cloned().ok_or_else(|| ValueError::MissingKey(key.clone())),
            None => self.object(whole),
        }
    }

    /// All data as a JSON object: keys sorted by bytes, `<`, `>` and `&` as they are. Source: ESO's `esutils.JSONMarshal`.
    fn object(&self, values: AsText) -> Result<SecretValue, ValueError> {
        let longest = self.data.iter().map(|(key, value)| key.len() + value.len() * 2 + 8).sum::<usize>() + 2;
        let mut out = Vec::with_capacity(longest);
        out.push(b'{');
        for (place, (key, value)) in self.data.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&quote(key, Html::Keep));
            out.push(b':');
            out.extend_from_slice(&match values {
                AsText::Plain => {
                    let text = value.expose_str().ok_or_else(|| ValueError::NotText(key.clone()))?;
                    quote(text, Html::Keep)
                }
                AsText::Base64 => quote(encode(Encoding::Standard, value.expose()), Html::Keep),
            });
        }
        out.push(b'}');
        Ok(SecretValue::new(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::RemoteEntry;

    fn pushed(key: Option<&str>, data: &[(&str, &[u8])]) -> Pushed {
        Pushed {
            to: RemoteEntry { key: "k".into(), property: None },
            secret_key: key.map(str::to_owned),
            data: data.iter().map(|(key, value)| ((*key).to_owned(), SecretValue::new(*value))).collect(),
            secret_type: "Opaque".into(),
            labels: std::collections::BTreeMap::new(),
            annotations: std::collections::BTreeMap::new(),
            metadata: None,
        }
    }

    #[test]
    fn a_key_or_the_whole_secret_is_written() {
        let data: &[(&str, &[u8])] = &[("b", b"<&>\n"), ("a", b"\xff"), ("c", "ü".as_bytes())];
        let value = |key, whole| pushed(key, data).value(whole).map(|value| value.expose().to_vec());
        assert_eq!(value(Some("a"), AsText::Plain), Ok(b"\xff".to_vec()));
        assert_eq!(value(Some("x"), AsText::Plain), Err(ValueError::MissingKey("x".into())));
        let encoded = r#"{"a":"/w==","b":"PCY+Cg==","c":"w7w="}"#;
        assert_eq!(value(None, AsText::Base64), Ok(encoded.as_bytes().to_vec()));
        let texts = pushed(None, &[data[0], data[2]]).value(AsText::Plain).unwrap();
        assert_eq!(texts.expose_str(), Some(r#"{"b":"<&>\n","c":"ü"}"#));
    }

    #[test]
    fn bytes_that_are_no_text_are_not_replaced_in_the_object() {
        let error = pushed(None, &[("a", b"text"), ("b", b"\xffcanary")]).value(AsText::Plain).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the Secret's key \"b\" is not UTF-8, and a JSON object holds texts; encode it, or leave it out"
        );
    }
}
