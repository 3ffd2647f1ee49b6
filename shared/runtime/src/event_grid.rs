//! Who may hand in events of Azure's Event Grid by HTTP: whoever shows the token.
//!
//! Event Grid signs nothing. It sends a fixed header with each event and with its question whether events are wanted, so the
//! token stands there, in [`TOKEN`], and not in the address, which is shown and logged.

use crate::audit;
use pawl_domain::SecretValue;

pub use crate::audit::TOKEN;

/// Lets in whoever shows the token; without one, nobody.
///
/// An event only makes Pawl look at the key that it names.
#[derive(Clone, Debug)]
pub struct Admission(Option<SecretValue>);

/// Why a request is not let in. Says nothing that helps to guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Nobody is let in.
    #[error("events of Event Grid are not taken; set PAWL_AZURE_EVENT_TOKEN to take them")]
    Closed,
    /// There is no token, or it is another one.
    #[error("x-pawl-token does not hold the token; set it as a delivery property of the event subscription")]
    Token,
}

impl Admission {
    /// Lets in who knows this token.
    pub fn new(token: Option<SecretValue>) -> Self {
        Self(token)
    }

    /// Lets a request in that shows this in [`TOKEN`].
    ///
    /// # Errors
    /// [`Refused`]; the body must then not be looked at.
    pub fn check(&self, shown: Option<&str>) -> Result<(), Refused> {
        match (&self.0, shown) {
            (None, _) => Err(Refused::Closed),
            (Some(token), Some(shown)) if audit::same(token, shown.as_bytes()) => Ok(()),
            (Some(_), _) => Err(Refused::Token),
        }
    }

    /// Lets a request in that asks whether events are wanted. It need not show the token: nothing comes of the answer for whoever
    /// does not know it.
    ///
    /// # Errors
    /// As [`Admission::check`], of which a wrong token is one.
    pub fn check_question(&self, shown: Option<&str>) -> Result<(), Refused> {
        match (&self.0, shown) {
            (Some(_), None) => Ok(()),
            _ => self.check(shown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_lets_in_and_nothing_else() {
        let token = "0123456789abcdef0123456789abcdef";
        let open = Admission::new(Some(SecretValue::new(token)));
        let closed = Admission::new(None);
        for (shown, events, question) in [
            (Some(token), Ok(()), Ok(())),
            (Some("0123456789abcdef0123456789abcdeF"), Err(Refused::Token), Err(Refused::Token)),
            (Some(""), Err(Refused::Token), Err(Refused::Token)),
            (None, Err(Refused::Token), Ok(())),
        ] {
            assert_eq!(open.check(shown), events, "{shown:?}");
            assert_eq!(open.check_question(shown), question, "{shown:?}");
            assert_eq!(closed.check(shown), Err(Refused::Closed), "{shown:?}");
            assert_eq!(closed.check_question(shown), Err(Refused::Closed), "{shown:?}");
        }
    }
}
