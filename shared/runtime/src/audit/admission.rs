//! Who may hand in audit records by HTTP.

use crate::config;
use crate::signature;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use pawl_domain::SecretValue;
use sha2::Sha256;

/// The header for senders that cannot sign, such as OpenBao's `http` device, which only has fixed headers.
pub const TOKEN: &str = "x-pawl-token";

/// Lets in whoever shows the token, or signs with the key. With neither configured it lets nobody in.
///
/// Records can only make Pawl look at keys that they name. The token is worth less than a signature all the same: whoever
/// sees one request has it.
#[derive(Clone, Debug)]
pub struct Admission {
    token: Option<SecretValue>,
    key: Option<SecretValue>,
}

/// Why a request is not let in. Says nothing that helps to guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Nobody is let in.
    #[error("audit records are not taken over HTTP; set PAWL_AUDIT_TOKEN or PAWL_HMAC_KEY to take them")]
    Closed,
    /// There is no token, and nothing else would do; or it is another one.
    #[error("x-pawl-token does not hold the token")]
    Token,
    /// The signature does not let it in.
    #[error(transparent)]
    Signature(#[from] signature::Refused),
}

impl Refused {
    /// The status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::Closed => 404,
            Self::Token | Self::Signature(_) => 401,
        }
    }
}

impl Admission {
    /// Lets in who knows the configured token or key.
    pub fn new(config: &config::Audit) -> Self {
        Self { token: config.token.clone(), key: config.key.clone() }
    }

    /// Lets a request in whose headers prove it. `header` is asked for names in lower case.
    ///
    /// # Errors
    /// [`Refused`]; the body must then not be looked at.
    pub fn check<'h>(
        &self,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<(), Refused> {
        match (&self.token, &self.key, header(TOKEN)) {
            (None, None, _) => Err(Refused::Closed),
            (Some(token), _, Some(shown)) => {
                if same(token, shown.as_bytes()) {
                    Ok(())
                } else {
                    Err(Refused::Token)
                }
            }
            (_, Some(key), _) => Ok(signature::check(key, header, body, now)?),
            (Some(_), None, None) => Err(Refused::Token),
        }
    }
}

/// Compares in a time that depends on the length of what is shown alone: both are hashed under the token, and HMAC
/// compares its tags so.
pub(crate) fn same(token: &SecretValue, shown: &[u8]) -> bool {
    let tag = |text: &[u8]| {
        let mac = Hmac::<Sha256>::new_from_slice(token.expose()).ok()?;
        Some(mac.chain_update(text))
    };
    let (Some(own), Some(other)) = (tag(token.expose()), tag(shown)) else { return false };
    own.verify_slice(&other.finalize().into_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{SIGNATURE, TIMESTAMP};

    const TOKEN_TEXT: &str = "0123456789abcdef";
    /// What `printf '1700000000.{}' | openssl dgst -sha256 -hmac key` answers.
    const FITTING: &str = "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";

    fn checked(token: bool, key: bool, headers: &[(&str, &str)]) -> Result<(), Refused> {
        let config = config::Audit {
            token: token.then(|| SecretValue::new(TOKEN_TEXT)),
            key: key.then(|| SecretValue::new("key")),
            ..config::Audit::default()
        };
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        Admission::new(&config).check(header, b"{}", now)
    }

    #[test]
    fn the_token_or_a_signature_lets_in_and_nothing_else() {
        let good = [(TOKEN, TOKEN_TEXT)];
        let signed = [(TIMESTAMP, "1700000000"), (SIGNATURE, FITTING)];
        let both_wrong = [(TOKEN, "x"), (TIMESTAMP, "1700000000"), (SIGNATURE, FITTING)];
        let unsigned = Err(Refused::Signature(signature::Refused::Unsigned));
        for (token, key, headers, want) in [
            (true, false, &good[..], Ok(())),
            (true, true, &good, Ok(())),
            (true, true, &signed, Ok(())),
            (false, true, &signed, Ok(())),
            (true, false, &[], Err(Refused::Token)),
            (true, false, &signed, Err(Refused::Token)),
            (true, false, &[(TOKEN, "")], Err(Refused::Token)),
            (true, false, &[(TOKEN, "0123456789abcdeF")], Err(Refused::Token)),
            (true, false, &[(TOKEN, "0123456789abcdef0")], Err(Refused::Token)),
            (true, true, &both_wrong, Err(Refused::Token)),
            (true, true, &[], unsigned),
            (false, true, &good, unsigned),
            (false, false, &good, Err(Refused::Closed)),
            (false, false, &[], Err(Refused::Closed)),
            (false, false, &[(TOKEN, "")], Err(Refused::Closed)),
        ] {
            assert_eq!(checked(token, key, headers), want, "{token} {key} {headers:?}");
        }
    }
}
