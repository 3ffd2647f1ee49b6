//! `pawl get`: what the registry holds, and how each declaration fares.

mod policies;
mod pushes;

use super::selector::chosen;
use super::watch::watch;
use crate::args::{Args, Get, Output, Resource};
use crate::error::Error;
use crate::flow::registry;
use crate::output::{self, Table};
use pawl_domain::{Cluster, Declaration, Record};
use pawl_pipeline::Pipeline;
use pawl_pipeline::explain::words::{UNREADABLE, complaint, connection, key, state};
use pawl_ports::{DocumentKind, Ports, Registry, Scope, SweptStore, Unreadable};
use pawl_runtime::World;
use policies::{Policies, PolicyRow};
use pushes::{PushRow, Pushes};
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(args: &Args, get: &Get) -> Result<ExitCode, Error> {
    let pipeline = registry(args).await?;
    let meant = chosen(get.selector.as_deref())?;
    if get.selector.is_some() && !matches!(get.resource, Resource::Declarations) {
        return Err(Error::Usage(
            "--selector looks at labels of ExternalSecrets: use it with declarations".to_owned(),
        ));
    }
    watch(get.watch, async || {
        let found = found(&pipeline, get, &meant).await?;
        Ok(move || found.show(args.output))
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// What was asked for.
enum FoundRows {
    Declarations(Declarations),
    Stores(Stores),
    Policies(Policies),
    Pushes(Pushes),
    Clusters(Clusters),
}

impl FoundRows {
    fn show(&self, output: Output) {
        match self {
            Self::Declarations(rows) => output::show(rows, output),
            Self::Stores(rows) => output::show(rows, output),
            Self::Policies(rows) => output::show(rows, output),
            Self::Pushes(rows) => output::show(rows, output),
            Self::Clusters(rows) => output::show(rows, output),
        }
    }
}

async fn found(
    pipeline: &Pipeline<World>,
    get: &Get,
    meant: impl Fn(&Declaration) -> bool,
) -> Result<FoundRows, Error> {
    let registry = pipeline.ports().registry();
    Ok(match get.resource {
        Resource::Declarations => {
            let prefix = get.prefix.as_deref().unwrap_or_default();
            let mut rows = declarations(pipeline, prefix, meant).await?;
            // Which labels it had, nobody can read.
            if get.selector.is_none() {
                let unreadable = unreadable(pipeline, DocumentKind::Declaration).await?;
                let shown = unreadable.into_iter().filter(|each| each.id.starts_with(prefix));
                rows.0.extend(shown.map(DeclarationRow::unreadable));
            }
            rows.0.sort_by(|a, b| a.declaration.split('/').cmp(b.declaration.split('/')));
            FoundRows::Declarations(rows)
        }
        Resource::Stores => {
            let mut rows: Vec<_> = registry.swept_stores().await?.into_iter().map(StoreRow::from).collect();
            let unreadable = unreadable(pipeline, DocumentKind::Store).await?;
            rows.extend(unreadable.into_iter().map(StoreRow::unreadable));
            FoundRows::Stores(Stores(rows))
        }
        Resource::Policies => {
            let policies = registry.policies().await?;
            let mut rows: Vec<_> = policies.known.into_iter().map(PolicyRow::from).collect();
            let unreadable = unreadable(pipeline, DocumentKind::Policy).await?;
            rows.extend(unreadable.into_iter().map(PolicyRow::unreadable));
            FoundRows::Policies(Policies(rows))
        }
        Resource::Pushes => {
            let prefix = get.prefix.as_deref().unwrap_or_default();
            let mut rows = pushes::pushes(pipeline, prefix).await?;
            let unreadable = unreadable(pipeline, DocumentKind::Push).await?;
            let shown = unreadable.into_iter().filter(|each| each.id.starts_with(prefix));
            rows.extend(shown.map(PushRow::unreadable));
            rows.sort_by_key(PushRow::order);
            FoundRows::Pushes(Pushes(rows))
        }
        Resource::Clusters => {
            let mut rows: Vec<_> = registry.clusters().await?.into_iter().map(ClusterRow::from).collect();
            let unreadable = unreadable(pipeline, DocumentKind::Cluster).await?;
            rows.extend(unreadable.into_iter().map(ClusterRow::unreadable));
            FoundRows::Clusters(Clusters(rows))
        }
    })
}

/// The documents of a kind that cannot be read.
async fn unreadable(pipeline: &Pipeline<World>, kind: DocumentKind) -> Result<Vec<Unreadable>, Error> {
    let mut found = pipeline.ports().registry().unreadable().await?;
    found.retain(|each| each.kind == kind);
    Ok(found)
}

async fn declarations(
    pipeline: &Pipeline<World>,
    prefix: &str,
    meant: impl Fn(&Declaration) -> bool,
) -> Result<Declarations, Error> {
    let mut rows = Vec::new();
    let mut pages = pipeline.ports().registry().pages(Scope::All);
    while let Some(mut page) = pages.next().await? {
        page.retain(|each| each.id.to_string().starts_with(prefix) && meant(each));
        rows.extend(pipeline.known(page).await?.into_iter().map(|each| {
            let row = DeclarationRow::new(&each.declaration, each.record.as_ref());
            match &each.unreadable {
                Some(record) => row.of_unknown_state(record),
                None => row,
            }
        }));
    }
    Ok(Declarations(rows))
}

#[derive(Debug, Serialize)]
struct Declarations(Vec<DeclarationRow>);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeclarationRow {
    declaration: String,
    /// The set that it was applied with.
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<String>,
    target: String,
    keys: Vec<String>,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refreshed: Option<String>,
    versions: Vec<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl DeclarationRow {
    fn new(declaration: &Declaration, record: Option<&Record>) -> Self {
        let mut keys: Vec<String> = declaration.reads.iter().map(key).collect();
        keys.dedup();
        let versions = record.map(|record| &record.versions).into_iter().flatten();
        Self {
            declaration: declaration.id.to_string(),
            set: declaration.set.as_ref().map(ToString::to_string),
            target: declaration.target.name.to_string(),
            keys,
            state: state(record),
            refreshed: record.and_then(|record| record.refreshed).map(|at| format!("{at:.0}")),
            versions: versions.map(|versions| versions.one().map(|version| version.id.clone())).collect(),
            message: complaint(record),
        }
    }
}

impl DeclarationRow {
    /// The row of a declaration whose document cannot be read.
    fn unreadable(document: Unreadable) -> Self {
        Self {
            message: Some(document.to_string()),
            declaration: document.id,
            set: None,
            target: String::new(),
            keys: Vec::new(),
            state: UNREADABLE.to_owned(),
            refreshed: None,
            versions: Vec::new(),
        }
    }

    /// The same, where the ledger's record cannot be read.
    fn of_unknown_state(self, record: &Unreadable) -> Self {
        Self { state: "unknown".to_owned(), message: Some(record.to_string()), ..self }
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
    /// What it takes a sweep to see that nothing changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl StoreRow {
    fn unreadable(document: Unreadable) -> Self {
        let message = Some(document.to_string());
        Self { store: document.id, location: UNREADABLE.to_owned(), sweep: None, interval: None, message }
    }
}

impl From<SweptStore> for StoreRow {
    fn from(SweptStore { store, interval }: SweptStore) -> Self {
        let interval = interval.map(|interval| format!("{}s", interval.as_secs()));
        let sweep = Some(store.backend.capabilities().sweep_cost().to_string());
        let (store, location) = (store.id.to_string(), store.location().to_string());
        Self { store, location, sweep, interval, message: None }
    }
}

impl Table for Stores {
    const HEADINGS: &'static [&'static str] =
        &["STORE", "LOCATION", "A SWEEP COSTS", "SHORTEST INTERVAL", "MESSAGE"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &StoreRow| {
            vec![
                row.store.clone(),
                row.location.clone(),
                row.sweep.clone().unwrap_or_default(),
                row.interval.clone().unwrap_or_default(),
                row.message.clone().unwrap_or_default(),
            ]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl ClusterRow {
    fn unreadable(document: Unreadable) -> Self {
        let message = Some(document.to_string());
        Self { cluster: document.id, connection: UNREADABLE.to_owned(), indexed: false, message }
    }
}

impl From<Cluster> for ClusterRow {
    fn from(cluster: Cluster) -> Self {
        let connection = connection(&cluster);
        Self { cluster: cluster.name.to_string(), connection, indexed: cluster.index, message: None }
    }
}

impl Table for Clusters {
    const HEADINGS: &'static [&'static str] = &["CLUSTER", "CONNECTION", "INDEXED", "MESSAGE"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &ClusterRow| {
            vec![
                row.cluster.clone(),
                row.connection.clone(),
                if row.indexed { "yes" } else { "no" }.to_owned(),
                row.message.clone().unwrap_or_default(),
            ]
        };
        self.0.iter().map(row).collect()
    }
}
