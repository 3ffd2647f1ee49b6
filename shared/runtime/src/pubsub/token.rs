//! Whether a token is one that Google signed for a push subscription. Source: Pub/Sub's documentation, "Authentication for push
//! subscriptions", and RFC 7519.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// For whom a token must be, and whose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expected {
    /// The audience of the subscription.
    pub audience: String,
    /// The email of the service account that the subscription pushes as.
    pub account: String,
}

/// Why a request is not let in. Says nothing that helps to guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Nobody is let in.
    #[error("Pub/Sub is not listened to; set PAWL_PUBSUB_AUDIENCE and PAWL_PUBSUB_ACCOUNT to listen")]
    Closed,
    /// There is no token.
    #[error("the request has no bearer token; let the subscription authenticate")]
    Unsigned,
    /// Google did not sign it.
    #[error("the token is none that Google signed")]
    Forged,
    /// It is for somebody else, or of somebody else.
    #[error("the token is for another audience or of another service account")]
    Other,
    /// Its time is not now.
    #[error("the token is not valid at this time")]
    Late,
    /// Google's keys could not be had, so nothing can be said of the token.
    #[error("the keys of Google could not be had; send it again")]
    NoKeys,
}

/// Keys that tokens are signed with, by id.
#[derive(Clone, Default)]
pub struct Keys(BTreeMap<String, Key>);

#[derive(Clone)]
struct Key {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    kty: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    email_verified: bool,
    iat: i64,
    exp: i64,
}

/// The longest token that is looked at, in bytes. Google's have about one thousand.
const LONGEST: usize = 8 * 1024;
/// By how many seconds clocks may differ.
const SKEW: i64 = 60;
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

impl Keys {
    /// The keys of RSA in a JSON Web Key Set; `None` where it is none.
    pub fn read(json: &[u8]) -> Option<Self> {
        let set: Set = serde_json::from_slice(json).ok()?;
        let key = |entry: Entry| {
            let (modulus, exponent) = (part(&entry.n).ok()?, part(&entry.e).ok()?);
            (entry.kty == "RSA" && !entry.kid.is_empty()).then_some((entry.kid, Key { modulus, exponent }))
        };
        Some(Self(set.keys.into_iter().filter_map(key).collect()))
    }

    /// Whether a key of this id is among them.
    pub fn have(&self, id: &str) -> bool {
        self.0.contains_key(id)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The id of the key that a token says it is signed with.
///
/// # Errors
/// [`Refused::Forged`] when it is no token.
pub(super) fn key_id(token: &str) -> Result<String, Refused> {
    let head = token.split('.').next().filter(|_| token.len() <= LONGEST).ok_or(Refused::Forged)?;
    let header: Header = read(head)?;
    Ok(header.kid)
}

/// Whether Google signed a token, for whom and whose is expected, and now is its time.
///
/// # Errors
/// [`Refused`].
pub(super) fn check(token: &str, keys: &Keys, expected: &Expected, now: Timestamp) -> Result<(), Refused> {
    let parts: Vec<&str> = token.split('.').take(4).collect();
    let [head, claims, signature] = parts[..] else { return Err(Refused::Forged) };
    let header: Header = read(head)?;
    let key = keys.0.get(&header.kid).filter(|_| header.alg == "RS256").ok_or(Refused::Forged)?;
    let components = RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent };
    let signed = format!("{head}.{claims}");
    components
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &part(signature)?)
        .map_err(|_| Refused::Forged)?;
    let claims: Claims = read(claims)?;
    let known = ISSUERS.contains(&claims.iss.as_str()) && claims.email_verified;
    if !known || claims.aud != expected.audience || claims.email != expected.account {
        return Err(Refused::Other);
    }
    let now = now.as_second();
    let is_now = now.saturating_add(SKEW) >= claims.iat && now.saturating_sub(SKEW) < claims.exp;
    if is_now { Ok(()) } else { Err(Refused::Late) }
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, Refused> {
    serde_json::from_slice(&part(text)?).map_err(|_| Refused::Forged)
}

fn part(text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Forged)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
    use serde_json::{Value, json};

    pub(in crate::pubsub) const NOW: i64 = 1_800_000_000;

    pub(in crate::pubsub) fn pair() -> RsaKeyPair {
        RsaKeyPair::generate(KeySize::Rsa2048).unwrap()
    }

    pub(in crate::pubsub) fn set(id: &str, pair: &RsaKeyPair) -> String {
        let der = pair.public_key().as_ref();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        // PKCS#1: at this size the modulus stands behind nine bytes, and before the exponent 65537.
        let (modulus, exponent) = (text(&der[9..265]), text(&[1, 0, 1]));
        json!({ "keys": [
            { "kid": "of-a-curve", "kty": "EC", "crv": "P-256", "x": "", "y": "" },
            { "kid": id, "kty": "RSA", "alg": "RS256", "use": "sig", "n": modulus, "e": exponent },
        ] })
        .to_string()
    }

    pub(in crate::pubsub) fn signed(pair: &RsaKeyPair, header: &Value, claims: &Value) -> String {
        let text = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let unsigned = format!("{}.{}", text(header), text(claims));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), unsigned.as_bytes(), &mut signature).unwrap();
        format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub(in crate::pubsub) fn header(id: &str) -> Value {
        json!({ "alg": "RS256", "kid": id, "typ": "JWT" })
    }

    pub(in crate::pubsub) fn claims() -> Value {
        json!({
            "aud": "https://pawl.example.com/v1/google/pubsub", "azp": "113774264463038321964",
            "email": "push@shop.iam.gserviceaccount.com", "sub": "113774264463038321964",
            "email_verified": true, "exp": NOW + 3600, "iat": NOW, "iss": "https://accounts.google.com",
        })
    }

    pub(in crate::pubsub) fn expected() -> Expected {
        Expected {
            audience: "https://pawl.example.com/v1/google/pubsub".to_owned(),
            account: "push@shop.iam.gserviceaccount.com".to_owned(),
        }
    }

    #[test]
    fn only_who_is_expected_is_let_in_and_only_in_time() {
        let own = pair();
        let keys = Keys::read(set("one", &own).as_bytes()).unwrap();
        let told = |edit: &[(&str, Value)], at: i64| {
            let mut claims = claims();
            for (name, value) in edit {
                claims[*name] = value.clone();
            }
            let now = Timestamp::from_second(NOW + at).unwrap();
            check(&signed(&own, &header("one"), &claims), &keys, &expected(), now)
        };
        for (edit, at, want) in [
            (&[][..], 0, Ok(())),
            (&[("iss", json!("accounts.google.com"))], 0, Ok(())),
            (&[], -60, Ok(())),
            (&[], 3659, Ok(())),
            (&[], -61, Err(Refused::Late)),
            (&[], 3660, Err(Refused::Late)),
            (&[("aud", json!("https://other.example.com"))], 0, Err(Refused::Other)),
            (&[("email", json!("other@shop.iam.gserviceaccount.com"))], 0, Err(Refused::Other)),
            (&[("email_verified", json!(false))], 0, Err(Refused::Other)),
            (&[("iss", json!("https://evil.example"))], 0, Err(Refused::Other)),
            (&[("exp", json!("soon"))], 0, Err(Refused::Forged)),
        ] {
            assert_eq!(told(edit, at), want, "{edit:?} {at}");
        }
    }

    #[test]
    fn what_google_did_not_sign_is_forged() {
        let (own, other) = (pair(), pair());
        let keys = Keys::read(set("one", &own).as_bytes()).unwrap();
        assert!(keys.have("one") && !keys.have("of-a-curve"));
        let now = Timestamp::from_second(NOW).unwrap();
        let good = signed(&own, &header("one"), &claims());
        let (unsigned, _) = good.rsplit_once('.').unwrap();
        let changed = good.replacen('.', &format!(".{}", &URL_SAFE_NO_PAD.encode("{}")), 1);
        for token in [
            signed(&other, &header("one"), &claims()),
            signed(&own, &header("two"), &claims()),
            signed(&own, &json!({ "alg": "none", "kid": "one" }), &claims()),
            signed(&own, &json!({ "alg": "HS256", "kid": "one" }), &claims()),
            format!("{unsigned}."),
            unsigned.to_owned(),
            format!("{good}.more"),
            changed,
            String::new(),
            "a.b.c".to_owned(),
        ] {
            assert_eq!(check(&token, &keys, &expected(), now), Err(Refused::Forged), "{token}");
        }
        assert_eq!(check(&good, &keys, &expected(), now), Ok(()));
        assert_eq!(key_id(&"a".repeat(LONGEST + 1)), Err(Refused::Forged));
        assert!(Keys::read(b"hunter2").is_none());
    }
}
