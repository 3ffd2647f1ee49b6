//! The workloads of a namespace, and the Secrets that their Pods use.
//!
//! Of an object its name, its controller and its references to Secrets are read. All else, such as the values of variables, is
//! passed over where it stands.

use crate::call::{Call, Resource, Verb};
use crate::connect::Link;
use crate::list;
use pawl_domain::{Namespace, Step};
use pawl_ports::{ClusterIdentity, Error, Usage, Workload};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The kinds that are listed. What one of them made is named by it.
const KINDS: [Resource<'static>; 7] = [
    Resource { prefix: "/apis/apps/v1", plural: "deployments", kind: "Deployment" },
    Resource { prefix: "/apis/apps/v1", plural: "statefulsets", kind: "StatefulSet" },
    Resource { prefix: "/apis/apps/v1", plural: "daemonsets", kind: "DaemonSet" },
    Resource { prefix: "/apis/apps/v1", plural: "replicasets", kind: "ReplicaSet" },
    Resource { prefix: "/apis/batch/v1", plural: "cronjobs", kind: "CronJob" },
    Resource { prefix: "/apis/batch/v1", plural: "jobs", kind: "Job" },
    Resource { prefix: "/api/v1", plural: "pods", kind: "Pod" },
];

/// All of a namespace.
pub(crate) async fn all<I: ClusterIdentity>(
    link: &Link<I>,
    namespace: &Namespace,
) -> Result<Vec<Workload>, Error> {
    let mut found: BTreeMap<(String, String), Secrets> = BTreeMap::new();
    for resource in &KINDS {
        let call = || Call::new(Step::Lookup, Verb::List, resource).namespace(namespace.as_str());
        let listed = list::all(link, call, |object: Listed| object.named(resource.kind)).await?;
        for (named, secrets) in listed.into_iter().flatten() {
            let known = found.entry(named).or_default();
            secrets.into_iter().for_each(|(secret, usages)| known.entry(secret).or_default().extend(usages));
        }
    }
    let workload = |((kind, name), secrets)| Workload { kind, name, secrets };
    Ok(found.into_iter().map(workload).collect())
}

type Secrets = BTreeMap<String, BTreeSet<Usage>>;

#[derive(Deserialize)]
struct Listed {
    metadata: Head,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    name: String,
    owner_references: Option<Vec<Owner>>,
}

#[derive(Deserialize)]
struct Owner {
    kind: String,
    name: String,
    #[serde(default)]
    controller: bool,
}

/// What a Pod is made of; or a template of such, or of a Job.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    template: Option<Box<Template>>,
    job_template: Option<Box<Template>>,
    containers: Option<Vec<Container>>,
    init_containers: Option<Vec<Container>>,
    ephemeral_containers: Option<Vec<Container>>,
    volumes: Option<Vec<Volume>>,
    image_pull_secrets: Option<Vec<Named>>,
}

#[derive(Deserialize)]
struct Template {
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    env: Option<Vec<Variable>>,
    env_from: Option<Vec<Variables>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    value_from: Option<From>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct From {
    secret_key_ref: Option<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variables {
    secret_ref: Option<Named>,
}

#[derive(Deserialize)]
struct Volume {
    secret: Option<SecretVolume>,
    projected: Option<Projected>,
    csi: Option<Csi>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecretVolume {
    secret_name: Option<String>,
}

#[derive(Deserialize)]
struct Projected {
    sources: Option<Vec<Source>>,
}

#[derive(Deserialize)]
struct Source {
    secret: Option<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Csi {
    node_publish_secret_ref: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

impl Listed {
    /// What it is named by, with the Secrets that it uses; `None` where its controller is listed itself.
    fn named(self, kind: &str) -> Option<((String, String), Secrets)> {
        let controller = self.metadata.owner_references.into_iter().flatten().find(|owner| owner.controller);
        let is_listed = |owner: &Owner| KINDS.iter().any(|resource| resource.kind == owner.kind);
        if controller.as_ref().is_some_and(is_listed) {
            return None;
        }
        // Pods, and what makes nothing but Pods, are known to people by what made them, such as an Argo Rollout.
        let maker = controller.filter(|_| ["Pod", "ReplicaSet"].contains(&kind));
        let named = maker.map_or((kind.to_owned(), self.metadata.name), |owner| (owner.kind, owner.name));
        Some((named, self.spec.secrets()))
    }
}

impl Spec {
    fn secrets(self) -> Secrets {
        if let Some(template) = self.job_template.or(self.template) {
            return template.spec.secrets();
        }
        let mut found = Secrets::new();
        let mut note = |usage: Usage, name: Option<String>| {
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                found.entry(name).or_default().insert(usage);
            }
        };
        let containers = [self.init_containers, self.containers, self.ephemeral_containers];
        for container in containers.into_iter().flatten().flatten() {
            for variable in container.env.into_iter().flatten() {
                note(Usage::Env, variable.value_from.and_then(|from| Some(from.secret_key_ref?.name)));
            }
            for variables in container.env_from.into_iter().flatten() {
                note(Usage::EnvFrom, variables.secret_ref.map(|secret| secret.name));
            }
        }
        for volume in self.volumes.into_iter().flatten() {
            note(Usage::Volume, volume.secret.and_then(|secret| secret.secret_name));
            note(Usage::Volume, volume.csi.and_then(|csi| Some(csi.node_publish_secret_ref?.name)));
            for source in volume.projected.and_then(|projected| projected.sources).into_iter().flatten() {
                note(Usage::Volume, source.secret.map(|secret| secret.name));
            }
        }
        for secret in self.image_pull_secrets.into_iter().flatten() {
            note(Usage::ImagePull, Some(secret.name));
        }
        found
    }
}
