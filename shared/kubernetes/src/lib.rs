//! Adapters to Kubernetes: manifests, connections, Secrets, declarations in clusters and their status.
//!
//! Two halves that do not know each other, save that a scan of a cluster parses what it finds:
//!
//! - [`manifests`] turns YAML, JSON and objects of API servers into the domain's declarations, stores and clusters. Pure.
//! - [`KubernetesClusters`] is the flow's port to clusters. `connect` makes and keeps a way to each of them; `call` and
//!   `refusal` are one request and what a "no" means; `secrets`, `objects`, `credentials`, `scan`, `status` and `watch` are what is
//!   asked.
//!
//! Values: `wire` is the only module that turns them into JSON and back. Messages of API servers are never passed on, for
//! they may quote what was sent.
//!
//! Start reading at [`manifests`] for what users write, at [`KubernetesClusters`] for what clusters see.

mod call;
mod clusters;
mod connect;
mod credentials;
mod eso;
mod list;
pub mod manifests;
mod objects;
mod options;
pub mod rbac;
mod refusal;
mod scan;
mod secrets;
mod status;
mod store_status;
mod watch;
mod wire;

pub use clusters::KubernetesClusters;
pub use connect::ClusterDirectory;
pub use options::{Lookup, Options};
