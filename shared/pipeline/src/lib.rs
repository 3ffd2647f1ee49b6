//! The flow from a change to written Secrets, over the ports of `pawl_ports`. The only orchestration in the repository.
//!
//! Start reading at [`Pipeline`], whose methods are the use cases, one file each: `sync` (one change to all that it
//! affects), `deliver` (declarations to written targets), `sweep` (the polling fallback), `index` (the registry follows git
//! and the clusters), `follow` (the same at once, as a watch of a cluster saw it), `explain` (what a change would touch).
//! Pure decisions are `pawl_domain`'s; what is here asks and acts.
//!
//! No file uses one that uses it, directly or by others; a test of the repository derives that from the calls. The way of
//! a delivery down the files: `sync` or `deliver`; `careful` (what ended a process before); `carry` (plans side by side);
//! `attempt` (one plan); `fetch` and `templates` (what it reads), `values` and `render` (what it makes of that), `write`
//! (its target), `record` (what is known of it afterwards).

mod accounts;
mod agenda;
pub mod answer;
pub mod apply;
mod attempt;
mod breaker;
mod candidates;
mod careful;
mod carry;
mod catch;
mod deliver;
mod delivery;
mod drift;
mod due;
pub mod explain;
mod fetch;
pub mod fleet;
pub mod follow;
pub mod forecast;
mod found;
mod freshness;
mod guarded;
pub mod history;
pub mod index;
mod index_policies;
mod index_report;
mod index_stores;
mod keys;
mod lanes;
mod lists;
mod marks;
mod memory;
mod merge;
mod panicked;
mod pending;
mod pipeline;
mod plan;
mod preview;
mod promise;
mod prune;
mod queue;
pub mod receipt;
mod recheck;
mod recipes;
mod record;
pub mod rehearse;
mod rekey;
pub mod remove;
mod render;
mod rendering;
pub mod report;
pub mod retire;
pub mod review;
mod rules;
mod search;
pub mod settings;
mod shares;
mod store_status;
mod stores;
pub mod sweep;
mod sync;
mod targets;
mod templates;
mod turn;
mod values;
mod watched;
mod windows;
pub mod witness;
mod write;

pub use apply::{Apply, ClusterRights};
pub use follow::Sightings;
pub use pipeline::Pipeline;
pub use promise::Promise;
pub use report::Report;
pub use settings::Settings;
