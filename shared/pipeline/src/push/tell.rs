//! What a PushSecret that lives in a cluster is told of how it went.

use crate::parts::Push;
use crate::push::note::Noted;
use pawl_domain::push::{PushUpdate, Standing};
use pawl_domain::record::Told;
use pawl_domain::{Home, Step};
use pawl_ports::{Clusters, Ports, PushStatus, PushVerdict};
use tracing::warn;

/// What is told; `None` while nothing has come of it.
pub(crate) fn status_of(noted: &Noted) -> Option<PushStatus> {
    let outcome = match &noted.record.state {
        Standing::Pending => return None,
        Standing::Done => PushVerdict::Synced,
        Standing::SourceGone => PushVerdict::SourceDeleted,
        Standing::Failed(failure) => PushVerdict::Failed(failure.clone()),
    };
    let standing = noted.record.entries.iter().filter(|entry| entry.stands);
    Some(PushStatus {
        at: noted.now,
        uid: noted.push.uid.clone(),
        synced: noted.push.synced.clone(),
        entries: standing.map(|entry| (entry.store.clone(), entry.data.clone())).collect(),
        outcome,
        keeps_existing: noted.push.update == PushUpdate::IfNotExists,
        before: noted.record.told.clone(),
    })
}

impl<P: Ports> Push<P> {
    /// Tells it, where there is news or the status does not say so already; returns what the status says then, if that has
    /// changed.
    pub(super) async fn tell(&self, noted: &Noted, news: bool) -> Option<Told> {
        let Home::Cluster(cluster) = &noted.push.home else { return None };
        let status = status_of(noted)?;
        let told = status.told();
        let says_so = status.before.as_ref() == Some(&told);
        if says_so && !news {
            return None;
        }
        let call = self.base.ports.clusters().publish_push(&noted.push.id, &status);
        match self.base.at_cluster(cluster, Step::Record, call).await {
            Ok(()) => Some(told).filter(|_| !says_so),
            Err(error) => {
                warn!("the status of PushSecret {} is not written: {error}", noted.push.id);
                None
            }
        }
    }
}
