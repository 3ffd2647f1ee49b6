//! Watches of a cluster: its declarations and stores whole, its managed Secrets by their metadata; where PushSecrets are
//! carried out, also these whole, and all Secrets by their metadata, for each may be a source. A kind of generator is watched
//! from when something names it.
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

/// Watches all kinds until nobody listens any more.
pub(crate) async fn all<I: ClusterIdentity>(
    link: &Link<I>,
    class: &str,
    pushes: bool,
    told: &Sender<Sighting>,
) {
    let generators = EsoKind::generators().map(EsoKind::Generator);
    let declared = EsoKind::read(pushes).chain(generators).map(Subject::Eso);
    let subjects = declared.chain([Subject::ManagedSecrets]);
    let subjects = subjects.chain(pushes.then_some(Subject::Sources));
    let watches = subjects.flat_map(|subject| {
        let collections = match subject {
            Subject::Eso(kind) => kind.collections(link),
            Subject::ManagedSecrets | Subject::Sources => link.collections(),
        };
        collections
            .into_iter()
            .map(move |namespace| One::new(link, class, told, subject, namespace).run().boxed())
    });
    join_all(watches).await;
}
