//! The adapter to Kubernetes: connections, Secrets, declarations in clusters and their status.
//!
//! [`KubernetesClusters`] is the flow's port to clusters. `connect` makes and keeps a connection to each of them; `call` and
//! `refusal` are one request and what a "no" means; `targets`, `kinds`, `credentials`, `scan`, `families`, `status` and `watch` are what
//! is asked. What the objects of a cluster declare, `pawl_manifests` reads, which knows no cluster.
//!
//! Values: `wire` is the only module that turns them into JSON and back. Messages of API servers are never passed on, for
//! they may quote what was sent.
//!
//! Start reading at [`KubernetesClusters`].

mod call;
mod clusters;
mod connect;
mod credentials;
mod eso;
mod families;
mod kinds;
mod list;
mod options;
mod push;
pub mod rbac;
mod refusal;
mod scan;
mod status;
mod store_status;
mod targets;
mod watch;
mod wire;
mod workloads;

pub use clusters::KubernetesClusters;
pub use connect::ClusterDirectory;
pub use options::{Lookup, Options};
