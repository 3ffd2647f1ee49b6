//! Bearer tokens: made once for all requests that wait for one, and dropped before they expire.

use http::HeaderValue;
use hyper::body::Bytes;
use jiff::Timestamp;
use pawl_domain::SecretValue;
use pawl_ports::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

/// A token as it is sent.
#[derive(Clone)]
pub(super) struct Bearer {
    /// `None` where the cluster wants none.
    pub(super) header: Option<HeaderValue>,
    /// When it is no longer used; `None` for one that lasts until it is refused.
    until: Option<Timestamp>,
    /// Which of the tokens that were made this is.
    cell: Option<Cell>,
}

type Cell = Arc<OnceCell<Bearer>>;

impl Bearer {
    /// No token at all.
    pub(super) fn none() -> Self {
        Self { header: None, until: None, cell: None }
    }

    /// A token; white space around it is not part of it. `None` if it is empty or cannot stand in a header.
    pub(super) fn new(token: &SecretValue, until: Option<Timestamp>) -> Option<Self> {
        let token = token.expose().trim_ascii();
        if token.is_empty() {
            return None;
        }
        let mut text = Zeroizing::new(Vec::with_capacity(SCHEME.len() + token.len()));
        text.extend_from_slice(SCHEME);
        text.extend_from_slice(token);
        let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).ok()?;
        header.set_sensitive(true);
        Some(Self { header: Some(header), until, cell: None })
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now >= until)
    }
}

const SCHEME: &[u8] = b"Bearer ";

/// The token in use.
#[derive(Default)]
pub(super) struct Bearers(Mutex<Cell>);

impl Bearers {
    /// The token in use, made by `mint` if there is none or its time is over. However many wait, one makes it.
    pub(super) async fn current<F>(
        &self,
        now: impl Fn() -> Timestamp,
        mint: impl Fn() -> F,
    ) -> Result<Bearer, Error>
    where
        F: Future<Output = Result<Bearer, Error>>,
    {
        let cell = self.fresh(now());
        let bearer = cell.get_or_try_init(mint).await?;
        Ok(Bearer { cell: Some(Arc::clone(&cell)), ..bearer.clone() })
    }

    /// Throws a token away, unless another has taken its place.
    pub(super) fn forget(&self, bearer: &Bearer) {
        let mut cell = self.cell();
        if bearer.cell.as_ref().is_some_and(|used| Arc::ptr_eq(used, &cell)) {
            *cell = Arc::default();
        }
    }

    fn fresh(&self, now: Timestamp) -> Cell {
        let mut cell = self.cell();
        if cell.get().is_some_and(|bearer| bearer.is_over(now)) {
            *cell = Arc::default();
        }
        Arc::clone(&cell)
    }

    fn cell(&self) -> MutexGuard<'_, Cell> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn text(bearer: &Bearer) -> &str {
        bearer.header.as_ref().unwrap().to_str().unwrap()
    }

    #[tokio::test]
    async fn a_token_is_made_once_until_its_time_is_over_or_it_is_refused() {
        let (bearers, made) = (Bearers::default(), AtomicUsize::new(0));
        let mint = || async {
            tokio::task::yield_now().await;
            let number = made.fetch_add(1, Ordering::SeqCst);
            Ok(Bearer::new(&SecretValue::new(format!(" t{number}\n")), Some(at(100))).unwrap())
        };
        let many = futures::future::join_all((0..5).map(|_| bearers.current(|| at(0), mint))).await;
        assert!(many.iter().all(|bearer| text(bearer.as_ref().unwrap()) == "Bearer t0"));
        assert_eq!(text(&bearers.current(|| at(99), mint).await.unwrap()), "Bearer t0");
        let second = bearers.current(|| at(100), mint).await.unwrap();
        assert_eq!(text(&second), "Bearer t1");
        // Whoever still holds the first one cannot throw the second away.
        bearers.forget(many[0].as_ref().unwrap());
        bearers.forget(&Bearer::none());
        assert_eq!(made.load(Ordering::SeqCst), 2);
        bearers.forget(&second);
        assert_eq!(text(&bearers.current(|| at(0), mint).await.unwrap()), "Bearer t2");
    }

    #[test]
    fn what_cannot_stand_in_a_header_is_no_token() {
        for token in ["", " \n", "a\nb", "a\0b"] {
            assert!(Bearer::new(&SecretValue::new(token), None).is_none(), "{token:?}");
        }
        let header = Bearer::new(&SecretValue::new("hunter2"), None).unwrap().header.unwrap();
        assert!(!format!("{header:?}").contains("hunter2"));
    }
}
