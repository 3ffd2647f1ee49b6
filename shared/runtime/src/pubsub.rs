//! Who may hand in what Google's Pub/Sub pushes: whoever shows a token that Google signed for one service account and for this
//! server.
//!
//! | module | holds |
//! |---|---|
//! | `token` | whether a token is such a one: pure |
//! | `keys` | the keys that Google signs with, which it changes every few days |

mod keys;
mod token;

pub use token::{Expected, Keys, Refused};

use crate::config;
use jiff::Timestamp;
use keys::Keyring;

/// Lets in whoever shows such a token. Where none is configured, it lets nobody in.
#[derive(Debug)]
pub struct Admission {
    expected: Option<Expected>,
    keys: Keyring,
}

/// Where Google shows its keys. Source: its discovery document of OpenID Connect.
const GOOGLE: &str = "https://www.googleapis.com/oauth2/v3/certs";

impl Admission {
    /// Lets in who is configured.
    pub fn new(config: &config::PubSub) -> Self {
        Self::with_keys_at(GOOGLE, config)
    }

    /// The same with keys of another address.
    pub fn with_keys_at(url: &str, config: &config::PubSub) -> Self {
        Self { expected: config.expected.clone(), keys: Keyring::at(url) }
    }

    /// Lets a request in whose `Authorization` proves it.
    ///
    /// # Errors
    /// [`Refused`]; the body must then not be looked at. [`Refused::NoKeys`] passes: the request should come again.
    pub async fn check(&self, authorization: Option<&str>, now: Timestamp) -> Result<(), Refused> {
        let expected = self.expected.as_ref().ok_or(Refused::Closed)?;
        let shown = authorization.and_then(|text| text.strip_prefix("Bearer ")).ok_or(Refused::Unsigned)?;
        let keys = self.keys.with(token::key_id(shown)?, now).await?;
        token::check(shown, &keys, expected, now)
    }
}
