//! Makes the bytes that are pushed of a Secret: one key's, or all of it as a JSON object.

use super::Pushed;
use crate::secret::SecretValue;
use pawl_golang::base64::{Encoding, encode};
use pawl_golang::json::{Html, quote};
use thiserror::Error;

/// How the values of a whole Secret stand in its JSON object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AsText {
    /// As the texts that they are; U+FFFD for what is not UTF-8.
    Plain,
    /// In base64.
    Base64,
}

/// The Secret lacks the key that is to be pushed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("the Secret has no key {0:?}; correct match.secretKey, or add the key")]
pub struct MissingKey(pub String);

impl Pushed {
    /// What is written: the value of `secret_key`, or the whole Secret as [`Pushed::object`].
    ///
    /// # Errors
    /// [`MissingKey`]; the manifest or the Secret needs mending.
    pub fn value(&self, whole: AsText) -> Result<SecretValue, MissingKey> {
        match &self.secret_key {
            Some(key) => self.data.get(key).cloned().ok_or_else(|| MissingKey(key.clone())),
            None => Ok(self.object(whole)),
        }
    }

    /// All data as a JSON object: keys sorted by bytes, `<`, `>` and `&` as they are. Source: ESO's `esutils.JSONMarshal`.
    pub fn object(&self, values: AsText) -> SecretValue {
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
                AsText::Plain => quote(value.expose(), Html::Keep),
                AsText::Base64 => quote(encode(Encoding::Standard, value.expose()), Html::Keep),
            });
        }
        out.push(b'}');
        SecretValue::new(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::RemoteEntry;

    fn pushed(key: Option<&str>) -> Pushed {
        let data = [("b", &b"<&>\n"[..]), ("a", b"\xff"), ("c", "ü".as_bytes())];
        Pushed {
            to: RemoteEntry { key: "k".into(), property: None },
            secret_key: key.map(str::to_owned),
            data: data.into_iter().map(|(key, value)| (key.to_owned(), SecretValue::new(value))).collect(),
            secret_type: "Opaque".into(),
            labels: std::collections::BTreeMap::new(),
            annotations: std::collections::BTreeMap::new(),
            metadata: None,
        }
    }

    #[test]
    fn a_key_or_the_whole_secret_is_written() {
        let value = |key, whole| pushed(key).value(whole).map(|value| value.expose().to_vec());
        assert_eq!(value(Some("a"), AsText::Plain), Ok(b"\xff".to_vec()));
        assert_eq!(value(Some("x"), AsText::Plain), Err(MissingKey("x".into())));
        let plain = r#"{"a":"\ufffd","b":"<&>\n","c":"ü"}"#;
        assert_eq!(value(None, AsText::Plain), Ok(plain.as_bytes().to_vec()));
        let encoded = r#"{"a":"/w==","b":"PCY+Cg==","c":"w7w="}"#;
        assert_eq!(value(None, AsText::Base64), Ok(encoded.as_bytes().to_vec()));
    }
}
