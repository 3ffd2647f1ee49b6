//! Verbs that look and change nothing.

use super::offer::Offer;
use clap::ValueEnum;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) offer: Offer,
    /// Name what would stay as it is, too.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// A declaration as `<cluster>/<namespace>/<name>`, a namespace as `<cluster>/<namespace>`, or a cluster.
    pub(crate) what: String,
    /// Name what does not differ, too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only those whose ExternalSecrets have these labels, as `kubectl` takes them.
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub(crate) selector: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    /// The cluster, or a namespace of it as `<cluster>/<namespace>`, or one ExternalSecret as `<cluster>/<namespace>/<name>`.
    pub(crate) what: String,
    /// Name what would stay as it stands, too.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// A file with an event, `-` for standard input; a declaration or PushSecret as `<cluster>/<namespace>/<name>`;
    /// or a code as `PAWL-FETCH-DENIED`.
    pub(crate) what: PathBuf,
    /// Say of a declaration what registry and ledger know, and ask no store and no cluster.
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Who {
    /// The key as a manifest names it, or its ARN.
    pub(crate) key: String,
    /// Ask the clusters as well which workloads use the Secrets, and how. Takes the right to list Pods and what makes them.
    #[arg(long)]
    pub(crate) workloads: bool,
    /// Only keys of this region; else of every region that a store names.
    #[arg(long)]
    pub(crate) region: Option<String>,
}

/// A year, in seconds.
const LONGEST_WAIT: u64 = 365 * 24 * 3600;

#[derive(Debug, clap::Args)]
pub(crate) struct Wait {
    /// The key as a manifest names it, or its ARN.
    pub(crate) key: String,
    /// The version that must be in force, as the store names it; else whichever it gives out.
    #[arg(long, value_name = "ID")]
    pub(crate) version: Option<String>,
    /// Only keys of this region; else of every region that a store names.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// How long to wait, in seconds; 0 looks once.
    #[arg(long, default_value_t = 300, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=LONGEST_WAIT))]
    pub(crate) timeout: u64,
}

#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// A declaration, as `<cluster>/<namespace>/<name>`.
    pub(crate) declaration: pawl_domain::DeclarationId,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// Only declarations whose ExternalSecrets have these labels, as `kubectl` takes them.
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub(crate) selector: Option<String>,
    /// Look again every two seconds.
    #[arg(long, short)]
    pub(crate) watch: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Report {
    /// From how many days on a value is old.
    #[arg(long, default_value_t = 90, value_name = "DAYS")]
    pub(crate) older_than: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    /// What to show.
    #[arg(value_enum, default_value_t = Resource::Declarations)]
    pub(crate) resource: Resource,
    /// Only declarations, or PushSecrets, whose `<cluster>/<namespace>/<name>` begins with this.
    pub(crate) prefix: Option<String>,
    /// Only declarations whose ExternalSecrets have these labels, as `kubectl` takes them.
    #[arg(long, short = 'l', value_name = "LABELS")]
    pub(crate) selector: Option<String>,
    /// Look again every two seconds.
    #[arg(long, short)]
    pub(crate) watch: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Resource {
    Declarations,
    Pushes,
    Stores,
    Clusters,
    Policies,
}
