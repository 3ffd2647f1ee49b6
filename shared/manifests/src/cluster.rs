//! Pawl's own kind Cluster: how to reach a Kubernetes API server.
//!
//! It is never stored in a cluster: it stands beside the ExternalSecrets in git.
//!
//! ```yaml
//! apiVersion: pawl.dev/v1alpha1
//! kind: Cluster
//! metadata:
//!   name: shop-eu              # what declarations, reports and pawl.dev/clusters call it
//!   labels: { tier: prod }     # for pawl.dev/cluster-selector
//! spec:
//!   index: true                # read the ExternalSecrets that live in this cluster; default false
//!   namespaces: [shop]         # list and watch these only, where Pawl has rights by namespace; default: all
//!   # exactly one of:
//!   eks:
//!     name: shop               # the name in EKS
//!     region: eu-central-1
//!     role: arn:aws:iam::111122223333:role/pawl   # assumed first; default: the identity Pawl runs with
//!     endpoint: https://…      # default: asked of EKS; another one only where PAWL_CLUSTER_EKS_ENDPOINTS lists it
//!     ca: |                    # PEM, or the base64 of it that EKS shows; default: asked of EKS
//!   kubeconfig:
//!     path: /etc/pawl/clusters/kubeconfig   # in a directory of PAWL_CLUSTER_FILES; exec plugins are not run
//!     context: shop                # default: the current one
//!   url:
//!     url: https://10.0.0.1:6443
//!     ca: |                    # default: the system's roots
//!     # exactly one of:
//!     tokenFile: /etc/pawl/clusters/shop.token   # in a directory of PAWL_CLUSTER_FILES; read again each minute
//!     tokenEnv: PAWL_CLUSTER_TOKEN_SHOP          # an environment variable of Pawl with this prefix
//!     tokenSecret: pawl/clusters/shop            # a Secrets Manager secret that PAWL_CLUSTER_SECRETS allows: name or ARN
//! ```
//!
//! A token is kept as it is, or as `{"token": "…", "server": "https://10.0.0.1:6443"}`: then it is sent to no other server.

use super::address::Way;
use super::reader::Fields;
use super::{certificate, metadata};
use pawl_domain::cluster::{Connection, TokenSource};
use pawl_domain::{Cluster, ClusterName, Home, Namespace};
use std::collections::BTreeSet;

/// The cluster of a Cluster. Whether it may be used, the notes tell.
pub(super) fn read(root: Fields<'_>, home: &Home) -> Option<Cluster> {
    let notes = root.notes();
    if matches!(home, Home::Cluster(_)) {
        notes.error("", "a Cluster that lives in a cluster is not used: a cluster may not name others");
    }
    let (metadata, mut spec) = metadata::read::<ClusterName>(root)?;
    let index = spec.flag("index");
    let namespaces = namespaces(&mut spec);
    let given: Vec<&str> = ["eks", "kubeconfig", "url"].into_iter().filter(|field| spec.has(field)).collect();
    if given.len() != 1 {
        notes.error("spec", "must have exactly one of eks, kubeconfig and url");
    }
    let connections = [
        spec.object("eks").and_then(eks),
        spec.object("kubeconfig").and_then(kubeconfig),
        spec.object("url").and_then(url),
    ];
    spec.close();
    let connection = connections.into_iter().flatten().next()?;
    Some(Cluster { name: metadata.name, labels: metadata.labels, connection, index, namespaces })
}

fn namespaces(spec: &mut Fields<'_>) -> BTreeSet<Namespace> {
    let mut names = BTreeSet::new();
    for name in spec.texts("namespaces") {
        match name.parse() {
            Ok(name) => drop(names.insert(name)),
            Err(error) => spec.error("namespaces", format!("{error}")),
        }
    }
    names
}

fn eks(mut fields: Fields<'_>) -> Option<Connection> {
    let name = fields.required("name", "the cluster's name in EKS").map(str::to_owned);
    let region = fields.required("region", "the cluster's region, such as eu-central-1").map(str::to_owned);
    let role = fields.filled("role").map(str::to_owned);
    if role.as_ref().is_some_and(|role| !role.starts_with("arn:")) {
        fields.error("role", "is not an ARN; write it as arn:aws:iam::<account>:role/<name>");
    }
    let endpoint = fields.filled("endpoint").map(str::to_owned);
    if let Some(endpoint) = &endpoint {
        refuse_unsafe(&fields, "endpoint", endpoint);
    }
    let ca = certificate::authorities(&mut fields, "ca");
    fields.close();
    Some(Connection::Eks { name: name?, region: region?, role, endpoint, ca })
}

fn kubeconfig(mut fields: Fields<'_>) -> Option<Connection> {
    let path = fields.required("path", "the path of a kubeconfig file").map(str::to_owned);
    let context = fields.filled("context").map(str::to_owned);
    fields.close();
    Some(Connection::Kubeconfig { path: path?, context })
}

fn url(mut fields: Fields<'_>) -> Option<Connection> {
    let url = fields.required("url", "the API server's URL").map(str::to_owned);
    if let Some(url) = &url {
        refuse_unsafe(&fields, "url", url);
    }
    let ca = certificate::authorities(&mut fields, "ca");
    let sources = [
        fields.filled("tokenFile").map(|path| TokenSource::File(path.to_owned())),
        fields.filled("tokenEnv").map(|name| TokenSource::Env(name.to_owned())),
        fields.filled("tokenSecret").map(|name| TokenSource::SecretsManager(name.to_owned())),
    ];
    let mut sources = sources.into_iter().flatten();
    let token = sources.next();
    if token.is_none() || sources.next().is_some() {
        fields.notes().error(fields.path(), "must have exactly one of tokenFile, tokenEnv and tokenSecret");
    }
    fields.close();
    Some(Connection::Url { url: url?, ca, token: token? })
}

/// Tokens and Secrets go this way, so it must be encrypted unless it does not leave the machine.
fn refuse_unsafe(fields: &Fields<'_>, field: &'static str, text: &str) {
    match Way::to(text) {
        Some(Way::Encrypted | Way::Loopback) => {}
        Some(Way::Plain) => {
            fields.error(field, "is not encrypted; write https (http is for this machine only)")
        }
        None => fields.error(field, "is not a URL; write it as https://<host>:<port>"),
    }
}
