//! Stores that are JSON over HTTPS, and the kit that adapters of such stores are made of.
//!
//! [`kit`] has the connection, the proof of identities, paging, and what failures mean; it knows no provider. Beside it stands
//! one module for each provider. Start reading at [`GitLabSources`].

mod gitlab;
pub mod kit;

pub use gitlab::GitLabSources;

use pawl_domain::DigestKey;
use pawl_ports::{Clock, ClusterCredentials, Source};
use std::sync::Arc;

/// The adapters of all providers of this crate. They take the credentials that stores name from `clusters`; the digest key is
/// the ledger's.
pub fn all<C: ClusterCredentials + 'static>(
    clusters: &Arc<C>,
    clock: &Arc<dyn Clock>,
    digest_key: &DigestKey,
) -> Vec<Arc<dyn Source>> {
    vec![Arc::new(GitLabSources::new(Arc::clone(clusters), Arc::clone(clock), digest_key.clone()))]
}
