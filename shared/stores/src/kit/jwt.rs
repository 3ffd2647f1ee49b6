//! JSON Web Tokens, and other texts, that prove an identity by a key of RSA.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pawl_domain::SecretValue;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Why a token could not be signed. It holds nothing of the key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unsigned {
    /// The key is not PEM.
    #[error("is not PEM")]
    NotPem,
    /// It is no key of RSA, or one that is too short.
    #[error("is no RSA key")]
    NotRsa,
    /// The key or the claims do not serve.
    #[error("cannot sign")]
    Unable,
}

#[derive(Deserialize)]
struct Ending {
    exp: f64,
}

/// When a token ends, by its own words, in seconds: who gave it out is known, so nobody looks at its signature.
pub fn expiry(token: &str) -> Option<i64> {
    let Ending { exp } = claims(token)?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
    exp.is_finite().then_some(exp as i64)
}

/// What a token says of itself.
pub(super) fn claims<T: DeserializeOwned>(token: &str) -> Option<T> {
    let claims = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&claims).ok()
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    kid: &'a str,
}

/// A token with these claims, signed as `RS256` by a key that stands in PEM as PKCS#8 or PKCS#1; `key_id` tells the receiver
/// which one it is, unless it is empty.
///
/// # Errors
/// [`Unsigned`], for which the key must be replaced.
pub fn rs256(key_id: &str, key: &str, claims: &impl Serialize) -> Result<SecretValue, Unsigned> {
    token("RS256", &RSA_PKCS1_SHA256, key_id, key, claims)
}

/// The same, signed as `PS256`.
///
/// # Errors
/// As for [`rs256`].
pub fn ps256(key_id: &str, key: &str, claims: &impl Serialize) -> Result<SecretValue, Unsigned> {
    token("PS256", &RSA_PSS_SHA256, key_id, key, claims)
}

/// The signature of a text by RSA with SHA-256 (PKCS#1 v1.5), by a key that stands in PEM as PKCS#8 or PKCS#1.
///
/// # Errors
/// [`Unsigned`], for which the key must be replaced.
pub fn sign_rs256(key: &str, text: &[u8]) -> Result<Vec<u8>, Unsigned> {
    sign(&RSA_PKCS1_SHA256, key, text)
}

fn token(
    alg: &'static str,
    encoding: &'static dyn RsaEncoding,
    kid: &str,
    key: &str,
    claims: &impl Serialize,
) -> Result<SecretValue, Unsigned> {
    let unsigned = format!("{}.{}", part(&Header { alg, typ: "JWT", kid })?, part(claims)?);
    let signature = sign(encoding, key, unsigned.as_bytes())?;
    Ok(SecretValue::new(format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn sign(encoding: &'static dyn RsaEncoding, key: &str, text: &[u8]) -> Result<Vec<u8>, Unsigned> {
    let pair = pair(key)?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), text, &mut signature).map_err(|_| Unsigned::Unable)?;
    Ok(signature)
}

fn part(part: &impl Serialize) -> Result<String, Unsigned> {
    serde_json::to_vec(part).map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| Unsigned::Unable)
}

fn pair(pem: &str) -> Result<RsaKeyPair, Unsigned> {
    let read = match (der(pem, "PRIVATE KEY"), der(pem, "RSA PRIVATE KEY")) {
        (Some(der), _) => RsaKeyPair::from_pkcs8(der.expose()),
        (None, Some(der)) => RsaKeyPair::from_der(der.expose()),
        (None, None) => return Err(Unsigned::NotPem),
    };
    read.map_err(|_| Unsigned::NotRsa)
}

/// What the first block of this label holds.
fn der(pem: &str, label: &str) -> Option<SecretValue> {
    let (_, rest) = pem.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let body = SecretValue::new(body.split_whitespace().collect::<String>());
    STANDARD.decode(body.expose()).ok().map(SecretValue::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{
        KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    };
    use serde_json::{Value, json};

    #[test]
    fn tokens_are_signed_by_keys_in_either_form() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        // PKCS#8 holds PKCS#1 in an octet string, behind 26 bytes at this size.
        let forms = [("PRIVATE KEY", der.as_ref()), ("RSA PRIVATE KEY", &der.as_ref()[26..])];
        for (label, der) in forms {
            let pem = format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der));
            let token = rs256("key-1", &pem, &json!({ "iss": "me" })).unwrap();
            let parts: Vec<_> = token.expose_str().unwrap().split('.').collect();
            let read =
                |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
            assert_eq!(read(parts[0]), json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" }));
            assert_eq!(read(parts[1]), json!({ "iss": "me" }));
            let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
            let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
            public.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature).unwrap();
        }
    }

    #[test]
    fn tokens_may_be_signed_with_a_salt() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let der = STANDARD.encode(der.as_ref());
        // Yandex writes a line before the key.
        let pem = format!("DO NOT REMOVE\n-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
        let token = ps256("key-1", &pem, &json!({ "iss": "me" })).unwrap();
        let (unsigned, signature) = token.expose_str().unwrap().rsplit_once('.').unwrap();
        let header = URL_SAFE_NO_PAD.decode(unsigned.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, json!({ "alg": "PS256", "typ": "JWT", "kid": "key-1" }));
        let public = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref());
        public.verify(unsigned.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    }

    #[test]
    fn what_is_no_key_is_told_apart() {
        for (pem, want) in [
            ("hunter2", Unsigned::NotPem),
            ("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----", Unsigned::NotPem),
            ("-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----", Unsigned::NotRsa),
            (
                "-----BEGIN RSA PRIVATE KEY-----\naHVudGVyMg==\n-----END RSA PRIVATE KEY-----",
                Unsigned::NotRsa,
            ),
        ] {
            assert_eq!(rs256("key-1", pem, &json!({})).unwrap_err(), want, "{pem}");
        }
    }
}
