//! Watches of a cluster: its declarations and stores whole, its managed Secrets by their metadata. Of namespaces and
//! ClusterExternalSecrets, where they are wanted, only that something changed.
//!
//! Each kind is watched on its own, in each namespace where Pawl has rights in some only, so that one that fails or is not served
//! holds up no other. A watch begins with a list of
//! metadata, goes on from the version of that list, and is resumed from the last version that it saw; only where the server
//! has forgotten that version does it begin anew.

mod memory;
mod one;
mod own;
mod pauses;

pub(crate) use own::OwnWrites;

use crate::connect::Link;
use crate::eso::EsoKind;
use futures::FutureExt;
use futures::future::join_all;
use one::{One, Subject};
use pawl_ports::{ClusterIdentity, Sighting};
use tokio::sync::mpsc::Sender;

/// Watches until nobody listens any more: of a cluster that is indexed all kinds, those that ClusterExternalSecrets depend on only
/// with `families`; of any other its namespaces, which patterns choose from.
pub(crate) async fn all<I: ClusterIdentity>(
    link: &Link<I>,
    class: &str,
    is_indexed: bool,
    families: bool,
    told: &Sender<Sighting>,
) {
    let declared = EsoKind::DECLARED.map(Subject::Eso).into_iter().chain([Subject::ManagedSecrets]);
    let parents = Some(Subject::Eso(EsoKind::ClusterExternalSecret)).filter(|_| is_indexed && families);
    let namespaces = Some(Subject::Namespaces).filter(|_| families || !is_indexed);
    let subjects = declared.filter(|_| is_indexed).chain(parents).chain(namespaces);
    let watches = subjects.flat_map(|subject| {
        let collections = match subject {
            Subject::Eso(kind) => kind.collections(link),
            Subject::ManagedSecrets => link.collections(),
            // With rights in some namespaces only, nobody may watch which there are.
            Subject::Namespaces => link.collections().into_iter().filter(Option::is_none).collect(),
        };
        collections
            .into_iter()
            .map(move |namespace| One::new(link, class, told, subject, namespace).run().boxed())
    });
    join_all(watches).await;
    // Where there is nothing to watch, nobody is told anything.
    told.closed().await;
}
