//! Passwords.

use crate::{random, unusable};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use pawl_domain::SecretValue;
use pawl_domain::generator::{Encoding, PasswordGenerator};
use pawl_ports::{Error, Generation};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// A password for each key.
pub(crate) fn made(spec: &PasswordGenerator) -> Result<Generation, Error> {
    let mut values = BTreeMap::new();
    for key in &spec.keys {
        let mut failed = None;
        let mut draw = |below| {
            random::below(below).unwrap_or_else(|error| {
                failed = Some(error);
                0
            })
        };
        let password = spec.make(&mut draw);
        if let Some(error) = failed {
            return Err(error);
        }
        let password = password.map_err(|why| unusable(why.to_string()))?;
        values.insert(key.clone(), encoded(&password, spec.encoding));
    }
    Ok(Generation { values, expires: None })
}

fn encoded(password: &SecretValue, encoding: Encoding) -> SecretValue {
    let bytes = password.expose();
    let text = Zeroizing::new(match encoding {
        Encoding::Raw => return password.clone(),
        Encoding::Base64 => STANDARD.encode(bytes),
        Encoding::Base64Url => URL_SAFE.encode(bytes),
        Encoding::Base32 => base32(bytes),
        Encoding::Hex => hex::encode(bytes),
    });
    SecretValue::new(text.as_bytes())
}

/// Base32 of RFC 4648, with padding.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut five = [0; 8];
        five[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(five);
        let letters = (chunk.len() * 8).div_ceil(5);
        for place in 0..8 {
            let at = usize::try_from(bits >> (35 - 5 * place) & 31).unwrap_or_default();
            text.push(if place < letters { LETTERS[at].into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Go's `encoding/base64`, `base32` and `hex` make of these.
    #[test]
    fn passwords_are_encoded_as_go_encodes_them() {
        for (raw, base64, url, base32, hex) in [
            ("", "", "", "", ""),
            ("f", "Zg==", "Zg==", "MY======", "66"),
            ("fo", "Zm8=", "Zm8=", "MZXQ====", "666f"),
            ("foo", "Zm9v", "Zm9v", "MZXW6===", "666f6f"),
            ("foob", "Zm9vYg==", "Zm9vYg==", "MZXW6YQ=", "666f6f62"),
            ("fooba", "Zm9vYmE=", "Zm9vYmE=", "MZXW6YTB", "666f6f6261"),
            ("foobar", "Zm9vYmFy", "Zm9vYmFy", "MZXW6YTBOI======", "666f6f626172"),
            ("~?>~?>~", "fj8-fj8-fg==", "fj8-fj8-fg==", "PY7T47R7HZ7A====", "7e3f3e7e3f3e7e"),
        ] {
            let of = |encoding| encoded(&SecretValue::new(raw), encoding);
            let text = |encoding| of(encoding).expose_str().unwrap().to_owned();
            assert_eq!(text(Encoding::Raw), raw);
            assert_eq!(text(Encoding::Base64), base64.replace('-', "+"), "{raw}");
            assert_eq!(text(Encoding::Base64Url), url, "{raw}");
            assert_eq!(text(Encoding::Base32), base32, "{raw}");
            assert_eq!(text(Encoding::Hex), hex, "{raw}");
        }
    }
}
