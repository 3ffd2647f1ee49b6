//! The bounds of everything that is asked of a server, and what the operator allows stores.

use pawl_stores::kit::Bounds;
use std::collections::BTreeSet;

/// Bounds on time, number and size, and what stores may do only where the operator says so.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Bounds of every call. A store may say itself how often it is tried again; Vault keeps entries of up to 1 MiB with its
    /// default storage.
    pub bounds: Bounds,
    /// Servers may be asked over HTTP without TLS, where they are not on this machine: tokens and secrets travel readable.
    pub plain_http: bool,
    /// Service-account tokens shown to a Vault may be made for the API server of their cluster. Who runs such a Vault can
    /// act as the service account in the cluster.
    pub api_server_tokens: bool,
    /// The servers that Pawl's own AWS identity may be shown to, by logins of type `iam` that name no identity. Whoever
    /// runs one of them can use the proof elsewhere for some minutes.
    pub own_identity_servers: BTreeSet<String>,
}

impl Options {
    /// Whether Pawl's own AWS identity may be shown to this server.
    pub(crate) fn allow_own_identity(&self, server: &str) -> bool {
        self.own_identity_servers.iter().any(|allowed| same_server(allowed, server))
    }
}

fn same_server(one: &str, other: &str) -> bool {
    one.trim().trim_end_matches('/').eq_ignore_ascii_case(other.trim().trim_end_matches('/'))
}
