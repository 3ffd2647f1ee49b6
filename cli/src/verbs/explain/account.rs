//! Why a declaration is as it is, in rows that a person can read.

use crate::output::Table;
use pawl_domain::record::State;
use pawl_domain::{Record, Store};
use pawl_pipeline::explain::Account;
use serde::Serialize;
use std::collections::BTreeMap;

/// One line for each thing that is known.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Shown(Vec<Row>);

#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    is: String,
}

impl Table for Shown {
    const HEADINGS: &'static [&'static str] = &["WHAT", "IS"];

    fn rows(&self) -> Vec<Vec<String>> {
        self.0.iter().map(|row| vec![row.what.to_owned(), row.is.clone()]).collect()
    }
}

/// What is known of a declaration, the answer first.
pub(super) fn shown(account: &Account) -> Shown {
    let declaration = &account.declaration;
    let mut rows = Vec::new();
    let mut row = |what, is: String| rows.push(Row { what, is });
    row("declaration", declaration.id.to_string());
    row("state", state(account.record.as_ref()));
    for reason in held_back(account) {
        row("held back", reason);
    }
    row("next attempt", next(account));
    if let Some(record) = &account.record {
        row("last attempt", format!("{:.0}", record.at));
        if let Some(since) = record.open_since() {
            row("open since", format!("{since:.0}"));
        }
        for former in &record.owed.targets {
            row("owed", format!("{} is still to be deleted", former.name));
        }
        row("last known right", record.refreshed.map_or("never".to_owned(), |at| format!("{at:.0}")));
        for (read, versions) in declaration.reads.iter().zip(&record.versions) {
            let version = versions.one().map_or("no single version".to_owned(), |version| version.id.clone());
            row("version written", format!("{}: {version}", read.path));
        }
        if let Some(target) = &record.target {
            let version = target.resource_version.as_deref();
            let seen = version.map_or("it is looked at before the next write".to_owned(), |version| {
                format!("resourceVersion {version}")
            });
            row("target as written", format!("{}: {seen}", target.name));
        }
    }
    row("target", format!("{} in cluster {}", declaration.target.name, declaration.id.cluster));
    for (id, store) in &account.stores {
        row("store", store.as_ref().map_or(format!("{id}: not registered"), known));
    }
    for key in &account.keys {
        row("found by changes of", key.as_str().to_owned());
    }
    Shown(rows)
}

fn known(store: &Store) -> String {
    format!("{}: {}", store.id, store.location())
}

fn state(record: Option<&Record>) -> String {
    match record.map(|record| &record.state) {
        None => "never tried".to_owned(),
        Some(State::Settled(outcome)) => outcome.to_string(),
        Some(State::Pending) => {
            "waits: its delivery is in the job queue, or the next sweep makes it".to_owned()
        }
        Some(State::Failed(failure)) => {
            format!("failed ({}), attempt {}: {}", failure.code(), failure.attempts, failure.message)
        }
    }
}

fn next(account: &Account) -> String {
    match account.next {
        Some(at) if at <= account.now => "at the next sweep".to_owned(),
        Some(at) => format!("at the first sweep from {at:.0} on, or when a change comes"),
        None => "only when a change comes, the manifest is edited, or pawl sync is asked for it".to_owned(),
    }
}

/// Everything for which it may stay as it is.
fn held_back(account: &Account) -> Vec<String> {
    let declaration = &account.declaration;
    let mut reasons = Vec::new();
    if !account.cluster_known {
        reasons.push(format!(
            "cluster {} is not registered; apply a Cluster of this name",
            declaration.id.cluster
        ));
    }
    for (id, store) in &account.stores {
        match store {
            None => reasons.push(format!("{id} is not registered; apply it, or correct secretStoreRef")),
            // Which labels a namespace has, only its cluster knows.
            Some(store) if store.needs_namespace_labels() => {}
            Some(store) => {
                if let Ok(false) = store.allows(&declaration.id.namespace, &BTreeMap::new()) {
                    let namespace = &declaration.id.namespace;
                    reasons.push(format!("the conditions of {id} do not admit namespace {namespace}"));
                }
            }
        }
    }
    if declaration.refresh.reads_once() {
        reasons.push("its refreshPolicy or a refreshInterval of zero says to read once".to_owned());
    }
    if !declaration.refresh.is_let_run(account.now) {
        reasons.push("its syncWindows are closed now; changes are made good when they open".to_owned());
    }
    let edited = account.record.as_ref().is_some_and(|record| record.declaration != declaration.digest());
    if edited {
        reasons.push("its manifest changed after the last attempt, which was of the one before".to_owned());
    }
    reasons
}
