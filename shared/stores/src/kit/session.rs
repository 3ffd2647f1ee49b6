//! Identities: each proven until some moment, failed a moment ago, or not asked for yet.

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

impl<S> Cells<S> {
    /// The cell of an identity.
    pub fn of(&self, identity: &Access) -> Arc<Cell<S>> {
        // A panic of another caller leaves the map whole.
        let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cells.len() >= MOST_CELLS && !cells.contains_key(identity) {
            // If it is in use it is soon proven again; to keep an order of use would cost every call more than that.
            if let Some(out) = Access::crowded_out(cells.keys()).cloned() {
                cells.remove(&out);
            }
        }
        Arc::clone(cells.entry(identity.clone()).or_default())
    }

    /// All cells, of which none is kept.
    pub fn take(&self) -> Vec<Arc<Cell<S>>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect()
    }
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
