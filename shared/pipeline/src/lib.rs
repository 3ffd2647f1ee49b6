//! The flow from a change to written Secrets, over the ports of `pawl_ports`. The only orchestration in the repository.
//!
//! Start reading at [`Pipeline`], which is the use cases as one value, and at `parts`, which says what each may use: `sync`
//! (one change to all that it affects), `deliver` (declarations to written targets), `sweep` (the polling fallback),
//! `index` (the registry follows git and the clusters), `follow` (the same at once, as a watch of a cluster saw it),
//! `explain` (what a change would touch, and what is known of a declaration). Each is a small struct over the ports in a
//! folder or file of its own. Pure decisions are `pawl_domain`'s; what is here asks and acts.
//!
//! No file uses one that uses it, directly or by others; a test of the repository derives that from the calls. The way of
//! a delivery down the files of `deliver`: `careful` (what ended a process before); `carry` (plans side by side);
//! `attempt` (one plan); `fetch` and `templates` (what it reads), `values` and `render` (what it makes of that), `write`
//! (its target), `record` (what is known of it afterwards).

mod base;
mod deliver;
pub mod explain;
pub mod follow;
pub mod index;
mod parts;
mod pipeline;
mod promise;
mod queue;
pub mod remove;
pub mod report;
pub mod settings;
mod store_status;
pub mod sweep;
mod sync;

pub use follow::Sightings;
pub use index::apply::{Apply, ClusterRights};
pub use pipeline::Pipeline;
pub use promise::Promise;
pub use report::Report;
pub use settings::Settings;
