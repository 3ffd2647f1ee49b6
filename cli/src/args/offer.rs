//! Manifests, and what may be done with them.

use pawl_domain::ClusterName;
use std::path::PathBuf;

/// Manifests, and what may be done with them.
#[derive(Debug, clap::Args)]
pub(crate) struct Offer {
    /// Files or folders of YAML; `-` reads standard input. May be given several times.
    #[arg(long = "file", short, required = true, value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// Whose these manifests are, such as the team or the repository. What belongs to another set is neither changed nor
    /// removed. Without a name it is the set `default`.
    #[arg(long, env = "PAWL_SET", value_name = "NAME")]
    pub(crate) set: Option<pawl_domain::SetName>,
    /// Remove what was applied with this set before and is not among these manifests; needs `--set`.
    #[arg(long, requires = "set")]
    pub(crate) prune: bool,
    /// Prune even where most of the set would go: half of it, and ten objects or more.
    #[arg(long, requires = "prune")]
    pub(crate) prune_most: bool,
    /// Change what belongs to other sets, too; it belongs to this one from then on.
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Take in Clusters as well. They say where Secrets are sent and with whose credentials, so they are for administrators.
    /// Without this, only those are passed over that are known as they stand.
    #[arg(long = "clusters")]
    pub(crate) with_clusters: bool,
    /// Let known clusters lead elsewhere, or be reached with other credentials.
    #[arg(long, requires = "with_clusters")]
    pub(crate) allow_cluster_changes: bool,
    /// The clusters of declarations that name none. May be given several times.
    #[arg(long = "cluster", value_name = "NAME")]
    pub(crate) clusters: Vec<ClusterName>,
    /// The namespace of manifests that name none.
    #[arg(long, short, value_name = "NAME")]
    pub(crate) namespace: Option<pawl_domain::Namespace>,
}
