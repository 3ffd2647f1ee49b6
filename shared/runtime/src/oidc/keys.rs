//! The keys that an issuer signs with. It changes them every few days or weeks, and shows the next one before it is used.

use super::token::{Keys, Refused};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tracing::warn;

/// Keys as they were shown last.
#[derive(Debug)]
pub(super) struct Keyring {
    url: String,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    keys: Arc<Keys>,
    /// When they were had, and when they were last asked for.
    had: Option<Timestamp>,
    asked: Option<Timestamp>,
}

/// Keys are asked for again after this time: one that was taken back must not be good for ever.
const AGE: SignedDuration = SignedDuration::from_hours(6);
/// Where they cannot be had again, they are good for this time and no longer.
const LONGEST_AGE: SignedDuration = SignedDuration::from_hours(24);
/// They are not asked for more often than this, whatever tokens name.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);
const LARGEST: usize = 64 * 1024;

impl Keyring {
    pub(super) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), held: Mutex::default() }
    }

    /// The keys, with the one of this id among them if the issuer shows it.
    ///
    /// # Errors
    /// [`Refused::NoKeys`] where none could be had, and where it was asked too lately to say that it does not show this one:
    /// a sender whose token is signed with a new key comes again, rather than losing its event.
    pub(super) async fn with(&self, id: String, now: Timestamp) -> Result<Arc<Keys>, Refused> {
        // Held while they are asked for, on purpose: one asks and the others wait.
        let mut held = self.held.lock().await;
        let since = |moment: Option<Timestamp>| moment.map(|moment| now.duration_since(moment).abs());
        let is_younger = |held: &Held, age| since(held.had).is_some_and(|since| since < age);
        if held.keys.have(&id) && is_younger(&held, AGE) {
            return Ok(Arc::clone(&held.keys));
        }
        let may_ask = since(held.asked).is_none_or(|pause| pause >= PAUSE);
        if may_ask {
            held.asked = Some(now);
            match self.shown().await {
                Some(keys) => (held.keys, held.had) = (Arc::new(keys), Some(now)),
                None => warn!("the keys that tokens are signed with could not be had of {}", self.url),
            }
        }
        let is_told = held.keys.have(&id) || (may_ask && held.had == Some(now));
        if is_told && is_younger(&held, LONGEST_AGE) {
            Ok(Arc::clone(&held.keys))
        } else {
            Err(Refused::NoKeys)
        }
    }

    async fn shown(&self) -> Option<Keys> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .ok()?;
        let mut response = client.get(&self.url).send().await.ok()?.error_for_status().ok()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            if body.len() + chunk.len() > LARGEST {
                return None;
            }
            body.extend_from_slice(&chunk);
        }
        Keys::read(&body)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{AUDIENCE, Issuer, at, claims, pair, set, verifier};
    use super::*;

    #[tokio::test]
    async fn keys_are_had_when_they_are_needed_and_not_more_often() {
        let issuer = Issuer::start().await;
        let verifier = verifier(&issuer.url);
        let first = issuer.bearer(&claims());
        issuer.show(None);
        assert_eq!(verifier.check(Some(&first), at(0)).await, Err(Refused::NoKeys));
        issuer.show(Some(set("one", &issuer.pair)));
        let lately = verifier.check(Some(&first), at(29)).await;
        assert_eq!(lately, Err(Refused::NoKeys), "it was asked a moment ago");
        assert_eq!(verifier.check(Some(&first), at(30)).await, Ok(()));
        assert_eq!(verifier.check(Some(&first), at(40)).await, Ok(()));
        assert_eq!(issuer.asked(), 2);
    }

    #[tokio::test]
    async fn a_new_key_is_learnt_and_one_that_was_taken_back_is_not_good_any_more() {
        let issuer = Issuer::start().await;
        let verifier = verifier(&issuer.url);
        let first = issuer.bearer(&claims());
        assert_eq!(verifier.check(Some(&first), at(0)).await, Ok(()));
        let two = pair();
        issuer.show(Some(set("two", &two)));
        let second = issuer.bearer_of(&two, "two", &claims());
        for _ in 0..3 {
            let answer = verifier.check(Some(&second), at(1)).await;
            assert_eq!(answer, Err(Refused::NoKeys), "it comes again, and is not lost");
        }
        assert_eq!(issuer.asked(), 1, "unknown ids do not make it ask");
        assert_eq!(verifier.check(Some(&second), at(30)).await, Ok(()));
        assert_eq!(verifier.check(Some(&first), at(60)).await, Err(Refused::Forged), "it was taken back");
        assert_eq!(issuer.asked(), 3);
    }

    #[tokio::test]
    async fn old_keys_are_asked_for_again_and_end_after_a_day() {
        let issuer = Issuer::start().await;
        let verifier = verifier(&issuer.url);
        let shown = |hours: i64| {
            let mut claims = claims();
            claims["exp"] = (at(hours * 3600 + 60).as_second()).into();
            issuer.bearer(&claims)
        };
        assert_eq!(verifier.check(Some(&shown(0)), at(0)).await, Ok(()));
        issuer.show(None);
        assert_eq!(verifier.check(Some(&shown(5)), at(5 * 3600)).await, Ok(()));
        assert_eq!(issuer.asked(), 1);
        assert_eq!(verifier.check(Some(&shown(6)), at(6 * 3600)).await, Ok(()), "the old ones still do");
        assert_eq!(issuer.asked(), 2);
        assert_eq!(verifier.check(Some(&shown(24)), at(24 * 3600)).await, Err(Refused::NoKeys));
    }

    #[tokio::test]
    async fn what_is_no_small_set_of_keys_is_not_taken() {
        let issuer = Issuer::start().await;
        let shown = issuer.bearer(&claims());
        let long = format!("{}{}", set("one", &issuer.pair), " ".repeat(LARGEST));
        for body in [long, "hunter2".to_owned(), "[]".to_owned()] {
            issuer.show(Some(body));
            assert_eq!(verifier(&issuer.url).check(Some(&shown), at(0)).await, Err(Refused::NoKeys));
        }
        issuer.show(Some(r#"{"keys":[]}"#.to_owned()));
        assert_eq!(verifier(&issuer.url).check(Some(&shown), at(0)).await, Err(Refused::Forged));
        for shown in [None, Some("Basic abc"), Some("Bearer"), Some("")] {
            assert_eq!(verifier(&issuer.url).check(shown, at(0)).await, Err(Refused::Unsigned), "{AUDIENCE}");
        }
    }
}
