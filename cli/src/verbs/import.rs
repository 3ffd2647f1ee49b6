//! `pawl clusters import`: Clusters as manifests, of what a cloud has. Writes nothing into the registry.

use crate::args::{Args, Import};
use crate::error::Error;
use crate::output;
use pawl_domain::ClusterName;
use pawl_runtime::{EksCluster, eks_clusters};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

pub(super) async fn run(args: &Args, import: &Import) -> Result<ExitCode, Error> {
    let mut found = Vec::new();
    for region in BTreeSet::from_iter(&import.region) {
        for cluster in eks_clusters(region, import.list_role.as_deref()).await? {
            let is_meant =
                import.tag.iter().all(|(tag, value)| cluster.tags.get(tag).is_some_and(|it| it == value));
            if is_meant {
                found.push((region.as_str(), cluster));
            }
        }
    }
    for (region, cluster) in &found {
        for doubt in doubts(cluster) {
            output::note(&format!("{} in {region}: {doubt}", cluster.name));
        }
    }
    let documents = manifests(import, &found)?;
    if documents.is_empty() {
        return Err(Error::NotFound(
            "no such cluster; check --region, --tag, and the account of the role".to_owned(),
        ));
    }
    output::text(&output::printed(&documents, args.output));
    output::note(&format!("{} clusters; read them, then: pawl apply --clusters -f <file>", documents.len()));
    Ok(ExitCode::SUCCESS)
}

/// What stands in the way of reaching a cluster.
fn doubts(cluster: &EksCluster) -> impl Iterator<Item = &'static str> {
    let waits = (!cluster.is_active).then_some("it is not active now");
    let closed = (!cluster.takes_access_entries).then_some(
        "its authentication mode is CONFIG_MAP: set API_AND_CONFIG_MAP, or let Pawl in by the ConfigMap aws-auth",
    );
    waits.into_iter().chain(closed)
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Debug, PartialEq, Serialize)]
struct Metadata {
    name: ClusterName,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Spec {
    eks: Eks,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    index: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    namespaces: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Eks {
    name: String,
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
}

/// One Cluster for each. Names of EKS may have capitals and underscores, which those of Clusters have not; where two would be
/// called alike, each has its region behind its name.
fn manifests(import: &Import, found: &[(&str, EksCluster)]) -> Result<Vec<Manifest>, Error> {
    let plain = |cluster: &EksCluster| {
        let name = cluster.name.to_ascii_lowercase().replace('_', "-");
        name.trim_end_matches('-').to_owned()
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, cluster) in found {
        *counts.entry(plain(cluster)).or_default() += 1;
    }
    let mut taken = BTreeSet::new();
    let manifest = |(region, cluster): &(&str, EksCluster)| {
        let name = plain(cluster);
        let name = if counts[&name] > 1 { format!("{name}-{region}") } else { name };
        let unusable = |why: &dyn std::fmt::Display| {
            Error::Usage(format!(
                "{} in {region} cannot be called {name}: {why}; write its Cluster yourself, and leave it out by --tag",
                cluster.name
            ))
        };
        if !taken.insert(name.clone()) {
            return Err(unusable(&"another one is called so"));
        }
        Ok(Manifest {
            api_version: "pawl.dev/v1alpha1",
            kind: "Cluster",
            metadata: Metadata {
                name: name.parse().map_err(|why| unusable(&why))?,
                labels: cluster.tags.iter().filter(is_label).map(|(k, v)| (k.clone(), v.clone())).collect(),
            },
            spec: Spec {
                eks: Eks {
                    name: cluster.name.clone(),
                    region: (*region).to_owned(),
                    role: import.role.clone(),
                },
                index: import.index,
                namespaces: import.namespaces.iter().map(ToString::to_string).collect(),
            },
        })
    };
    found.iter().map(manifest).collect()
}

/// Whether a tag can be a label: AWS allows more signs, and longer texts.
fn is_label((key, value): &(&String, &String)) -> bool {
    let is_name = |text: &str| {
        let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = text.as_bytes();
        let fits = bytes.len() <= 63 && is_end(bytes.first()) && is_end(bytes.last());
        fits && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
    };
    is_name(key) && (value.is_empty() || is_name(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Output;

    fn cluster(name: &str, tags: &[(&str, &str)]) -> EksCluster {
        let tags = tags.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        EksCluster { name: name.to_owned(), tags, is_active: true, takes_access_entries: true }
    }

    fn import() -> Import {
        Import {
            eks: true,
            region: Vec::new(),
            list_role: None,
            role: Some("arn:aws:iam::111122223333:role/pawl".to_owned()),
            index: true,
            namespaces: vec!["shop".parse().unwrap()],
            tag: Vec::new(),
        }
    }

    #[test]
    fn clusters_are_written_as_manifests_that_pawl_reads() {
        let tags =
            [("tier", "prod"), ("aws:cloudformation:stack-name", "x"), ("owner", "Team Shop"), ("empty", "")];
        let found = [
            ("eu-central-1", cluster("Prod_A", &tags)),
            ("eu-central-1", cluster("shop", &[])),
            ("eu-west-1", cluster("shop", &[])),
        ];
        let written = manifests(&import(), &found).unwrap();
        let text: Vec<String> = written.iter().map(|each| serde_saphyr::to_string(each).unwrap()).collect();
        let options = pawl_manifests::ParseOptions::new(pawl_domain::Home::Applied);
        let read = pawl_manifests::parse(&text.join("---\n"), "test", &options);
        assert_eq!(read.problems, []);
        for output in [Output::Json, Output::Yaml, Output::Table] {
            let text = output::printed(&written, output);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), output == Output::Json);
            let again = pawl_manifests::parse(&text, "test", &options);
            assert_eq!((again.problems, again.clusters), (Vec::new(), read.clusters.clone()), "{output:?}");
        }
        let names: Vec<String> = read.clusters.iter().map(|each| each.name.to_string()).collect();
        assert_eq!(names, ["prod-a", "shop-eu-central-1", "shop-eu-west-1"]);
        let labels = &read.clusters[0].labels;
        assert_eq!(
            labels.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>(),
            ["empty=", "tier=prod"]
        );
        assert!(read.clusters.iter().all(|each| each.index && each.namespaces.len() == 1));
    }

    #[test]
    fn names_that_differ_in_their_last_signs_alone_get_their_regions() {
        let found = [("eu-west-1", cluster("prod_", &[])), ("eu-west-2", cluster("prod", &[]))];
        let names: Vec<_> =
            manifests(&import(), &found).unwrap().iter().map(|each| each.metadata.name.to_string()).collect();
        assert_eq!(names, ["prod-eu-west-1", "prod-eu-west-2"]);
        let found = [("eu-west-1", cluster("prod_", &[])), ("eu-west-1", cluster("prod", &[]))];
        assert!(manifests(&import(), &found).is_err());
    }

    #[test]
    fn what_would_be_called_alike_is_refused_by_name() {
        let found = [("eu-west-1", cluster("a_b", &[])), ("eu-west-1", cluster("a-b", &[]))];
        let error = manifests(&import(), &found).unwrap_err().to_string();
        assert!(error.contains("a-b in eu-west-1") && error.contains("another one"), "{error}");
    }

    #[test]
    fn what_stands_in_the_way_is_told() {
        let told = |is_active, takes_access_entries| {
            doubts(&EksCluster { is_active, takes_access_entries, ..cluster("a", &[]) }).count()
        };
        assert_eq!(
            [told(true, true), told(false, true), told(true, false), told(false, false)],
            [0, 1, 1, 2]
        );
    }
}
