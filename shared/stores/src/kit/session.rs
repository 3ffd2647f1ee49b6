//! Keeps the sessions of identities: each is proven once by one of many callers, used until it ends, and given up after a
//! refusal.

use jiff::{SignedDuration, Timestamp};
use pawl_domain::Access;
use pawl_ports::{Clock, Error};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use tokio::sync::Mutex;

/// The cells of all identities, at most so many that those that nobody asks for any more take no memory.
#[derive(Debug)]
pub struct Cells<S>(std::sync::Mutex<HashMap<Access, Arc<Cell<S>>>>);

const MOST_CELLS: usize = 4096;
/// How old a session must be before a refusal is a reason to prove its identity again.
pub const REFUSED: SignedDuration = SignedDuration::from_secs(5);

impl<S> Cells<S> {
    /// The cell of an identity.
    pub fn of(&self, identity: &Access) -> Arc<Cell<S>> {
        let mut cells = locked(&self.0);
        if cells.len() >= MOST_CELLS && !cells.contains_key(identity) {
            // If it is in use it is soon proven again; to keep an order of use would cost every call more than that.
            if let Some(out) = Access::crowded_out(cells.keys()).cloned() {
                cells.remove(&out);
            }
        }
        Arc::clone(cells.entry(identity.clone()).or_default())
    }

    /// Asks with an identity's session; where `is_refused` says that the server does not take its proof, once more with one that
    /// `prove` gives anew.
    ///
    /// # Errors
    /// Those of `prove` and of `ask`.
    pub async fn asked<T, P, A>(
        &self,
        clock: &dyn Clock,
        identity: &Access,
        prove: impl Fn(Option<Arc<S>>) -> P,
        is_refused: impl Fn(&Error) -> bool,
        ask: impl Fn(Arc<S>) -> A,
    ) -> Result<T, Error>
    where
        P: Future<Output = Result<Proof<S>, Error>>,
        A: Future<Output = Result<T, Error>>,
    {
        let cell = self.of(identity);
        let session = cell.session(clock, &prove).await?;
        let answer = ask(Arc::clone(&session)).await;
        let refused = answer.as_ref().err().is_some_and(is_refused);
        if refused && cell.give_up(clock, &session, REFUSED).await {
            return ask(self.of(identity).session(clock, &prove).await?).await;
        }
        answer
    }

    /// All cells, of which none is kept.
    pub fn take(&self) -> Vec<Arc<Cell<S>>> {
        std::mem::take(&mut *locked(&self.0)).into_values().collect()
    }
}

/// What several tasks share, for a moment each. A panic of another leaves it whole.
pub fn locked<T>(state: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S> Default for Cells<S> {
    fn default() -> Self {
        Self(std::sync::Mutex::default())
    }
}

/// A session with the time until which it is used.
#[derive(Debug)]
pub struct Proof<S> {
    /// The session.
    pub session: Arc<S>,
    /// When it was proven.
    pub since: Timestamp,
    /// The end of its use.
    pub until: Timestamp,
}

/// Holds what the last attempt to prove one identity brought.
#[derive(Debug)]
pub struct Cell<S>(Mutex<State<S>>);

#[derive(Debug)]
struct State<S> {
    /// The last proof, also when it has had its time: what proves the identity anew begins with it.
    proof: Option<Proof<S>>,
    failed: Option<Failed>,
}

impl<S> Default for Cell<S> {
    fn default() -> Self {
        Self(Mutex::new(State { proof: None, failed: None }))
    }
}

#[derive(Debug)]
struct Failed {
    error: Error,
    until: Timestamp,
}

/// How long a failure stands: long enough that all who want the same at once share it.
const FAILURE: SignedDuration = SignedDuration::from_secs(5);

impl<S> Cell<S> {
    /// The session, proven anew by `prove`, which is given the last one, when that has had its time.
    ///
    /// # Errors
    /// Those of `prove`. A failure stands for a few seconds.
    pub async fn session<P>(
        &self,
        clock: &dyn Clock,
        prove: impl FnOnce(Option<Arc<S>>) -> P,
    ) -> Result<Arc<S>, Error>
    where
        P: Future<Output = Result<Proof<S>, Error>>,
    {
        // Held while the identity is proven, on purpose: that makes one of many callers prove it and the others wait.
        // A caller that is dropped meanwhile leaves the cell as it was, and the next one goes on.
        let mut state = self.0.lock().await;
        if let Some(proof) = state.proof.as_ref().filter(|proof| clock.now() < proof.until) {
            return Ok(Arc::clone(&proof.session));
        }
        if let Some(failed) = state.failed.as_ref().filter(|failed| clock.now() < failed.until) {
            return Err(failed.error.shared());
        }
        let last = state.proof.as_ref().map(|proof| Arc::clone(&proof.session));
        match prove(last).await {
            Ok(proof) => {
                let session = Arc::clone(&proof.session);
                *state = State { proof: Some(proof), failed: None };
                Ok(session)
            }
            Err(error) => {
                let now = clock.now();
                let answer = error.shared();
                state.failed = Some(Failed { error, until: now.saturating_add(FAILURE).unwrap_or(now) });
                Err(answer)
            }
        }
    }

    /// Forgets this session after the store refused it. False when it is younger than `age`: to prove it again would bring
    /// the same, once more for everyone who asks.
    pub async fn give_up(&self, clock: &dyn Clock, session: &Arc<S>, age: SignedDuration) -> bool {
        let mut state = self.0.lock().await;
        match &state.proof {
            Some(proof) if Arc::ptr_eq(&proof.session, session) => {
                if clock.now().duration_since(proof.since) < age {
                    return false;
                }
                state.proof = None;
                true
            }
            // Another caller was faster.
            _ => true,
        }
    }

    /// The last session, which the cell then has no longer.
    pub async fn take(&self) -> Option<Arc<S>> {
        self.0.lock().await.proof.take().map(|proof| proof.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::{Kind, Step};
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    #[tokio::test]
    async fn one_of_many_proves_and_all_get_the_outcome() {
        let (cell, clock, proofs) = (Cell::<()>::default(), Seconds::default(), AtomicUsize::new(0));
        let ask = || {
            cell.session(&clock, |_| async {
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
        let (cell, clock) = (Cell::<()>::default(), Seconds::default());
        let refused = |_| async { Err(Error::new(Step::Authenticate, Kind::Denied, "no")) };
        cell.session(&clock, refused).await.unwrap_err();
        let error = cell.session(&clock, |_| async { Ok(proof(100)) }).await.unwrap_err();
        assert_eq!((error.kind, error.message()), (Kind::Denied, "no"));
        clock.0.store(5, Ordering::SeqCst);
        cell.session(&clock, |_| async { Ok(proof(100)) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_caller_leaves_the_proof_to_the_next() {
        let (cell, clock) = (Cell::<()>::default(), Seconds::default());
        let stuck = cell.session(&clock, |_| std::future::pending());
        assert!(futures::FutureExt::now_or_never(stuck).is_none());
        cell.session(&clock, |_| async { Ok(proof(100)) }).await.unwrap();
    }

    #[tokio::test]
    async fn only_a_refused_session_of_some_age_is_given_up() {
        let (cell, clock) = (Cell::<()>::default(), Seconds::default());
        let ask = || cell.session(&clock, |_| async { Ok(proof(100)) });
        let first = ask().await.unwrap();
        assert!(!cell.give_up(&clock, &first, FAILURE).await, "it was proven just now");
        assert!(Arc::ptr_eq(&first, &ask().await.unwrap()));

        clock.0.store(5, Ordering::SeqCst);
        assert!(cell.give_up(&clock, &first, FAILURE).await);
        let second = ask().await.unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(cell.give_up(&clock, &first, FAILURE).await, "it has been given up already");
        assert!(Arc::ptr_eq(&second, &ask().await.unwrap()), "and takes no other with it");
    }

    #[tokio::test]
    async fn what_is_refused_is_asked_once_more_with_an_identity_proven_anew() {
        use pawl_domain::store::FakeStore;
        let identity = Access {
            backend: FakeStore::default().into(),
            cluster: None,
            namespace: None,
            tags: None,
            grant: pawl_domain::Grant::default(),
        };
        let denied = || Error::new(Step::Authenticate, Kind::Denied, "no");
        let is_refused = |error: &Error| error.kind == Kind::Denied;
        // How old the session is when it is asked, what it is answered how often, and how often it is proven and asked for that.
        for (age, answer, refusals, proofs_and_asks) in [
            (5, Kind::Denied, 1, (2, 2)),
            (5, Kind::Denied, 9, (2, 2)),
            (4, Kind::Denied, 1, (1, 1)),
            (5, Kind::Throttled, 1, (1, 1)),
            (5, Kind::Denied, 0, (1, 1)),
        ] {
            let (cells, clock) = (Cells::<()>::default(), Seconds::default());
            let (proofs, asks) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let prove = |_| {
                proofs.fetch_add(1, Ordering::SeqCst);
                async { Ok(proof(100)) }
            };
            cells.of(&identity).session(&clock, prove).await.unwrap();
            clock.0.store(age, Ordering::SeqCst);
            let ask = |_| {
                let asked = asks.fetch_add(1, Ordering::SeqCst);
                async move {
                    match asked < refusals {
                        true => Err(Error::new(Step::Fetch, answer, "no")),
                        false => Ok(()),
                    }
                }
            };
            let answered = cells.asked(&clock, &identity, prove, is_refused, ask).await;
            let counted = (proofs.load(Ordering::SeqCst), asks.load(Ordering::SeqCst));
            assert_eq!(counted, proofs_and_asks, "{age} {answer:?} {refusals}");
            assert_eq!(answered.is_ok(), counted.1 > refusals, "{age} {answer:?} {refusals}");
        }
        let failing = |_| async { Err::<Proof<()>, _>(denied()) };
        let (cells, clock) = (Cells::<()>::default(), Seconds::default());
        let ask = |_| async { Ok(()) };
        cells.asked(&clock, &identity, failing, is_refused, ask).await.unwrap_err();
    }

    #[tokio::test]
    async fn who_proves_anew_begins_with_the_last_session() {
        let (cell, clock) = (Cell::<()>::default(), Seconds::default());
        let first = cell.session(&clock, |_| async { Ok(proof(5)) }).await.unwrap();
        clock.0.store(5, Ordering::SeqCst);
        let given = std::cell::RefCell::new(None);
        let denied = || Err(Error::new(Step::Authenticate, Kind::Denied, "no"));
        let refused = |last| {
            *given.borrow_mut() = last;
            async move { denied() }
        };
        cell.session(&clock, refused).await.unwrap_err();
        assert!(given.take().is_some_and(|last| Arc::ptr_eq(&last, &first)));
        clock.0.store(10, Ordering::SeqCst);
        cell.session(&clock, refused).await.unwrap_err();
        assert!(given.take().is_some_and(|last| Arc::ptr_eq(&last, &first)), "a failure does not forget it");
    }

    fn proof(until: i64) -> Proof<()> {
        let (since, until) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(until).unwrap());
        Proof { session: Arc::new(()), since, until }
    }

    #[derive(Default)]
    struct Seconds(AtomicI64);

    impl Clock for Seconds {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
        }
    }
}
