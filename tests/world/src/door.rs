//! The door that every call to the world passes: gate, count, fault.

use crate::calls::Calls;
use crate::fault::{Fault, Point, Struck, strike};
use crate::gate::Gates;
use pawl_domain::Kind;
use pawl_ports::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One actor's door to the world.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) shared: Arc<Shared>,
    pub(crate) actor: Arc<str>,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) calls: Mutex<Calls>,
    pub(crate) faults: Mutex<Vec<Fault>>,
    pub(crate) gates: Arc<Gates>,
}

impl Default for Door {
    fn default() -> Self {
        Self { shared: Arc::default(), actor: Arc::from("") }
    }
}

impl Door {
    pub(crate) fn of_actor(&self, actor: &str) -> Self {
        Self { shared: Arc::clone(&self.shared), actor: Arc::from(actor) }
    }

    /// Passes a call that is struck as a whole.
    pub(crate) async fn pass(
        &self,
        point: Point,
        subjects: &[&str],
        count: impl FnOnce(&mut Calls),
    ) -> Result<Passage, Error> {
        self.arrive(point, subjects, count).await;
        self.strike(point, subjects).await
    }

    /// Passes the gate and counts the call.
    pub(crate) async fn arrive(&self, point: Point, subjects: &[&str], count: impl FnOnce(&mut Calls)) {
        self.shared.gates.pass(point, &self.actor, subjects.first().copied().unwrap_or_default()).await;
        count(&mut lock(&self.shared.calls));
    }

    /// Suffers what strikes this call, or this part of one.
    pub(crate) async fn strike(&self, point: Point, subjects: &[&str]) -> Result<Passage, Error> {
        let struck = strike(&mut lock(&self.shared.faults), point, subjects);
        let Struck { slow, failure, rest, lost, stale, panic } = struck;
        if let Some(words) = panic {
            panic!("{words}");
        }
        if !slow.is_zero() {
            tokio::time::sleep(slow).await;
        }
        let subject = subjects.first().copied().unwrap_or("the world");
        if let Some((step, kind)) = failure {
            let error = Error::new(step, kind, format!("{subject}: {} as the test wants it", kind.as_str()));
            return Err(match rest {
                Some(rest) => error.after(rest),
                None => error,
            });
        }
        let lost = lost.then(|| {
            Error::new(
                point.step(),
                Kind::Unreachable,
                format!("{subject}: the answer was lost as the test wants it"),
            )
        });
        Ok(Passage { lost, stale })
    }
}

/// What a call still has to suffer after it was carried out.
#[derive(Debug)]
pub(crate) struct Passage {
    lost: Option<Error>,
    pub(crate) stale: usize,
}

impl Passage {
    /// The answer, unless it gets lost.
    pub(crate) fn leave<T>(self, answer: T) -> Result<T, Error> {
        self.lost.map_or(Ok(answer), Err)
    }
}

/// Locks fakes' state. A test that panicked in between has failed already; what it left is still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
