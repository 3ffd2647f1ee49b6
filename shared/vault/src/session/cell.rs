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
pub(super) struct Cell(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last proof, also when it has had its time: what proves the identity anew begins with it.
    proof: Option<Proof>,
    failed: Option<Failed>,
}

#[derive(Debug)]
struct Failed {
    error: Error,
    until: Timestamp,
}

/// How long a failure stands: long enough that all who want the same at once share it.
const FAILURE: SignedDuration = SignedDuration::from_secs(5);

impl Cell {
    /// The session, proven anew when the last one has had its time.
    pub(super) async fn session<P>(
        &self,
        clock: &dyn Clock,
        prove: impl FnOnce(Option<Arc<Session>>) -> P,
    ) -> Result<Arc<Session>, Error>
    where
        P: Future<Output = Result<Proof, Error>>,
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
    pub(super) async fn give_up(
        &self,
        clock: &dyn Clock,
        session: &Arc<Session>,
        age: SignedDuration,
    ) -> bool {
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
    pub(super) async fn take(&self) -> Option<Arc<Session>> {
        self.0.lock().await.proof.take().map(|proof| proof.session)
    }
}
