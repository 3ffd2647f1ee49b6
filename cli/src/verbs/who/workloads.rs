//! What runs on the Secrets of declarations, as their clusters say.

use futures::{StreamExt, stream};
use pawl_domain::{ClusterName, Declaration, Kind, Location, Namespace, Step};
use pawl_pipeline::Pipeline;
use pawl_pipeline::explain::Reader;
use pawl_ports::{Clusters, Error, Ports, Workload};
use pawl_runtime::World;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// Namespaces asked at the same time, and how long each may take.
const AT_ONCE: usize = 8;
const PATIENCE: Duration = Duration::from_secs(30);

/// What namespaces answered.
pub(super) struct Asked(BTreeMap<(ClusterName, Namespace), Result<Vec<Workload>, Error>>);

/// A workload that uses a Secret.
#[derive(Debug, Serialize)]
pub(super) struct Used {
    kind: String,
    name: String,
    uses: Vec<&'static str>,
}

impl Asked {
    /// Asks each namespace that one of these writes a Secret to, once.
    pub(super) async fn of(pipeline: &Pipeline<World>, readers: &[(Location, Reader)]) -> Self {
        let with_secret = readers.iter().filter(|(_, reader)| reader.declaration.target.generic().is_none());
        let places: BTreeSet<_> = with_secret.map(|(_, reader)| place(&reader.declaration)).collect();
        let ask = |place: (ClusterName, Namespace)| async move {
            let asked = pipeline.ports().clusters().workloads(&place.0, &place.1);
            let answer = tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| {
                let message = format!("cluster {} did not answer within {PATIENCE:?}", place.0);
                Err(Error::new(Step::Lookup, Kind::Unreachable, message))
            });
            (place, answer)
        };
        let asks: Vec<_> = places.into_iter().map(ask).collect();
        Self(stream::iter(asks).buffer_unordered(AT_ONCE).collect().await)
    }

    /// What uses the target of a declaration; `None` where that is not known.
    pub(super) fn used(&self, declaration: &Declaration) -> Option<Vec<Used>> {
        if declaration.target.generic().is_some() {
            return Some(Vec::new());
        }
        let workloads = self.0.get(&place(declaration))?.as_ref().ok()?;
        let secret = declaration.target.name.as_str();
        let used = |each: &Workload| {
            let uses = each.secrets.get(secret)?.iter().map(|usage| usage.as_str()).collect();
            Some(Used { kind: each.kind.clone(), name: each.name.clone(), uses })
        };
        Some(workloads.iter().filter_map(used).collect())
    }

    /// Why some of it is not known.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|((cluster, namespace), answer)| {
            let problem = answer.as_ref().err()?;
            Some(format!("what runs in namespace {namespace} of cluster {cluster} is not known: {problem}"))
        })
    }
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.kind, self.name, self.uses.join(", "))
    }
}

fn place(declaration: &Declaration) -> (ClusterName, Namespace) {
    (declaration.id.cluster.clone(), declaration.id.namespace.clone())
}
