//! Bearer tokens of OpenID Connect: whether an issuer signed one for this server, and for the sender that is let in. Google's
//! Pub/Sub ([`crate::pubsub`]) and Azure's Event Grid ([`crate::event_grid`]) show such tokens.
//!
//! | module | holds |
//! |---|---|
//! | `token` | whether a token is such a one: pure |
//! | `keys` | the keys that an issuer signs with, which it changes every few days or weeks |

mod keys;
mod token;

pub use token::{Expected, Keys, Refused, Sender};

use jiff::Timestamp;
use keys::Keyring;

/// Lets in whoever shows a token as expected. It asks the issuer's keys alone, and keeps them.
#[derive(Debug)]
pub struct Verifier {
    expected: Expected,
    keys: Keyring,
}

impl Verifier {
    /// Lets in who is expected, by the keys that are shown at this address: a JSON Web Key Set.
    pub fn new(expected: Expected, keys_at: &str) -> Self {
        Self { expected, keys: Keyring::at(keys_at) }
    }

    /// Lets a request in whose `Authorization` proves it.
    ///
    /// # Errors
    /// [`Refused`]; the body must then not be looked at. [`Refused::NoKeys`] passes: the request should come again.
    pub async fn check(&self, authorization: Option<&str>, now: Timestamp) -> Result<(), Refused> {
        let shown = authorization.and_then(bearer).ok_or(Refused::Unsigned)?;
        let keys = self.keys.with(token::key_id(shown)?, now).await?;
        token::check(shown, &keys, &self.expected, now)
    }
}

/// The token in a header. The scheme's name has no case.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
pub(crate) mod tests;
