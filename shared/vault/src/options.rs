//! The bounds of everything that is asked of a server, and what the operator allows stores.

use std::collections::BTreeSet;
use std::time::Duration;

/// Bounds on time, number and size, and what stores may do only where the operator says so.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a connection may take to come about, TLS included.
    pub connect_timeout: Duration,
    /// How long one attempt of a call may take.
    pub attempt_timeout: Duration,
    /// How long a call may take with all its attempts.
    pub deadline: Duration,
    /// How often a call is tried again, where the store does not say it.
    pub retries: u32,
    /// The pause before the first retry; each further one is twice as long, and each is shortened by chance.
    pub first_pause: Duration,
    /// The longest pause. A server that asks for a longer one is not asked again.
    pub last_pause: Duration,
    /// How many calls one question may have on the way at a time.
    pub concurrency: usize,
    /// The longest answer that is read, in bytes.
    pub largest_answer: usize,
    /// The same of the list of a folder, which holds names and no values.
    pub largest_list: usize,
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

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(25),
            // As Vault's own client does.
            retries: 2,
            first_pause: Duration::from_millis(200),
            last_pause: Duration::from_secs(5),
            concurrency: 16,
            // Vault refuses requests above 32 MiB and keeps entries up to 1 MiB with its default storage.
            largest_answer: 1024 * 1024,
            largest_list: 8 * 1024 * 1024,
            plain_http: false,
            api_server_tokens: false,
            own_identity_servers: BTreeSet::new(),
        }
    }
}
