//! The parts of `pawl serve`. None of them ends by itself: when one does, or panics, the others would go on as if
//! nothing were missing, so the process ends with an error and whoever started it starts it anew.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use tokio::task::{Id, JoinError, JoinSet};

/// A part that ended although nobody had told it to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ended {
    part: &'static str,
    panicked: bool,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.panicked { "panicked" } else { "ended by itself" };
        write!(f, "{} {how}", self.part)
    }
}

/// Says whether all parts run; clones say the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running(Arc<OnceLock<Ended>>);

impl Running {
    /// The part that ended, if one did.
    pub(crate) fn ended(&self) -> Option<Ended> {
        self.0.get().copied()
    }
}

/// The tasks of a server, each with a name for its log.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    tasks: JoinSet<()>,
    parts: HashMap<Id, &'static str>,
    running: Running,
}

impl Crew {
    /// Begins a part, which ends only when it is told to stop.
    pub(crate) fn spawn(&mut self, part: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(task).id();
        self.parts.insert(id, part);
    }

    /// What others ask whether all parts run.
    pub(crate) fn running(&self) -> Running {
        self.running.clone()
    }

    /// Waits until a part ends, for as long as that takes.
    pub(crate) async fn first_end(&mut self) -> Ended {
        let ended = match self.tasks.join_next_with_id().await {
            None => return std::future::pending().await,
            Some(Ok((id, ()))) => Ended { part: self.part(id), panicked: false },
            Some(Err(error)) => Ended { part: self.part(error.id()), panicked: JoinError::is_panic(&error) },
        };
        let _ = self.running.0.set(ended);
        ended
    }

    /// Waits until all parts have ended, after they were told to.
    pub(crate) async fn finish(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    fn part(&self, id: Id) -> &'static str {
        self.parts.get(&id).copied().unwrap_or("a part")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_or_panics_is_named() {
        for (panics, want) in [(false, "sweeps ended by itself"), (true, "sweeps panicked")] {
            let mut crew = Crew::default();
            let running = crew.running();
            crew.spawn("jobs", std::future::pending());
            crew.spawn("sweeps", async move { assert!(!panics, "as a part of a server might") });
            assert_eq!(running.ended(), None);
            assert_eq!(crew.first_end().await.to_string(), want);
            assert_eq!(running.ended().map(|ended| ended.to_string()).as_deref(), Some(want));
        }
    }
}
