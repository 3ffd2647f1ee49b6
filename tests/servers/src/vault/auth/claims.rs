//! What signed tokens say. Signatures are not checked: a test makes tokens of its own.

use crate::vault::{json::Json, reply::Refusal};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;

/// The claims of a token that has three parts and is in its time.
pub(super) struct Claims(Json);

impl Claims {
    /// Reads a token.
    pub(super) fn read(token: &str, now: Timestamp) -> Result<Self, Refusal> {
        let parts: Vec<&str> = token.split('.').collect();
        let claims = match parts[..] {
            [header, claims, signature] if !header.is_empty() && !signature.is_empty() => decoded(claims),
            _ => None,
        };
        let claims =
            Self(claims.ok_or_else(|| {
                Refusal::said("error validating token: error verifying token signature: go-jose/go-jose: compact JWS format must have three parts")
            })?);
        // The minute and a half that real servers allow for clocks that differ.
        let slack = 150;
        let second = now.as_second();
        if claims.second("exp").is_some_and(|end| second > end.saturating_add(slack)) {
            return Err(Refusal::said(
                "error validating token: invalid expiration time (exp) claim: token is expired",
            ));
        }
        if claims.second("nbf").is_some_and(|begin| second.saturating_add(slack) < begin) {
            return Err(Refusal::said(
                "error validating token: invalid not before (nbf) claim: token not yet valid",
            ));
        }
        Ok(claims)
    }

    pub(super) fn text(&self, path: &[&str]) -> &str {
        path.iter()
            .try_fold(&self.0, |claims, key| claims.get(key))
            .and_then(Json::as_str)
            .unwrap_or_default()
    }

    /// `aud`, one or many.
    pub(super) fn audiences(&self) -> Vec<String> {
        super::texts(self.0.get("aud"))
    }

    fn second(&self, key: &str) -> Option<i64> {
        match self.0.get(key)? {
            Json::Number(text) => text.split('.').next()?.parse().ok(),
            _ => None,
        }
    }
}

fn decoded(part: &str) -> Option<Json> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
    Json::parse(std::str::from_utf8(&bytes).ok()?).filter(|claims| claims.as_object().is_some())
}
