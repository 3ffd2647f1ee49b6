//! The flow from a change to written Secrets, over ports that it owns. The only orchestration in the repository.
//!
//! Start reading at [`ports`]: what the flow needs of the world. Then [`Pipeline`], whose methods are the use cases,
//! one file each: `sync` (one change to all that it affects), `deliver` (declarations to written targets), `sweep`
//! (the polling fallback), `index` (the registry follows git and the clusters), `follow` (the same at once, as a watch of a
//! cluster saw it), `explain` (what a change would touch). Pure decisions are `pawl_domain`'s; what is here asks and acts.

mod accounts;
mod agenda;
pub mod apply;
mod attempt;
mod breaker;
mod careful;
mod deliver;
mod drift;
pub mod error;
pub mod explain;
mod fetch;
pub mod follow;
mod freshness;
mod generic;
mod guarded;
pub mod index;
mod index_policies;
mod index_stores;
pub mod job;
mod lanes;
pub mod manifests;
mod memory;
mod pipeline;
mod plan;
pub mod ports;
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
pub mod status;
pub mod store_status;
mod stores;
pub mod sweep;
mod sync;
mod templates;
pub mod unreadable;
mod windows;
mod write;

pub use apply::{Apply, ClusterRights};
pub use error::Error;
pub use follow::Sightings;
pub use job::{InvalidJob, Job};
pub use manifests::{Manifests, Problem, Severity};
pub use pipeline::Pipeline;
pub use ports::Ports;
pub use promise::Promise;
pub use report::Report;
pub use settings::Settings;
pub use status::Status;
pub use store_status::{Standing, StoreStatus, Validity, Verdict};
pub use unreadable::{DocumentKind, Unreadable, readable};
