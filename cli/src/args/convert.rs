//! What `pawl convert` is told.

use pawl_domain::ObjectName;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Convert {
    /// Files or folders of YAML; `-` reads standard input. May be given several times. Objects that name each other are
    /// given together.
    #[arg(long = "file", short, required = true, value_name = "PATH")]
    pub(crate) files: Vec<PathBuf>,
    /// The region of AWS of manifests that name none.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// The address of Vault, which kubernetes-external-secrets has from its environment.
    #[arg(long, value_name = "URL")]
    pub(crate) vault: Option<String>,
    /// The service account that proves the identity of stores, where the manifests name none: the operator used its own, or
    /// each Pod's.
    #[arg(long, value_name = "NAME")]
    pub(crate) service_account: Option<ObjectName>,
}
