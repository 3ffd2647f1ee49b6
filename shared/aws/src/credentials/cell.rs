//! The state of one identity: proven until then, failed a moment ago, or not asked for yet.

use super::Session;
use jiff::{SignedDuration, Timestamp};
use pawl_ports::{Clock, Error};
use std::sync::Arc;
use tokio::sync::Mutex;

/// A session with the time until which it is used.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) session: Arc<Session>,
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

/// Holds what the last attempt to prove one identity brought.
#[derive(Debug, Default)]
pub(super) struct Cell(Mutex<Option<Result<Proof, Failed>>>);

#[derive(Debug)]
struct Failed {
    error: Error,
    until: Timestamp,
}

/// How long an outcome stands: long enough that all who want the same at once share it.
const OUTCOME: SignedDuration = SignedDuration::from_secs(5);

impl Cell {
    /// The session, proven anew when the last one has had its time.
    pub(super) async fn session<P>(
        &self,
        clock: &dyn Clock,
        prove: impl FnOnce() -> P,
    ) -> Result<Arc<Session>, Error>
    where
        P: Future<Output = Result<Proof, Error>>,
    {
        // Held while the identity is proven, on purpose: that makes one of many callers prove it and the others wait.
        // A caller that is dropped meanwhile leaves the cell as it was, and the next one goes on.
        let mut state = self.0.lock().await;
        match &*state {
            Some(Ok(proof)) if clock.now() < proof.until => return Ok(Arc::clone(&proof.session)),
            Some(Err(failed)) if clock.now() < failed.until => return Err(failed.error.shared()),
            _ => {}
        }
        let proven = prove().await;
        let answer = match &proven {
            Ok(proof) => Ok(Arc::clone(&proof.session)),
            Err(error) => Err(error.shared()),
        };
        let now = clock.now();
        let until = now.saturating_add(OUTCOME).unwrap_or(now);
        *state = Some(proven.map_err(|error| Failed { error, until }));
        answer
    }

    /// Forgets this session after the store refused it. False when it was proven only a moment ago: to prove it again would
    /// bring the same, once more for everyone who asks.
    pub(super) async fn give_up(&self, clock: &dyn Clock, session: &Arc<Session>) -> bool {
        let mut state = self.0.lock().await;
        match &*state {
            Some(Ok(proof)) if Arc::ptr_eq(&proof.session, session) => {
                if clock.now().duration_since(proof.since) < OUTCOME {
                    return false;
                }
                *state = None;
                true
            }
            // Another caller was faster.
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::{Kind, Step};
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    #[tokio::test]
    async fn one_of_many_proves_and_all_get_the_outcome() {
        let (cell, clock, proofs) = (Cell::default(), Seconds::default(), AtomicUsize::new(0));
        let ask = || {
            cell.session(&clock, || async {
                proofs.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(proof(10))
            })
        };
        let sessions = futures::future::join_all((0..20).map(|_| ask())).await;
        assert!(sessions.iter().all(Result::is_ok));
        assert_eq!(proofs.load(Ordering::SeqCst), 1);

        clock.0.store(9, Ordering::SeqCst);
        ask().await.unwrap();
        assert_eq!(proofs.load(Ordering::SeqCst), 1, "still good");
        clock.0.store(10, Ordering::SeqCst);
        ask().await.unwrap();
        assert_eq!(proofs.load(Ordering::SeqCst), 2, "over");
    }

    #[tokio::test]
    async fn a_failure_stands_for_seconds_only() {
        let (cell, clock) = (Cell::default(), Seconds::default());
        let refused = || async { Err(Error::new(Step::Authenticate, Kind::Denied, "no")) };
        cell.session(&clock, refused).await.unwrap_err();
        let error = cell.session(&clock, || async { Ok(proof(100)) }).await.unwrap_err();
        assert_eq!((error.kind, error.message()), (Kind::Denied, "no"));
        clock.0.store(5, Ordering::SeqCst);
        cell.session(&clock, || async { Ok(proof(100)) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_caller_leaves_the_proof_to_the_next() {
        let (cell, clock) = (Cell::default(), Seconds::default());
        let stuck = cell.session(&clock, std::future::pending);
        assert!(futures::FutureExt::now_or_never(stuck).is_none());
        cell.session(&clock, || async { Ok(proof(100)) }).await.unwrap();
    }

    #[tokio::test]
    async fn only_a_refused_session_of_some_age_is_given_up() {
        let (cell, clock) = (Cell::default(), Seconds::default());
        let ask = || cell.session(&clock, || async { Ok(proof(100)) });
        let first = ask().await.unwrap();
        assert!(!cell.give_up(&clock, &first).await, "it was proven just now");
        assert!(Arc::ptr_eq(&first, &ask().await.unwrap()));

        clock.0.store(5, Ordering::SeqCst);
        assert!(cell.give_up(&clock, &first).await);
        let second = ask().await.unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(cell.give_up(&clock, &first).await, "it has been given up already");
        assert!(Arc::ptr_eq(&second, &ask().await.unwrap()), "and takes no other with it");
    }

    fn proof(until: i64) -> Proof {
        let (since, until) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(until).unwrap());
        Proof { session: Arc::default(), since, until }
    }

    #[derive(Default)]
    struct Seconds(AtomicI64);

    impl Clock for Seconds {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
        }
    }
}
