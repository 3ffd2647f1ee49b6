//! The keys that Google signs with. It changes them every few days, and shows the next one before it is used.

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
/// But not more often than this, whatever tokens name.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);
const LARGEST: usize = 64 * 1024;

impl Keyring {
    pub(super) fn at(url: &str) -> Self {
        Self { url: url.to_owned(), held: Mutex::default() }
    }

    /// The keys, with the one of this id among them if Google shows it.
    ///
    /// # Errors
    /// [`Refused::NoKeys`] where none could be had yet.
    pub(super) async fn with(&self, id: String, now: Timestamp) -> Result<Arc<Keys>, Refused> {
        // Held while they are asked for, on purpose: one asks and the others wait.
        let mut held = self.held.lock().await;
        let since = |moment: Option<Timestamp>| moment.map(|moment| now.duration_since(moment).abs());
        let current = held.keys.have(&id) && since(held.had).is_some_and(|age| age < AGE);
        if !current && since(held.asked).is_none_or(|pause| pause >= PAUSE) {
            held.asked = Some(now);
            match self.shown().await {
                Some(keys) => (held.keys, held.had) = (Arc::new(keys), Some(now)),
                None => warn!("the keys that Google signs with could not be had"),
            }
        }
        if held.had.is_none() { Err(Refused::NoKeys) } else { Ok(Arc::clone(&held.keys)) }
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
    use super::super::token::tests::{NOW, claims, expected, header, pair, set, signed};
    use super::super::{Admission, Refused};
    use crate::config;
    use jiff::Timestamp;
    use std::sync::{Arc, Mutex};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that shows what stands in its body, or fails where nothing does, and counts.
    async fn server(body: Arc<Mutex<(Option<String>, usize)>>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let shown = {
                    let mut held = body.lock().unwrap();
                    held.1 += 1;
                    held.0.clone()
                };
                let answer = match shown {
                    Some(text) => format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
                        text.len()
                    ),
                    None => "HTTP/1.1 503 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
                };
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        format!("http://{address}/certs")
    }

    #[tokio::test]
    async fn keys_are_had_when_they_are_needed_and_not_more_often() {
        let (one, two) = (pair(), pair());
        let body = Arc::new(Mutex::new((None, 0)));
        let config = config::PubSub { expected: Some(expected()) };
        let admission = Admission::with_keys_at(&server(Arc::clone(&body)).await, &config);
        let bearer = |pair, id: &str| format!("Bearer {}", signed(pair, &header(id), &claims()));
        let at = |second: i64| Timestamp::from_second(NOW + second).unwrap();
        let (first, second) = (bearer(&one, "one"), bearer(&two, "two"));

        assert_eq!(admission.check(Some(&first), at(0)).await, Err(Refused::NoKeys));
        body.lock().unwrap().0 = Some(set("one", &one));
        assert_eq!(
            admission.check(Some(&first), at(29)).await,
            Err(Refused::NoKeys),
            "it was asked a moment ago"
        );
        assert_eq!(admission.check(Some(&first), at(30)).await, Ok(()));
        assert_eq!(admission.check(Some(&first), at(40)).await, Ok(()));
        assert_eq!(body.lock().unwrap().1, 2);

        body.lock().unwrap().0 = Some(set("two", &two));
        for _ in 0..3 {
            assert_eq!(admission.check(Some(&second), at(41)).await, Err(Refused::Forged));
        }
        assert_eq!(body.lock().unwrap().1, 2, "made-up ids do not make it ask");
        assert_eq!(admission.check(Some(&second), at(60)).await, Ok(()));
        assert_eq!(admission.check(Some(&first), at(61)).await, Err(Refused::Forged), "it was taken back");

        for (shown, want) in [(None, Refused::Unsigned), (Some("Basic abc"), Refused::Unsigned)] {
            assert_eq!(admission.check(shown, at(0)).await, Err(want));
        }
        let closed = Admission::with_keys_at("http://127.0.0.1:1", &config::PubSub::default());
        assert_eq!(closed.check(Some(&first), at(0)).await, Err(Refused::Closed));
    }
}
