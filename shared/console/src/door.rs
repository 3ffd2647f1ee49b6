//! Who may look: whoever knows the token. It is shown once, in a form; then a cookie holds a session. Programs show it as a
//! bearer each time.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::SecretValue;
use sha2::Sha256;

/// The cookie of a session.
const SESSION: &str = "pawl_console";
/// How long a session is good.
const LENGTH: SignedDuration = SignedDuration::from_hours(12);

/// Lets in whoever knows the token.
///
/// A session's cookie does not hold the token, but the time at which the session ends, signed with it. So servers that share a
/// token share sessions, nothing is kept, and another token ends them all.
#[derive(Debug)]
pub struct Door {
    token: SecretValue,
    takes_links: bool,
}

impl Door {
    /// Lets in whoever types this token into the form, or shows it as a bearer.
    pub fn new(token: SecretValue) -> Self {
        Self { token, takes_links: false }
    }

    /// With a token that this process makes, and that ends with it. Whoever started the process is told it, and the address of
    /// the login page may hold it: `/console/login?token=…`.
    pub fn of_process() -> (Self, String) {
        let token = hex::encode(rand::random::<[u8; 32]>());
        (Self { token: SecretValue::new(token.as_str()), takes_links: true }, token)
    }

    /// Whether addresses may hold the token.
    pub(crate) fn takes_links(&self) -> bool {
        self.takes_links
    }

    /// Whether a request with these headers is of somebody who was let in.
    pub(crate) fn knows(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
        if bearer.is_some_and(|shown| self.is_token(shown.trim())) {
            return true;
        }
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(name, _)| *name == SESSION).any(|(_, session)| self.is_session(session, now))
    }

    /// Compares in a time that depends on the length of what is shown alone: both are hashed under the token, and HMAC
    /// compares its tags so.
    pub(crate) fn is_token(&self, shown: &str) -> bool {
        let own = self.signed(self.token.expose()).map(|mac| mac.finalize().into_bytes());
        let shown = self.signed(shown.as_bytes());
        own.zip(shown).is_some_and(|(own, shown)| shown.verify_slice(&own).is_ok())
    }

    /// The `Set-Cookie` of a new session. Over TLS, as a proxy before us may say, the cookie stays with TLS.
    pub(crate) fn session(&self, now: Timestamp, over_tls: bool) -> Option<String> {
        let until = now.checked_add(LENGTH).ok()?.as_second();
        let tag = hex::encode(self.signed(&statement(until))?.finalize().into_bytes());
        let secure = if over_tls { "; Secure" } else { "" };
        let age = LENGTH.as_secs();
        Some(format!(
            "{SESSION}={until}.{tag}; Path=/console; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
        ))
    }

    /// The `Set-Cookie` that ends it.
    pub(crate) fn farewell() -> String {
        format!("{SESSION}=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict")
    }

    fn is_session(&self, shown: &str, now: Timestamp) -> bool {
        let Some((until, tag)) = shown.split_once('.') else { return false };
        let (Ok(until), Ok(tag)) = (until.parse::<i64>(), hex::decode(tag)) else { return false };
        let signed = self.signed(&statement(until)).is_some_and(|mac| mac.verify_slice(&tag).is_ok());
        signed && until > now.as_second()
    }

    fn signed(&self, text: &[u8]) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of any length.
        Some(Hmac::<Sha256>::new_from_slice(self.token.expose()).ok()?.chain_update(text))
    }
}

fn statement(until: i64) -> Vec<u8> {
    format!("pawl console until {until}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(token: &str) -> Door {
        Door::new(SecretValue::new(token))
    }

    fn with(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn bearers_and_sessions_are_let_in_and_nobody_else() {
        let (own, other) =
            (door("0123456789abcdef0123456789abcdef"), door("fedcba9876543210fedcba9876543210"));
        let now = Timestamp::from_second(1_000_000).unwrap();
        let later = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        let set = own.session(now, false).unwrap();
        let cookie = set.split(';').next().unwrap();
        let knows = |cookie: &str, at| own.knows(&with(COOKIE, cookie), at);
        assert!(knows(cookie, now) && knows(&format!("a=b; {cookie}"), later(12 * 3600 - 1)));
        assert!(!knows(cookie, later(12 * 3600)), "it ends");
        assert!(!other.knows(&with(COOKIE, cookie), now), "of another token");
        let (until, tag) = cookie.split_once('=').unwrap().1.split_once('.').unwrap();
        let longer = until.parse::<i64>().unwrap() + 1;
        for forged in [
            format!("{SESSION}={longer}.{tag}"),
            format!("{SESSION}={until}.{}", &tag[..62]),
            format!("{SESSION}={until}."),
            format!("{SESSION}={until}"),
            format!("{SESSION}=."),
            format!("other={until}.{tag}"),
            SESSION.to_owned(),
        ] {
            assert!(!knows(&forged, now), "{forged}");
        }
        for (shown, known) in [
            ("Bearer 0123456789abcdef0123456789abcdef", true),
            ("Bearer 0123456789abcdef0123456789abcdee", false),
            ("Bearer 0123456789abcdef0123456789abcde", false),
            ("Bearer ", false),
            ("0123456789abcdef0123456789abcdef", false),
            ("Basic 0123456789abcdef0123456789abcdef", false),
        ] {
            assert_eq!(own.knows(&with(AUTHORIZATION, shown), now), known, "{shown}");
        }
        assert!(!own.knows(&HeaderMap::new(), now));
    }

    #[test]
    fn cookies_are_for_this_site_and_no_script() {
        let own = door("0123456789abcdef0123456789abcdef");
        for (over_tls, secure) in [(false, false), (true, true)] {
            let set = own.session(Timestamp::UNIX_EPOCH, over_tls).unwrap();
            assert!(set.contains("; HttpOnly; SameSite=Strict") && set.contains("; Path=/console;"), "{set}");
            assert_eq!(set.ends_with("; Secure"), secure);
            assert!(!set.contains("0123456789abcdef0123"), "the token is not in it");
        }
        assert!(!format!("{own:?}").contains("0123456789"));
    }
}
