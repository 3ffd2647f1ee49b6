//! What the programs under `benches/` share. Each of them measures figures that Pawl promises and prints a table of
//! figure, goal and measurement; `make bench` runs them all.
//!
//! | program | figures |
//! |---|---|
//! | `fan_out` | one key to 1,000 targets in 20 clusters, beside a bare loop of the same patches |
//! | `one_target` | one key to one target, beside one fetch and one patch |
//! | `load` | one key to one target while events come by the clock, and 10,000 keys at once |
//! | `sweep` | a sweep of 100,000 declarations when nothing changed |
//! | `store_calls` | what a day of 10,000 keys costs in calls to the store |
//! | `processes` | memory of `pawl serve` and of a large sync, start and size of the functions |
//! | `audit` | 1,000,000 audit records of Vault over a socket, and exactly their changes |
//!
//! Lookups have their own program, `lookup` in `pawl-embedded`. Times are ratios within one run wherever the figure
//! is one, because two machines, or one machine on two days, tell nothing of each other. Programs fail when a count
//! or a value is wrong, and never because something was slow.
//!
//! A [`Stage`] has the servers and the registry, [`Bare`] is what Pawl is compared with, [`Size`] makes all of it
//! smaller. Start reading at `benches/fan_out.rs`.

#![expect(clippy::unwrap_used, reason = "only measurements call this crate: what it cannot do must end them")]

pub mod audit;
mod bare;
mod ports;
pub mod process;
mod size;
mod stage;
mod store;
mod table;

pub use bare::{Bare, Target};
pub use ports::Assembled;
pub use size::Size;
pub use stage::{Known, OnFile, Stage, sdk_config};
pub use store::SecretsManager;
pub use table::{Table, middle, part};

/// A runtime of so many threads. Servers have one of their own, so that nobody waits for another's turn.
pub fn runtime(threads: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()
}
