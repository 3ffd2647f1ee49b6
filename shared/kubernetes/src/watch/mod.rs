//! Watches of a cluster: its declarations and stores whole, its managed Secrets by their metadata; where PushSecrets are
//! carried out, also these whole, and all Secrets by their metadata, for each may be a source. A kind of generator is watched
//! from when something names it. Of namespaces and ClusterExternalSecrets, where they are wanted, only that something changed.
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

/// What of a cluster is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// Whether the cluster is indexed. Of any other its namespaces are watched alone, which patterns choose from.
    pub(crate) is_indexed: bool,
    /// Whether PushSecrets are carried out.
    pub(crate) pushes: bool,
    /// Whether ExternalSecrets are made of ClusterExternalSecrets.
    pub(crate) families: bool,
}

/// Watches until nobody listens any more.
pub(crate) async fn all<I: ClusterIdentity>(
    link: &Link<I>,
    class: &str,
    wanted: Wanted,
    told: &Sender<Sighting>,
) {
    let Wanted { is_indexed, pushes, families } = wanted;
    let generators = EsoKind::generators().map(EsoKind::Generator);
    let declared = EsoKind::read(pushes).chain(generators).map(Subject::Eso);
    let secrets = [Subject::ManagedSecrets].into_iter().chain(pushes.then_some(Subject::Sources));
    let parents = families.then_some(Subject::Eso(EsoKind::ClusterExternalSecret));
    let of_index = declared.chain(secrets).chain(parents).filter(|_| is_indexed);
    let subjects = of_index.chain((families || !is_indexed).then_some(Subject::Namespaces));
    let watches = subjects.flat_map(|subject| {
        let collections = match subject {
            Subject::Eso(kind) => kind.collections(link),
            Subject::ManagedSecrets | Subject::Sources => link.collections(),
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
