//! The whole control plane, looked at again and again by one task for all sequences.

use crate::Result;
use crate::plane::Plane;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// What is looked at.
const KINDS: [&str; 8] = [
    "Secret",
    "ConfigMap",
    "ExternalSecret",
    "PushSecret",
    "SecretStore",
    "ClusterSecretStore",
    "ClusterExternalSecret",
    "Event",
];

/// All objects of the kinds that are compared, as they stood after `begun`.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Whatever was done before this moment is seen.
    pub(crate) begun: Instant,
    /// By kind and namespace; the namespace of cluster-wide objects is empty.
    objects: BTreeMap<(&'static str, String), Vec<Value>>,
}

impl Snapshot {
    /// The objects of a kind in a namespace.
    pub(crate) fn of(&self, kind: &'static str, namespace: &str) -> &[Value] {
        self.objects.get(&(kind, namespace.to_owned())).map_or(&[], Vec::as_slice)
    }

    async fn take(plane: &Plane) -> Result<Self> {
        let begun = Instant::now();
        let lists = futures::future::try_join_all(KINDS.map(|kind| plane.list(kind))).await?;
        let mut objects: BTreeMap<(&'static str, String), Vec<Value>> = BTreeMap::new();
        for (kind, list) in KINDS.into_iter().zip(lists) {
            for object in list {
                let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
                objects.entry((kind, namespace)).or_default().push(object);
            }
        }
        Ok(Self { begun, objects })
    }
}

/// The latest look, for everybody who waits for a newer one.
pub(crate) type Looks = watch::Receiver<Option<Arc<Snapshot>>>;

/// Looks at the plane until nobody waits any more.
///
/// # Errors
/// When the plane does not answer.
pub(crate) async fn look(plane: &Plane, looks: watch::Sender<Option<Arc<Snapshot>>>) -> Result<()> {
    while !looks.is_closed() {
        let snapshot = Snapshot::take(plane).await?;
        looks.send_replace(Some(Arc::new(snapshot)));
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The first look that began after `moment`; `None` when nobody looks any more.
pub(crate) async fn after(looks: &mut Looks, moment: Instant) -> Option<Arc<Snapshot>> {
    let newer = |look: &Option<Arc<Snapshot>>| look.as_ref().is_some_and(|it| it.begun > moment);
    looks.wait_for(newer).await.ok().and_then(|look| look.clone())
}
