//! The flow from a change to written Secrets, over the ports of `pawl_ports`. The only orchestration in the repository.
//!
//! Start reading at [`Pipeline`], whose methods are the use cases, one file each: `sync` (one change to all that it
//! affects), `deliver` (declarations to written targets), `sweep` (the polling fallback), `index` (the registry follows git
//! and the clusters), `follow` (the same at once, as a watch of a cluster saw it), `explain` (what a change would touch). Pure decisions are `pawl_domain`'s; what is here asks and acts.

mod accounts;
mod agenda;
pub mod apply;
mod attempt;
mod breaker;
mod careful;
mod deliver;
mod drift;
pub mod explain;
mod fetch;
pub mod follow;
mod freshness;
mod guarded;
pub mod index;
mod index_policies;
mod index_stores;
mod lanes;
mod memory;
mod merge;
mod pipeline;
mod plan;
mod preview;
mod promise;
mod prune;
mod recheck;
mod recipes;
mod record;
mod rekey;
pub mod remove;
mod render;
mod rendering;
pub mod report;
pub mod retire;
mod rules;
mod search;
pub mod settings;
mod shares;
mod stores;
pub mod sweep;
mod sync;
mod targets;
mod templates;
mod windows;
mod write;

pub use apply::{Apply, ClusterRights};
pub use follow::Sightings;
pub use pipeline::Pipeline;
pub use promise::Promise;
pub use report::Report;
pub use settings::Settings;
