//! To which clusters an ExternalSecret goes.

use crate::reader::{Notes, shortened};
use crate::{ParseOptions, selector};
use pawl_domain::{Cluster, ClusterName, Home};
use std::collections::{BTreeMap, BTreeSet};

const CLUSTERS: &str = "pawl.dev/clusters";
const SELECTOR: &str = "pawl.dev/cluster-selector";

/// The clusters that an ExternalSecret or PushSecret with these annotations goes to, each once.
///
/// One that lives in a cluster goes to that cluster and nowhere else, whatever it says.
pub(crate) fn clusters(
    annotations: &BTreeMap<String, String>,
    options: &ParseOptions,
    known: &[Cluster],
    notes: &Notes,
) -> Vec<ClusterName> {
    let (names, labels) = (annotations.get(CLUSTERS), annotations.get(SELECTOR));
    if let Home::Cluster(home) = &options.home {
        for annotation in [CLUSTERS, SELECTOR].into_iter().filter(|key| annotations.contains_key(*key)) {
            notes.warning(path(annotation), "has no effect: an object in a cluster goes to that cluster");
        }
        return vec![home.clone()];
    }
    match (names, labels) {
        (Some(_), Some(_)) => {
            notes.error(path(CLUSTERS), format!("does not go with {SELECTOR}; write one of them"));
            Vec::new()
        }
        (names, labels) if options.any_cluster => anywhere(names, labels, options, notes),
        (Some(names), None) => named(names, known, notes),
        (None, Some(labels)) => selected(labels, known, notes),
        (None, None) => default(options, known, notes),
    }
}

/// Without looking at what is known.
fn anywhere(
    names: Option<&String>,
    labels: Option<&String>,
    options: &ParseOptions,
    notes: &Notes,
) -> Vec<ClusterName> {
    if let Some(Err(message)) = labels.map(|labels| selector::parse(labels)) {
        notes.error(path(SELECTOR), message);
    }
    let mut found = BTreeSet::new();
    for name in names.into_iter().flat_map(|names| listed(names)) {
        match name.parse::<ClusterName>() {
            Ok(name) => drop(found.insert(name)),
            Err(error) => notes.error(path(CLUSTERS), error.to_string()),
        }
    }
    match names {
        Some(_) if found.is_empty() => notes.error(path(CLUSTERS), EMPTY),
        Some(_) => {}
        None if labels.is_none() && !options.default_clusters.is_empty() => {
            found.extend(options.default_clusters.iter().cloned());
        }
        None => found.extend("any".parse::<ClusterName>()),
    }
    found.into_iter().collect()
}

const EMPTY: &str = "is empty; write the names of clusters, with commas between";

fn listed(names: &str) -> impl Iterator<Item = &str> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn named(names: &str, known: &[Cluster], notes: &Notes) -> Vec<ClusterName> {
    let mut found = BTreeSet::new();
    for name in listed(names) {
        match known.iter().find(|cluster| cluster.name.as_str() == name) {
            Some(cluster) => {
                found.insert(cluster.name.clone());
            }
            None => notes.partial(path(CLUSTERS), unknown(name, known)),
        }
    }
    if listed(names).next().is_none() {
        notes.error(path(CLUSTERS), EMPTY);
    }
    found.into_iter().collect()
}

fn selected(text: &str, known: &[Cluster], notes: &Notes) -> Vec<ClusterName> {
    let selector = match selector::parse(text) {
        Ok(selector) => selector,
        Err(message) => {
            notes.error(path(SELECTOR), message);
            return Vec::new();
        }
    };
    let matching = known.iter().filter(|cluster| selector.matches(&cluster.labels));
    let found: BTreeSet<ClusterName> = matching.map(|cluster| cluster.name.clone()).collect();
    if found.is_empty() {
        notes.warning(path(SELECTOR), "matches no known cluster, so nothing is declared");
    }
    found.into_iter().collect()
}

fn default(options: &ParseOptions, known: &[Cluster], notes: &Notes) -> Vec<ClusterName> {
    if options.default_clusters.is_empty() {
        return match known {
            [only] => vec![only.name.clone()],
            [] => {
                notes
                    .error("", "no cluster is known to write to; declare one as a pawl.dev/v1alpha1 Cluster");
                Vec::new()
            }
            _ => {
                let message =
                    format!("is missing, and {} clusters are known; write {}", known.len(), names(known));
                notes.error(path(CLUSTERS), message);
                Vec::new()
            }
        };
    }
    let mut found = BTreeSet::new();
    for name in &options.default_clusters {
        if known.iter().any(|cluster| cluster.name == *name) {
            found.insert(name.clone());
        } else {
            notes.partial(path(CLUSTERS), format!("by default {}", unknown(name.as_str(), known)));
        }
    }
    found.into_iter().collect()
}

fn unknown(name: &str, known: &[Cluster]) -> String {
    let name = shortened(name);
    if known.is_empty() {
        return format!("cluster {name} is not known; declare it as a pawl.dev/v1alpha1 Cluster");
    }
    format!("cluster {name} is not known, so nothing is declared for it; known are {}", names(known))
}

/// The first few names: hundreds would hide the message.
fn names(known: &[Cluster]) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<&str> = known.iter().map(|cluster| cluster.name.as_str()).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    let list = names.join(", ");
    if more > 0 { format!("{list} and {more} more") } else { list }
}

fn path(annotation: &str) -> String {
    format!("metadata.annotations[{annotation}]")
}
