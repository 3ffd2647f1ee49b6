//! The flow from a change to written Secrets, over the ports of `pawl_ports`. All orchestration of the repository is
//! here.
//!
//! Start at [`Pipeline`], which holds the use cases, and at `parts`, which shows what each use case may use:
//!
//! - `sync`: one change, to every target that it affects
//! - `deliver`: declarations to written targets
//! - `sweep`: the polling fallback
//! - `index`: the registry follows git and the clusters
//! - `follow`: acts at once on what a watch of a cluster saw
//! - `explain`: what a change touches, and what is known of a declaration
//!
//! Each use case is a small struct over the ports, in a folder or file of its own. Pure decisions belong to
//! `pawl_domain`; the code here asks and acts.
//!
//! No file uses a file that uses it, directly or through others; a test of the repository derives this from the
//! code. A delivery passes the files of `deliver` in this order: `careful` (work that may have killed a process),
//! `carry` (plans side by side), `attempt` (one plan), `fetch` and `templates` (its input), `values` and `render`
//! (its content), `write` (its target), `record` (its result).

mod base;
mod deliver;
pub mod explain;
pub mod follow;
pub mod index;
mod parts;
mod pipeline;
mod promise;
pub mod push;
mod queue;
pub mod rehearse;
pub mod remove;
pub mod report;
pub mod settings;
mod spread;
mod store_status;
pub mod sweep;
mod sync;

pub use deliver::history::BY_HAND;
pub use follow::Sightings;
pub use index::apply::{Apply, ClusterRights};
pub use pipeline::Pipeline;
pub use promise::Promise;
pub use push::{PushReport, Pushing};
pub use report::Report;
pub use settings::Settings;
