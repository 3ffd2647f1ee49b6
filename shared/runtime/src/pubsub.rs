//! Who may hand in what Google's Pub/Sub pushes: whoever shows a token that Google signed for one service account and for this
//! server. Source: Pub/Sub's documentation, "Authentication for push subscriptions".

use crate::config;
use crate::oidc::{self, Sender, Verifier};
use jiff::Timestamp;

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
    /// Google's keys could not be had, so nothing can be said of the token.
    #[error("the keys of Google could not be had; send it again")]
    NoKeys,
    /// The token does not let in.
    #[error("{0}")]
    Token(oidc::Refused),
}

impl Refused {
    /// The status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::Closed => 404,
            Self::NoKeys => 503,
            Self::Token(_) => 401,
        }
    }
}

/// Lets in whoever shows such a token. Where none is configured, it lets nobody in.
#[derive(Debug)]
pub struct Admission(Option<Verifier>);

/// Where Google shows its keys. Source: its discovery document of OpenID Connect.
const GOOGLE: &str = "https://www.googleapis.com/oauth2/v3/certs";
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

impl Admission {
    /// Lets in who is configured.
    pub fn new(config: &config::PubSub) -> Self {
        Self::with_keys_at(GOOGLE, config)
    }

    /// The same with keys of another address.
    pub fn with_keys_at(url: &str, config: &config::PubSub) -> Self {
        let expected = |of: &Expected| oidc::Expected {
            issuers: ISSUERS.map(str::to_owned).to_vec(),
            audience: of.audience.clone(),
            sender: Sender::Account(of.account.clone()),
        };
        Self(config.expected.as_ref().map(|of| Verifier::new(expected(of), url)))
    }

    /// Lets a request in whose `Authorization` proves it.
    ///
    /// # Errors
    /// [`Refused`]; the body must then not be looked at. [`Refused::NoKeys`] passes: the request should come again.
    pub async fn check(&self, authorization: Option<&str>, now: Timestamp) -> Result<(), Refused> {
        let verifier = self.0.as_ref().ok_or(Refused::Closed)?;
        verifier.check(authorization, now).await.map_err(|refused| match refused {
            oidc::Refused::NoKeys => Refused::NoKeys,
            other => Refused::Token(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::tests::{Issuer, at};
    use serde_json::json;

    #[tokio::test]
    async fn google_alone_is_let_in_for_one_account_and_audience() {
        let issuer = Issuer::start().await;
        let expected = Expected {
            audience: "https://pawl.example.com/push".to_owned(),
            account: "push@shop".to_owned(),
        };
        let admission = Admission::with_keys_at(&issuer.url, &config::PubSub { expected: Some(expected) });
        let claims = json!({
            "iss": "https://accounts.google.com", "aud": "https://pawl.example.com/push", "azp": "1137", "sub": "1137",
            "email": "push@shop", "email_verified": true,
        });
        for (claim, value, want) in [
            ("iss", json!("https://accounts.google.com"), Ok(())),
            ("iss", json!("accounts.google.com"), Ok(())),
            ("iss", json!("https://evil.example"), Err(Refused::Token(oidc::Refused::Other))),
            ("aud", json!("https://other.example.com"), Err(Refused::Token(oidc::Refused::Other))),
            ("email", json!("other@shop"), Err(Refused::Token(oidc::Refused::Other))),
            ("email_verified", json!(false), Err(Refused::Token(oidc::Refused::Other))),
        ] {
            let mut claims = claims.clone();
            claims[claim] = value;
            let shown = issuer.bearer(&claims);
            assert_eq!(admission.check(Some(&shown), at(0)).await, want, "{claims}");
        }
        let shown = issuer.bearer(&claims);
        issuer.show(None);
        let cold = Admission::with_keys_at(
            &issuer.url,
            &config::PubSub { expected: Some(Expected { audience: String::new(), account: String::new() }) },
        );
        assert_eq!(cold.check(Some(&shown), at(0)).await, Err(Refused::NoKeys));
        let closed = Admission::new(&config::PubSub::default());
        assert_eq!(closed.check(Some(&shown), at(0)).await, Err(Refused::Closed));
    }
}
