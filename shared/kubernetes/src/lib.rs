//! Adapters to Kubernetes: manifests, connections, Secrets, declarations in clusters and their status.

pub mod manifests;
