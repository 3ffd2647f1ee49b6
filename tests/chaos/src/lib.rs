//! Chaos: Pawl's real processes on a stage where everything goes wrong, and an independent check of what came of it.
//!
//! A seed makes a plan of changes and faults. The driver plays it on a stage: values are written,
//! rolled back and deleted, manifests come and go, while processes are killed, events are lost, doubled and late, stores and
//! tables fail, clusters are cut off and tokens expire. Then everything is healed and two sweeps pass, and the
//! checker compares stores, clusters and the recorded history of each target by rules of its own.
//!
//! Where to start reading: `world` (what there is), `plan` (what happens), `checker` (what must hold), `run` (how a run goes).

mod apply;
mod checker;
mod cluster;
mod dice;
mod driver;
mod evidence;
mod faults;
mod gate;
mod journal;
mod manifests;
mod options;
mod pawl;
mod plan;
mod post;
mod report;
mod run;
mod stage;
mod stores;
mod watch;
mod world;

pub use options::{Clusters, Options, Setting};
pub use report::Report;
pub use run::run;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is behind these locks is whole at any time: nothing panics halfway through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> pawl_e2e::Error {
    let action = action.into();
    |source| pawl_e2e::Error::Io { action, source }
}
