//! Finds how a cluster serves the kinds of targets.

use crate::call::{Call, Resource, SECRETS, Verb};
use crate::connect::Link;
use pawl_domain::declaration::Manifest;
use pawl_domain::{Complaint, Kind, Step};
use pawl_ports::{ClusterIdentity, Error};
use serde::Deserialize;
use std::sync::Arc;

/// How a cluster serves the objects of a kind.
pub(crate) enum Served {
    /// As every cluster serves Secrets.
    Secret,
    /// As this cluster says.
    Other(Arc<ServedKind>),
}

impl Served {
    pub(crate) fn resource(&self) -> Resource<'_> {
        match self {
            Self::Secret => SECRETS,
            Self::Other(kind) => Resource { prefix: &kind.prefix, plural: &kind.plural, kind: &kind.kind },
        }
    }
}

/// How a cluster serves a kind other than Secret.
#[derive(Debug)]
pub(crate) struct ServedKind {
    prefix: String,
    plural: String,
    kind: String,
}

/// How the cluster serves a target's kind, `None` for a Secret. Asked once of each other kind, for it does not change while
/// objects of the kind stand.
pub(crate) async fn served<I: ClusterIdentity>(
    link: &Link<I>,
    step: Step,
    kind: Option<&Manifest>,
) -> Result<Served, Error> {
    let Some(kind) = kind else { return Ok(Served::Secret) };
    if let Some(known) = link.kind(kind) {
        return Ok(Served::Other(known));
    }
    // Boxed, for nearly all targets are Secrets and need no room for this.
    let served = Arc::new(Box::pin(asked(link, step, kind)).await?);
    link.set_kind(kind, Arc::clone(&served));
    Ok(Served::Other(served))
}

async fn asked<I: ClusterIdentity>(link: &Link<I>, step: Step, kind: &Manifest) -> Result<ServedKind, Error> {
    let cluster = link.name();
    let api_version = kind.api_version.as_str();
    // The list of a group's kinds stands where the group's objects do.
    let (prefix, list) = match api_version.split_once('/') {
        Some((group, version)) => (format!("/apis/{group}"), version),
        None => ("/api".to_owned(), api_version),
    };
    let kinds = Resource { prefix: &prefix, plural: list, kind: "kind" };
    let call = Call::new(step, Verb::List, &kinds);
    let found: Kinds = match link.send(&call).await?.or_missing(&call, cluster)? {
        Some(body) => body.read(&call, cluster)?,
        None => Kinds::default(),
    };
    let mut named =
        found.resources.into_iter().filter(|one| one.kind == kind.kind && !one.name.contains('/'));
    let Some(one) = named.next() else {
        let message = format!(
            "target.manifest: cluster {cluster} serves no {kind}; correct it, or install what defines the kind"
        );
        return Err(Error::new(step, Kind::NotFound, message));
    };
    if !one.namespaced {
        let message =
            format!("target.manifest: objects of {kind} do not live in namespaces; use another kind");
        return Err(Error::new(step, Kind::Invalid, message).complaining(Complaint::GenericTarget));
    }
    let prefix = format!("{prefix}/{list}");
    Ok(ServedKind { prefix, plural: one.name, kind: kind.kind.clone() })
}

/// The parts of an `APIResourceList` that are looked at.
#[derive(Default, Deserialize)]
struct Kinds {
    #[serde(default)]
    resources: Vec<OneKind>,
}

#[derive(Deserialize)]
struct OneKind {
    name: String,
    kind: String,
    #[serde(default)]
    namespaced: bool,
}
