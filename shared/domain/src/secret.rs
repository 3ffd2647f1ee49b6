//! The only holder of secret values, and the keyed digest that may be remembered of them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes that must never be seen: no `Display`, no `Serialize`, `Debug` shows nothing, memory is wiped on drop.
///
/// [`SecretValue::expose`] is the only door; call it on the last line before the bytes are used.
#[derive(Clone, Eq, PartialEq, Zeroize, ZeroizeOnDrop)]
pub struct SecretValue(Vec<u8>);

impl SecretValue {
    /// Takes the bytes over; nothing is copied.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text, where they are UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when there is not a single byte.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue([redacted])")
    }
}

/// The key under which the ledger's digests are made, so that a short password cannot be guessed from its digest.
#[derive(Clone, Debug)]
pub struct DigestKey(SecretValue);

impl DigestKey {
    /// A digest key of at least 16 bytes; `None` if it is shorter.
    pub fn new(key: SecretValue) -> Option<Self> {
        (key.len() >= 16).then_some(Self(key))
    }

    /// HMAC-SHA-256 in lower case hex over keys and values, each with its length, in key order.
    pub fn digest(&self, data: &BTreeMap<String, SecretValue>) -> String {
        let parts =
            data.iter().fold(self.parts(), |parts, (key, value)| parts.with(key).with(value.expose()));
        parts.digest()
    }

    /// A digest over many parts, to be added in order.
    pub fn parts(&self) -> DigestParts {
        // HMAC takes keys of any length, so there is always one.
        DigestParts(Hmac::<Sha256>::new_from_slice(self.0.expose()).ok())
    }
}

/// A keyed digest in the making. Where a part ends counts, so that no two lists of parts are taken for each other.
#[must_use]
pub struct DigestParts(Option<Hmac<Sha256>>);

impl DigestParts {
    /// Adds a part.
    pub fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        if let Some(mac) = &mut self.0 {
            let part = part.as_ref();
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        self
    }

    /// HMAC-SHA-256 in lower case hex.
    pub fn digest(self) -> String {
        self.0.map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_a_secret_value_does_not_output_it() {
        assert_eq!(format!("{:?}", SecretValue::new("hunter2")), "SecretValue([redacted])");
    }

    #[test]
    fn digests_tell_where_a_value_ends() {
        let key = DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap();
        let of = |pairs: &[(&str, &str)]| {
            key.digest(&pairs.iter().map(|(k, v)| ((*k).to_owned(), SecretValue::new(*v))).collect())
        };
        assert_eq!(of(&[("a", "bc")]), of(&[("a", "bc")]));
        assert_ne!(of(&[("a", "bc")]), of(&[("ab", "c")]));
        assert_ne!(of(&[("a", ""), ("b", "")]), of(&[("a", ""), ("c", "")]));
        assert!(DigestKey::new(SecretValue::new("short")).is_none());
    }
}
