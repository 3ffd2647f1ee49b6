//! The adapter to clusters, from outside.
//!
//! `contract` holds it to its promises on the embedded API and on a real one; `connections` is about finding, keeping and
//! losing the way to a cluster; `credentials` about what a Cluster may name; `answers` about what API servers say when they are not well; `watching` about watches then; `workloads` about
//! what runs in a namespace.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod answers;
mod connections;
mod contract;
mod costs;
mod credentials;
mod namespaces;
mod pawl;
mod server;
mod watching;
mod workloads;
