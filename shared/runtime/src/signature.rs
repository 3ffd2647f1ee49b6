//! Who may hand in events by HTTP: whoever knows the key, and signs anew each time.
//!
//! There are two forms, of which either lets in:
//!
//! | | Pawl's own | [Standard Webhooks](https://www.standardwebhooks.com) |
//! |---|---|---|
//! | time, in seconds since 1970 | `X-Pawl-Timestamp` | `webhook-timestamp` |
//! | id of the message | | `webhook-id` |
//! | signature | `X-Pawl-Signature: sha256=<hex>` | `webhook-signature: v1,<base64>`, several with spaces between |
//! | HMAC-SHA-256 over | `<time>.<body>` | `<id>.<time>.<body>` |
//!
//! A key that is written `whsec_<base64>` is, for the second form, the bytes behind that, as its senders take it.
//!
//! A signature is good for five minutes to either side. Within them it can be used again, which does no harm: an event only
//! names a key, and a second look finds nothing new.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::SecretValue;
use sha2::Sha256;

/// The header with the time at which the request was signed.
pub(crate) const TIMESTAMP: &str = "x-pawl-timestamp";
/// The header with the signature.
pub(crate) const SIGNATURE: &str = "x-pawl-signature";
/// The headers of Standard Webhooks.
const WEBHOOK_ID: &str = "webhook-id";
const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
const WEBHOOK_SIGNATURE: &str = "webhook-signature";
/// How keys of Standard Webhooks begin.
const WEBHOOK_KEY: &str = "whsec_";
/// How signatures with a shared key begin there; those with a public key begin otherwise.
const WEBHOOK_VERSION: &str = "v1,";
/// More signatures than senders show while they change their key are an attempt to have much compared.
const MOST_SIGNATURES: usize = 8;

const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Why a request is not let in. Says nothing that helps to guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// One of the headers is missing or has another form.
    #[error(
        "sign the request: x-pawl-timestamp and x-pawl-signature are needed, or webhook-id, webhook-timestamp and \
         webhook-signature"
    )]
    Unsigned,
    /// The timestamp is too far from this machine's clock.
    #[error("the request's timestamp is more than five minutes off")]
    Late,
    /// The signature is another one.
    #[error("the signature does not fit the request")]
    Wrong,
}

/// Lets a request in whose headers prove that its sender knows the key. `header` is asked for names in lower case.
///
/// # Errors
/// [`Refused`]; the body must then not be looked at.
pub fn check<'h>(
    key: &SecretValue,
    header: impl Fn(&str) -> Option<&'h str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refused> {
    if header(SIGNATURE).is_none() && header(WEBHOOK_SIGNATURE).is_some() {
        return check_webhook(key, header, body, now);
    }
    let timestamp = lately(header(TIMESTAMP), now);
    let shown = header(SIGNATURE).and_then(|text| text.strip_prefix("sha256="));
    let shown = shown.and_then(|text| hex::decode(text).ok()).ok_or(Refused::Unsigned)?;
    let signed = [timestamp?.as_bytes(), b".", body];
    if fits(key.expose(), &signed, &shown) { Ok(()) } else { Err(Refused::Wrong) }
}

fn check_webhook<'h>(
    key: &SecretValue,
    header: impl Fn(&str) -> Option<&'h str>,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refused> {
    let timestamp = lately(header(WEBHOOK_TIMESTAMP), now)?;
    let id = header(WEBHOOK_ID).filter(|id| !id.is_empty()).ok_or(Refused::Unsigned)?;
    let signatures = header(WEBHOOK_SIGNATURE).unwrap_or_default().split(' ').take(MOST_SIGNATURES);
    let decoded = |text: &str| STANDARD.decode(text.strip_prefix(WEBHOOK_VERSION)?).ok();
    let mut shown = signatures.filter_map(decoded).peekable();
    if shown.peek().is_none() {
        return Err(Refused::Unsigned);
    }
    let of_vendor = of_vendor(key);
    let key = of_vendor.as_ref().unwrap_or(key);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    if shown.any(|shown| fits(key.expose(), &signed, &shown)) { Ok(()) } else { Err(Refused::Wrong) }
}

/// The headers of a Standard Webhook that is sent: its time, and its signature.
pub(crate) fn webhook(key: &SecretValue, id: &str, body: &[u8], now: Timestamp) -> (String, String) {
    let timestamp = now.as_second().to_string();
    let of_vendor = of_vendor(key);
    let key = of_vendor.as_ref().unwrap_or(key);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let signature = mac(key.expose(), &signed).map(|mac| STANDARD.encode(mac.finalize().into_bytes()));
    (timestamp, format!("{WEBHOOK_VERSION}{}", signature.unwrap_or_default()))
}

/// The bytes of a key in the form of Standard Webhooks.
fn of_vendor(key: &SecretValue) -> Option<SecretValue> {
    let text = key.expose_str().and_then(|text| text.strip_prefix(WEBHOOK_KEY))?;
    STANDARD.decode(text).ok().map(SecretValue::new)
}

/// The time in a header, where it is not far from now.
fn lately(timestamp: Option<&str>, now: Timestamp) -> Result<&str, Refused> {
    let timestamp = timestamp.ok_or(Refused::Unsigned)?;
    let signed_at = timestamp.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    let signed_at = signed_at.ok_or(Refused::Unsigned)?;
    if now.duration_since(signed_at).abs() > WINDOW { Err(Refused::Late) } else { Ok(timestamp) }
}

/// Compares in a time that does not depend on where the first difference is.
pub(crate) fn fits(key: &[u8], signed: &[&[u8]], shown: &[u8]) -> bool {
    mac(key, signed).is_some_and(|mac| mac.verify_slice(shown).is_ok())
}

/// `None` never: HMAC takes keys of any length.
fn mac(key: &[u8], signed: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    signed.iter().for_each(|part| mac.update(part));
    Some(mac)
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
            let header = |name: &str| match name {
                TIMESTAMP => timestamp,
                SIGNATURE => signature,
                _ => None,
            };
            assert_eq!(check(&key, header, body, now), want, "{timestamp:?} {signature:?}");
        }
        for (second, want) in
            [("1699999700", Ok(())), ("1699999699", Err(Refused::Late)), ("1700000301", Err(Refused::Late))]
        {
            let signature = signed("key", second, b"{}");
            let header = |name: &str| match name {
                TIMESTAMP => Some(second),
                SIGNATURE => Some(signature.as_str()),
                _ => None,
            };
            assert_eq!(check(&key, header, b"{}", now), want, "{second}");
        }
    }

    #[test]
    fn what_is_sent_is_let_in() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        for key in ["a key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"].map(SecretValue::new) {
            let (time, signature) = webhook(&key, "id", b"{}", now);
            let header = |name: &str| match name {
                WEBHOOK_ID => Some("id"),
                WEBHOOK_TIMESTAMP => Some(time.as_str()),
                WEBHOOK_SIGNATURE => Some(signature.as_str()),
                _ => None,
            };
            assert_eq!(check(&key, header, b"{}", now), Ok(()));
            assert_eq!(check(&key, header, b"[]", now), Err(Refused::Wrong));
        }
    }

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn a_standard_webhook_is_let_in_by_its_own_headers() {
        const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        const BODY: &[u8] = br#"{"test": 2432232314}"#;
        const GOOD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        const OTHER: &str = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let now = Timestamp::from_second(1_614_265_330).unwrap();
        let several = format!("{OTHER} v1a,AAAA {GOOD}");
        let many = format!("{}{GOOD}", format!("{OTHER} ").repeat(MOST_SIGNATURES));
        for (key, id, time, signature, want) in [
            (KEY, Some(ID), "1614265330", GOOD, Ok(())),
            (KEY, Some(ID), "1614265330", &several, Ok(())),
            (KEY, Some(ID), "1614265330", &many, Err(Refused::Wrong)),
            (KEY, Some(ID), "1614265330", OTHER, Err(Refused::Wrong)),
            (KEY, Some("msg_other"), "1614265330", GOOD, Err(Refused::Wrong)),
            (KEY, Some(ID), "1614265331", GOOD, Err(Refused::Wrong)),
            (&KEY[6..], Some(ID), "1614265330", GOOD, Err(Refused::Wrong)),
            (KEY, Some(ID), "1614264000", GOOD, Err(Refused::Late)),
            (KEY, None, "1614265330", GOOD, Err(Refused::Unsigned)),
            (KEY, Some(""), "1614265330", GOOD, Err(Refused::Unsigned)),
            (KEY, Some(ID), "soon", GOOD, Err(Refused::Unsigned)),
            (KEY, Some(ID), "1614265330", &GOOD[3..], Err(Refused::Unsigned)),
            (KEY, Some(ID), "1614265330", "v1,?", Err(Refused::Unsigned)),
        ] {
            let header = |name: &str| match name {
                WEBHOOK_ID => id,
                WEBHOOK_TIMESTAMP => Some(time),
                WEBHOOK_SIGNATURE => Some(signature),
                _ => None,
            };
            assert_eq!(check(&SecretValue::new(key), header, BODY, now), want, "{id:?} {time} {signature}");
        }
    }
}
