//! Whether a token is one that an issuer signed for this server and for a sender that is let in. Source: RFC 7519 and RFC 7515.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// By whom a token must be signed, for whom and whose it must be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Expected {
    /// Who signs it: `iss`, in any of these spellings.
    pub issuers: Vec<String>,
    /// For whom: `aud`.
    pub audience: String,
    /// Who shows it.
    pub sender: Sender,
}

/// Who shows a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Sender {
    /// An account of Google's, by its verified `email`.
    Account(String),
    /// One of these applications of Entra ID, by its client id: `appid` in tokens of version 1.0, `azp` in those of 2.0.
    Apps(Vec<String>),
}

/// Why a request is not let in. Says nothing that helps to guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// There is no token.
    #[error("the request has no bearer token; let the subscription authenticate")]
    Unsigned,
    /// The issuer did not sign it.
    #[error("the token is none that the issuer signed")]
    Forged,
    /// It is for somebody else, or of somebody else.
    #[error("the token is of another issuer or sender, or for another audience")]
    Other,
    /// Its time is not now.
    #[error("the token is not valid at this time")]
    Late,
    /// The issuer's keys could not be had, so nothing can be said of the token.
    #[error("the keys of the issuer could not be had; send it again")]
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
    /// Names of members that must be understood, of which none are.
    crit: Option<Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    email_verified: bool,
    appid: Option<String>,
    azp: Option<String>,
    iat: i64,
    nbf: Option<i64>,
    exp: i64,
}

/// The longest token that is looked at, in bytes. Google's and those of Entra ID's applications have one to two thousand.
const LONGEST: usize = 8 * 1024;
/// By how many seconds clocks may differ.
const SKEW: i64 = 60;

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

/// Whether a token is signed, for whom and whose is expected, and now is its time.
///
/// # Errors
/// [`Refused`].
pub(super) fn check(token: &str, keys: &Keys, expected: &Expected, now: Timestamp) -> Result<(), Refused> {
    let parts: Vec<&str> = token.split('.').take(4).collect();
    let [head, claims, signature] = parts[..] else { return Err(Refused::Forged) };
    let header: Header = read(head)?;
    let key = keys
        .0
        .get(&header.kid)
        .filter(|_| header.alg == "RS256" && header.crit.is_none())
        .ok_or(Refused::Forged)?;
    let components = RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent };
    let signed = format!("{head}.{claims}");
    components
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &part(signature)?)
        .map_err(|_| Refused::Forged)?;
    let claims: Claims = read(claims)?;
    let is_of_issuer = expected.issuers.contains(&claims.iss) && claims.aud == expected.audience;
    if !is_of_issuer || !claims.is_of(&expected.sender) {
        return Err(Refused::Other);
    }
    let now = now.as_second();
    let from = claims.iat.max(claims.nbf.unwrap_or(claims.iat));
    let is_now = now.saturating_add(SKEW) >= from && now.saturating_sub(SKEW) < claims.exp;
    if is_now { Ok(()) } else { Err(Refused::Late) }
}

impl Claims {
    fn is_of(&self, sender: &Sender) -> bool {
        match sender {
            Sender::Account(email) => self.email_verified && self.email == *email,
            // Of the two one is there; were both, they would have to agree.
            Sender::Apps(ids) => {
                let is_one = |app: &String| ids.iter().any(|id| id.eq_ignore_ascii_case(app));
                match (&self.appid, &self.azp) {
                    (Some(app), Some(same)) => app.eq_ignore_ascii_case(same) && is_one(app),
                    (Some(app), None) | (None, Some(app)) => is_one(app),
                    (None, None) => false,
                }
            }
        }
    }
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, Refused> {
    serde_json::from_slice(&part(text)?).map_err(|_| Refused::Forged)
}

fn part(text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Forged)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{APP, NOW, OTHER_APP, at, claims, expected, header, pair, set, signed};
    use super::*;
    use serde_json::json;

    #[test]
    fn only_who_is_expected_is_let_in_and_only_in_time() {
        let own = pair();
        let keys = Keys::read(set("one", &own).as_bytes()).unwrap();
        let second = "https://login.microsoftonline.com/t/v2.0";
        let null = Value::Null;
        for (edit, second_of, want) in [
            (&[][..], 0, Ok(())),
            (&[("iss", json!(second)), ("azp", json!(APP)), ("appid", null.clone())], 0, Ok(())),
            (&[("appid", json!(APP.to_uppercase()))], 0, Ok(())),
            (&[("nbf", null.clone())], 0, Ok(())),
            (&[], -60, Ok(())),
            (&[], 3659, Ok(())),
            (&[], -61, Err(Refused::Late)),
            (&[], 3660, Err(Refused::Late)),
            (&[("nbf", json!(NOW + 61))], 0, Err(Refused::Late)),
            (&[("iat", json!(NOW + 61))], 0, Err(Refused::Late)),
            (&[("aud", json!("https://other.example.com"))], 0, Err(Refused::Other)),
            (&[("iss", json!("https://sts.windows.net/other/"))], 0, Err(Refused::Other)),
            (&[("iss", json!("https://evil.example"))], 0, Err(Refused::Other)),
            (&[("appid", json!("other"))], 0, Err(Refused::Other)),
            (&[("azp", json!("other"))], 0, Err(Refused::Other)),
            (&[("azp", json!(OTHER_APP))], 0, Err(Refused::Other)),
            (&[("appid", json!(OTHER_APP))], 0, Ok(())),
            (&[("appid", null.clone())], 0, Err(Refused::Other)),
            (&[("aud", null.clone())], 0, Err(Refused::Forged)),
            (
                &[("aud", json!(["https://pawl.example.com", "https://other.example.com"]))],
                0,
                Err(Refused::Forged),
            ),
            (&[("exp", json!("soon"))], 0, Err(Refused::Forged)),
            (&[("exp", null.clone())], 0, Err(Refused::Forged)),
            (&[("exp", json!(i64::MIN))], 0, Err(Refused::Late)),
            (&[("iat", json!(i64::MAX))], 0, Err(Refused::Late)),
        ] {
            let mut claims = claims();
            for (name, value) in edit {
                claims[*name] = value.clone();
            }
            let token = signed(&own, &header("one"), &claims);
            assert_eq!(check(&token, &keys, &expected(), at(second_of)), want, "{edit:?} {second_of}");
        }
    }

    #[test]
    fn what_the_issuer_did_not_sign_is_forged() {
        let (own, other) = (pair(), pair());
        let keys = Keys::read(set("one", &own).as_bytes()).unwrap();
        assert!(keys.have("one") && !keys.have("of-a-curve"));
        let good = signed(&own, &header("one"), &claims());
        let (unsigned, _) = good.rsplit_once('.').unwrap();
        let changed = good.replacen('.', &format!(".{}", &URL_SAFE_NO_PAD.encode("{}")), 1);
        // Signed with the public key as if it were a shared one.
        let hmac = {
            let text = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
            let unsigned = format!("{}.{}", text(&json!({ "alg": "HS256", "kid": "one" })), text(&claims()));
            let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, set("one", &own).as_bytes());
            let tag = aws_lc_rs::hmac::sign(&key, unsigned.as_bytes());
            format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(tag))
        };
        for token in [
            signed(&other, &header("one"), &claims()),
            signed(&own, &header("two"), &claims()),
            signed(&own, &json!({ "alg": "none", "kid": "one" }), &claims()),
            signed(&own, &json!({ "alg": "HS256", "kid": "one" }), &claims()),
            signed(&own, &json!({ "alg": "RS512", "kid": "one" }), &claims()),
            signed(&own, &json!({ "alg": "RS256", "kid": "one", "crit": ["b64"] }), &claims()),
            signed(&own, &json!({ "alg": "RS256" }), &claims()),
            hmac,
            format!("{unsigned}."),
            unsigned.to_owned(),
            format!("{good}.more"),
            changed,
            String::new(),
            "a.b.c".to_owned(),
        ] {
            assert_eq!(check(&token, &keys, &expected(), at(0)), Err(Refused::Forged), "{token}");
        }
        assert_eq!(check(&good, &keys, &expected(), at(0)), Ok(()));
        assert_eq!(key_id(&"a".repeat(LONGEST + 1)), Err(Refused::Forged));
        assert!(Keys::read(b"hunter2").is_none());
    }
}
