//! What `pawl apply` and `pawl plan` are given: manifests, and what may be done with them.

use super::{clusters, manifests};
use crate::args::{Args, Offer};
use crate::error::Error;
use pawl_domain::Manifests;
use pawl_domain::store::Home;
use pawl_manifests::ParseOptions;
use pawl_pipeline::{Apply as Rights, ClusterRights, Pipeline};
use pawl_ports::{Ports, Registry};
use pawl_runtime::World;
use pawl_runtime::config::cluster_credentials;

/// What the command line says that this apply may do.
pub(super) fn rights(apply: &Offer) -> Rights {
    Rights {
        set: apply.set.clone().unwrap_or_default(),
        take_over: apply.take_over,
        prune: apply.prune,
        prune_most: apply.prune_most,
        clusters: match (apply.with_clusters, apply.allow_cluster_changes) {
            (false, _) => ClusterRights::None,
            (true, false) => ClusterRights::Add,
            (true, true) => ClusterRights::Change,
        },
        ..Rights::default()
    }
}

/// The manifests that are offered, but for Clusters with credentials that may not be taken from where they are.
pub(super) async fn read(pipeline: &Pipeline<World>, args: &Args, offer: &Offer) -> Result<Manifests, Error> {
    let sources = manifests::sources(&offer.files)?;
    let mut options = ParseOptions::new(Home::Applied);
    options.clusters = pipeline.ports().registry().clusters().await?;
    options.default_clusters.clone_from(&offer.clusters);
    options.default_namespace.clone_from(&offer.namespace);
    let mut manifests = manifests::together(manifests::read(&sources, options));
    let allowed = cluster_credentials(&args.lookup()).map_err(pawl_runtime::Error::from)?;
    clusters::refuse(&allowed, &mut manifests);
    Ok(manifests)
}
