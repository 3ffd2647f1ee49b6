//! Who may hand in the webhooks of vendors that sign them in their own ways: whoever knows the webhook's secret.
//!
//! | vendor | signature | HMAC-SHA-256 over | against sending it again |
//! |---|---|---|---|
//! | Doppler | `X-Doppler-Signature: sha256=<hex>` | the body | nothing; a second look finds nothing new |
//!
//! An event only makes Pawl look at the keys that it names.

use crate::signature;
use pawl_domain::SecretValue;

/// Whose webhooks are let in, each with its secret; without one, nobody's.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    /// That of Doppler's.
    pub doppler: Option<SecretValue>,
}

/// The header of Doppler's signature, in small letters.
pub const DOPPLER: &str = "x-doppler-signature";

/// Why a request is not let in. Says nothing that helps to guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Nobody is let in.
    #[error("webhooks of this vendor are not taken; set {0} to take them")]
    Closed(&'static str),
    /// The header is missing or has another form.
    #[error("{0} does not hold a signature; give the webhook a signing secret")]
    Unsigned(&'static str),
    /// The signature is another one.
    #[error("the signature does not fit the request")]
    Wrong,
}

impl Refused {
    /// The status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::Closed(_) => 404,
            Self::Unsigned(_) | Self::Wrong => 401,
        }
    }
}

impl Admission {
    /// Lets a webhook of Doppler in that shows this in [`DOPPLER`].
    ///
    /// # Errors
    /// [`Refused`]; the body must then not be looked at.
    pub fn check_doppler(&self, shown: Option<&str>, body: &[u8]) -> Result<(), Refused> {
        let secret = self.doppler.as_ref().ok_or(Refused::Closed("PAWL_DOPPLER_WEBHOOK_SECRET"))?;
        let shown = shown.and_then(|text| hex::decode(text.strip_prefix("sha256=")?).ok());
        let shown = shown.ok_or(Refused::Unsigned(DOPPLER))?;
        if signature::fits(secret.expose(), &[body], &shown) { Ok(()) } else { Err(Refused::Wrong) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_the_secret_is_let_in() {
        // What `printf '{}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef` answers.
        const FITTING: &str = "sha256=b326604c0dc7364c8b688556189c0a510e5150cd4628736be814c7c9898f899d";
        let open = Admission { doppler: Some(SecretValue::new("0123456789abcdef0123456789abcdef")) };
        for (shown, body, want) in [
            (Some(FITTING), &b"{}"[..], Ok(())),
            (Some(FITTING), b"[]", Err(Refused::Wrong)),
            (Some("sha256=00"), b"{}", Err(Refused::Wrong)),
            (Some("sha256="), b"{}", Err(Refused::Wrong)),
            (Some("sha256=zz"), b"{}", Err(Refused::Unsigned(DOPPLER))),
            (Some(&FITTING[7..]), b"{}", Err(Refused::Unsigned(DOPPLER))),
            (None, b"{}", Err(Refused::Unsigned(DOPPLER))),
        ] {
            assert_eq!(open.check_doppler(shown, body), want, "{shown:?}");
            let closed = Admission::default().check_doppler(shown, body);
            assert_eq!(closed, Err(Refused::Closed("PAWL_DOPPLER_WEBHOOK_SECRET")));
        }
    }
}
