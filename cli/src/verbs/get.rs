//! `pawl get`: what the registry holds, and how each declaration fares.

use super::registry;
use crate::args::{Args, Get, Resource};
use crate::error::Error;
use crate::output::{self, Table};
use pawl_domain::cluster::Connection;
use pawl_domain::record::State;
use pawl_domain::{Cluster, Declaration, Query, Read, Record};
use pawl_pipeline::ports::{Ledger, Registry, Scope, SweptStore};
use pawl_pipeline::{Pipeline, Ports};
use pawl_runtime::World;
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;

const PAGE: usize = 500;

pub(super) async fn run(args: &Args, get: &Get) -> Result<ExitCode, Error> {
    let pipeline = registry(args).await?;
    match get.resource {
        Resource::Declarations => {
            let rows = declarations(&pipeline, get.prefix.as_deref().unwrap_or_default()).await?;
            output::show(&rows, args.output);
        }
        Resource::Stores => {
            let stores = pipeline.ports().registry().swept_stores().await?;
            output::show(&Stores(stores.into_iter().map(StoreRow::from).collect()), args.output);
        }
        Resource::Clusters => {
            let clusters = pipeline.ports().registry().clusters().await?;
            output::show(&Clusters(clusters.into_iter().map(ClusterRow::from).collect()), args.output);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn declarations(pipeline: &Pipeline<World>, prefix: &str) -> Result<Declarations, Error> {
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = pipeline.ports().registry().page(&Scope::All, after.as_ref(), PAGE).await?;
        after = page.last().filter(|_| page.len() == PAGE).map(|last| last.id.clone());
        let ids: Vec<_> = page.iter().map(|each| each.id.clone()).collect();
        let entries = pipeline.ports().ledger().entries(&ids).await?;
        let records: BTreeMap<_, _> = entries.into_iter().map(|entry| (entry.id, entry.record)).collect();
        let shown = page.into_iter().filter(|each| each.id.to_string().starts_with(prefix));
        rows.extend(shown.map(|each| {
            let record = records.get(&each.id);
            DeclarationRow::new(&each, record)
        }));
        if after.is_none() {
            return Ok(Declarations(rows));
        }
    }
}

#[derive(Debug, Serialize)]
struct Declarations(Vec<DeclarationRow>);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeclarationRow {
    declaration: String,
    target: String,
    keys: Vec<String>,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refreshed: Option<String>,
    versions: Vec<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// A key as it is declared, or what is searched for.
fn shown(read: &Read) -> String {
    match &read.query {
        Query::Key(remote) => remote.key.clone(),
        Query::Find(find) => {
            let tags = find.tags.iter().map(|(key, value)| format!("{key}={value}"));
            let criteria = find.path.iter().chain(&find.name).cloned().chain(tags);
            format!("find {}", criteria.collect::<Vec<_>>().join(" "))
        }
    }
}

impl DeclarationRow {
    fn new(declaration: &Declaration, record: Option<&Record>) -> Self {
        let mut keys: Vec<String> = declaration.reads.iter().map(shown).collect();
        keys.dedup();
        let (state, message) = match record.map(|record| &record.state) {
            None | Some(State::Pending) => ("pending".to_owned(), None),
            Some(State::Settled(outcome)) => (outcome.to_string(), None),
            Some(State::Failed(failure)) => {
                (format!("failed ({}, {})", failure.step, failure.kind), Some(failure.message.clone()))
            }
        };
        let versions = record.map(|record| &record.versions).into_iter().flatten();
        Self {
            declaration: declaration.id.to_string(),
            target: declaration.target.name.to_string(),
            keys,
            state,
            refreshed: record.and_then(|record| record.refreshed).map(|at| format!("{at:.0}")),
            versions: versions.map(|versions| versions.one().map(|version| version.id.clone())).collect(),
            message,
        }
    }
}

impl Table for Declarations {
    const HEADINGS: &'static [&'static str] =
        &["DECLARATION", "TARGET", "KEYS", "STATE", "REFRESHED", "MESSAGE"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &DeclarationRow| {
            vec![
                row.declaration.clone(),
                row.target.clone(),
                row.keys.join(","),
                row.state.clone(),
                row.refreshed.clone().unwrap_or_default(),
                row.message.clone().unwrap_or_default(),
            ]
        };
        self.0.iter().map(row).collect()
    }
}

#[derive(Debug, Serialize)]
struct Stores(Vec<StoreRow>);

#[derive(Debug, Serialize)]
struct StoreRow {
    store: String,
    location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<String>,
}

impl From<SweptStore> for StoreRow {
    fn from(SweptStore { store, interval }: SweptStore) -> Self {
        let interval = interval.map(|interval| format!("{}s", interval.as_secs()));
        Self { store: store.id.to_string(), location: store.location().to_string(), interval }
    }
}

impl Table for Stores {
    const HEADINGS: &'static [&'static str] = &["STORE", "LOCATION", "SHORTEST INTERVAL"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &StoreRow| {
            vec![row.store.clone(), row.location.clone(), row.interval.clone().unwrap_or_default()]
        };
        self.0.iter().map(row).collect()
    }
}

#[derive(Debug, Serialize)]
struct Clusters(Vec<ClusterRow>);

#[derive(Debug, Serialize)]
struct ClusterRow {
    cluster: String,
    connection: String,
    indexed: bool,
}

impl From<Cluster> for ClusterRow {
    fn from(cluster: Cluster) -> Self {
        let connection = match cluster.connection {
            Connection::Eks { name, region, .. } => format!("EKS cluster {name} in {region}"),
            Connection::Kubeconfig { path, .. } => format!("kubeconfig {path}"),
            Connection::Url { url, .. } => url,
        };
        Self { cluster: cluster.name.to_string(), connection, indexed: cluster.index }
    }
}

impl Table for Clusters {
    const HEADINGS: &'static [&'static str] = &["CLUSTER", "CONNECTION", "INDEXED"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &ClusterRow| {
            vec![
                row.cluster.clone(),
                row.connection.clone(),
                if row.indexed { "yes" } else { "no" }.to_owned(),
            ]
        };
        self.0.iter().map(row).collect()
    }
}
