//! What Pub/Sub pushes with: tokens that Google signs, and the keys that it shows for them.

use crate::rest::{Answer, json_answer};
use crate::signer::Signer;
use serde_json::json;

const KEY: &str = "push-1";
/// How long a token is good. Source: Google's identity tokens.
const LIFE: i64 = 3600;

/// The key that tokens of pushes are signed with, once one was asked for.
#[derive(Debug, Default)]
pub(super) struct Pushes(Option<Signer>);

impl Pushes {
    /// The keys, as Google's discovery document of OpenID Connect points to them.
    pub(super) fn keys(&mut self) -> Answer {
        let Some(signer) = self.signer() else { return json_answer(500, &json!({})) };
        json_answer(200, &json!({ "keys": [signer.key(KEY)] }))
    }

    /// The token of a push of this account to this audience, good from this second on. Source: Pub/Sub's documentation,
    /// "Authentication for push subscriptions".
    pub(super) fn token(&mut self, audience: &str, account: &str, now: i64) -> Option<String> {
        let signer = self.signer()?;
        let claims = json!({
            "aud": audience, "azp": "113774264463038321964", "email": account, "email_verified": true,
            "exp": now + LIFE, "iat": now, "iss": "https://accounts.google.com", "sub": "113774264463038321964",
        });
        signer.token(&json!({ "alg": "RS256", "kid": KEY, "typ": "JWT" }), &claims)
    }

    fn signer(&mut self) -> Option<&Signer> {
        if self.0.is_none() {
            self.0 = Signer::generate();
        }
        self.0.as_ref()
    }
}
