//! What Pub/Sub pushes with: tokens that Google signs, and the keys that it shows for them.

use crate::rest::{Answer, json_answer};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

const KEY: &str = "push-1";
/// How long a token is good. Source: Google's identity tokens.
const LIFE: i64 = 3600;

/// The key that tokens of pushes are signed with, once one was asked for.
#[derive(Debug, Default)]
pub(super) struct Pushes(Option<RsaKeyPair>);

impl Pushes {
    /// The keys, as Google's discovery document of OpenID Connect points to them.
    pub(super) fn keys(&mut self) -> Answer {
        let Some(pair) = self.pair() else { return json_answer(500, &json!({})) };
        let der = pair.public_key().as_ref();
        // PKCS#1: at this size the modulus stands behind nine bytes, and before the exponent 65537.
        let modulus = URL_SAFE_NO_PAD.encode(der.get(9..265).unwrap_or_default());
        let key = json!({
            "kid": KEY, "kty": "RSA", "alg": "RS256", "use": "sig", "n": modulus, "e": "AQAB",
        });
        json_answer(200, &json!({ "keys": [key] }))
    }

    /// The token of a push of this account to this audience, good from this second on. Source: Pub/Sub's documentation,
    /// "Authentication for push subscriptions".
    pub(super) fn token(&mut self, audience: &str, account: &str, now: i64) -> Option<String> {
        let pair = self.pair()?;
        let claims = json!({
            "aud": audience, "azp": "113774264463038321964", "email": account, "email_verified": true,
            "exp": now + LIFE, "iat": now, "iss": "https://accounts.google.com", "sub": "113774264463038321964",
        });
        let text = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let unsigned =
            format!("{}.{}", text(&json!({ "alg": "RS256", "kid": KEY, "typ": "JWT" })), text(&claims));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), unsigned.as_bytes(), &mut signature).ok()?;
        Some(format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn pair(&mut self) -> Option<&RsaKeyPair> {
        if self.0.is_none() {
            self.0 = RsaKeyPair::generate(KeySize::Rsa2048).ok();
        }
        self.0.as_ref()
    }
}
