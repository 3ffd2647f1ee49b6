//! Who may hand in events by HTTP: whoever knows the key, and signs anew each time.
//!
//! `X-Pawl-Timestamp` holds seconds since 1970, `X-Pawl-Signature` holds `sha256=` and the lower case hex of
//! HMAC-SHA-256 over `<timestamp>.<body>`. A signature is good for five minutes to either side. Within them it can be
//! used again, which does no harm: an event only names a key, and a second look finds nothing new.

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::SecretValue;
use sha2::Sha256;

/// The header with the time at which the request was signed.
pub const TIMESTAMP: &str = "x-pawl-timestamp";
/// The header with the signature.
pub const SIGNATURE: &str = "x-pawl-signature";

const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Why a request is not let in. Says nothing that helps to guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// One of the headers is missing or has another form.
    #[error("sign the request: x-pawl-timestamp and x-pawl-signature are needed")]
    Unsigned,
    /// The timestamp is too far from this machine's clock.
    #[error("the request's timestamp is more than five minutes off")]
    Late,
    /// The signature is another one.
    #[error("the signature does not fit the request")]
    Wrong,
}

/// Lets a request in whose headers prove that its sender knows the key.
///
/// # Errors
/// [`Refused`]; the body must then not be looked at.
pub fn check(
    key: &SecretValue,
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refused> {
    let timestamp = timestamp.ok_or(Refused::Unsigned)?;
    let signed_at = timestamp.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let signed_at = signed_at.ok_or(Refused::Unsigned)?;
    let signature = signature.and_then(|text| text.strip_prefix("sha256=")).ok_or(Refused::Unsigned)?;
    let signature = hex::decode(signature).map_err(|_| Refused::Unsigned)?;
    if now.duration_since(signed_at).abs() > WINDOW {
        return Err(Refused::Late);
    }
    // HMAC takes keys of any length. The comparison takes the same time wherever the first difference is.
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).map_err(|_| Refused::Wrong)?;
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.verify_slice(&signature).map_err(|_| Refused::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `printf '1700000000.{}' | openssl dgst -sha256 -hmac key` answers.
    const FITTING: &str = "sha256=9d713ed406bb7076d4123f0dc2c39d2df5c654ed4b0cd56b52c8b4c940bd63ae";

    fn signed(key: &str, timestamp: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
        mac.update(timestamp.as_bytes());
        mac.update(b".");
        mac.update(body);
        format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn only_who_knows_the_key_and_signed_lately_is_let_in() {
        let key = SecretValue::new("key");
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let good = signed("key", "1700000000", b"{}");
        for (timestamp, signature, body, want) in [
            (Some("1700000000"), Some(good.as_str()), b"{}", Ok(())),
            (Some("1700000000"), Some(good.as_str()), b"[]", Err(Refused::Wrong)),
            (Some("1700000001"), Some(good.as_str()), b"{}", Err(Refused::Wrong)),
            (Some("1700000000"), Some(FITTING), b"{}", Ok(())),
            (Some("1700000000"), Some("sha256=00"), b"{}", Err(Refused::Wrong)),
            (Some("1700000000"), Some("sha256=zz"), b"{}", Err(Refused::Unsigned)),
            (Some("1700000000"), Some("00"), b"{}", Err(Refused::Unsigned)),
            (Some("soon"), Some(good.as_str()), b"{}", Err(Refused::Unsigned)),
            (None, Some(good.as_str()), b"{}", Err(Refused::Unsigned)),
            (Some("1700000000"), None, b"{}", Err(Refused::Unsigned)),
        ] {
            assert_eq!(check(&key, timestamp, signature, body, now), want, "{timestamp:?} {signature:?}");
        }
        for (second, want) in
            [("1699999700", Ok(())), ("1699999699", Err(Refused::Late)), ("1700000301", Err(Refused::Late))]
        {
            let signature = signed("key", second, b"{}");
            assert_eq!(check(&key, Some(second), Some(&signature), b"{}", now), want, "{second}");
        }
    }
}
