//! The console: pages over registry and ledger, for people. Server-side HTML, read-only.
//!
//! - [`routes`] is all of it, below [`HOME`]; `pawl console` and `pawl serve` each put it behind a [`Door`].
//! - A page shows names, versions, times and messages. No store and no cluster is asked, and nothing here can hold a value.
//! - What a page costs is bounded: lists are read a part at a time, and what takes a walk through all declarations is
//!   counted in the background and shown until it is old (`snapshot`).
//! - Every text goes through the templates' escaping; there is no script, and the Content-Security-Policy allows none.
//!
//! Numbers and words are those of `pawl status`, `get`, `explain`, `who` and `history`: both take them from
//! [`pawl_pipeline::explain`].

mod chart;
mod door;
mod pages;
mod params;
mod routes;
mod shell;
mod site;
mod snapshot;

pub use door::Door;
pub use routes::routes;
pub use site::{Desk, Queue, QueuedJob};

/// Below which path the pages are.
pub const HOME: &str = "/console";
