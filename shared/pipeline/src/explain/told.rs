//! Why a declaration is as it is, in rows that a person can read: what `pawl explain` and the console say.

use super::Account;
use super::answer::{answer, next};
use super::witness::{KeyNow, ReadNow, Standing, Witness};
use pawl_domain::declaration::SyncWindow;
use pawl_domain::record::State;
use pawl_domain::{Access, Declaration, Read, Record, Store, StoreId, Version};
use std::collections::BTreeMap;

/// One thing that is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fact {
    /// What it says something about. Several facts may be about the same.
    pub what: &'static str,
    /// What is so.
    pub is: String,
}

/// What is known of a declaration, the answer first.
pub fn told(account: &Account, witness: &Witness) -> Vec<Fact> {
    let declaration = &account.declaration;
    let mut facts = Facts::default();
    facts.row("declaration", declaration.id.to_string());
    facts.row("answer", answer(account, witness));
    facts.row("state", state(account.record.as_ref()));
    for reason in held_back(account, witness) {
        facts.row("held back", reason);
    }
    facts.row("next attempt", next(account));
    if let Some(record) = &account.record {
        tell_record(&mut facts, record);
    }
    tell_target(&mut facts, declaration, account.record.as_ref(), witness);
    for (position, read) in declaration.reads.iter().enumerate() {
        let written = account.record.as_ref().and_then(|record| record.versions.get(position));
        let version = written.and_then(|versions| versions.one()).map(|version| version.id.as_str());
        match witness.reads.get(position) {
            Some(now) if !now.keys.is_empty() => tell_keys(&mut facts, &read.path, now),
            _ if written.is_some() => {
                facts.row(
                    "version written",
                    format!("{}: {}", read.path, version.unwrap_or("no single version")),
                );
            }
            _ => {}
        }
    }
    for (id, store) in &account.stores {
        facts.row("store", store.as_ref().map_or(format!("{id}: not registered"), known));
        for identity in identities(id, declaration, witness) {
            facts.row("read as", identity);
        }
    }
    for key in &account.keys {
        facts.row("found by changes of", key.as_str());
    }
    facts.0
}

#[derive(Default)]
struct Facts(Vec<Fact>);

impl Facts {
    fn row(&mut self, what: &'static str, is: impl Into<String>) {
        self.0.push(Fact { what, is: is.into() });
    }
}

fn tell_record(facts: &mut Facts, record: &Record) {
    facts.row("last attempt", format!("{:.0}", record.at));
    if let Some(since) = record.open_since() {
        facts.row("open since", format!("{since:.0}"));
    }
    if let Some(until) = record.not_before {
        facts.row("not before", format!("{until:.0}"));
    }
    for change in &record.owed.changes {
        let version = change.version.as_deref().unwrap_or("an unnamed version");
        facts.row("owed", format!("{version} of {} is still to be seen in the store", change.key()));
    }
    for former in &record.owed.targets {
        facts.row("owed", format!("{} is still to be deleted", former.name));
    }
    if record.owed.target {
        facts.row("owed", "its target was deleted, and is made again when its stores have something");
    }
    if record.owed.removed.is_some() {
        facts.row("owed", "its removal");
    }
    facts.row("last known right", record.refreshed.map_or("never".to_owned(), |at| format!("{at:.0}")));
}

fn tell_target(facts: &mut Facts, declaration: &Declaration, record: Option<&Record>, witness: &Witness) {
    let kind = declaration.target.generic().map_or("Secret".to_owned(), ToString::to_string);
    facts.row("target", format!("{kind} {} in cluster {}", declaration.target.name, declaration.id.cluster));
    if let Some(target) = record.and_then(|record| record.target.as_ref()) {
        let version = target.resource_version.as_deref();
        let seen = version.map_or("it is looked at before the next write".to_owned(), |version| {
            format!("resourceVersion {version}")
        });
        facts.row("target as written", format!("{}: {seen}", target.name));
    }
    match &witness.target {
        None => {}
        Some(Err(error)) => facts.row("target as it stands", format!("unknown: {error}")),
        Some(Ok(None)) => facts.row("target as it stands", "it does not exist"),
        Some(Ok(Some(standing))) => facts.row("target as it stands", stands(standing)),
    }
}

fn stands(standing: &Standing) -> String {
    let mut parts = vec![format!("resourceVersion {}", standing.resource_version)];
    parts.extend(
        standing
            .is_as_left
            .map(|left| if left { "as it was left" } else { "another than was left" }.to_owned()),
    );
    if !standing.is_managed {
        parts.push("without the managed label".to_owned());
    } else if !standing.is_as_written {
        parts.push("its data were changed by somebody else".to_owned());
    }
    parts.extend(standing.owner.as_ref().map(|owner| format!("owned by {owner}")));
    parts.push(match standing.keys.is_empty() {
        true => "no keys".to_owned(),
        false => format!("keys {}", standing.keys.join(", ")),
    });
    parts.join("; ")
}

fn tell_keys(facts: &mut Facts, path: &str, now: &ReadNow) {
    for key in &now.keys {
        facts.row("version", format!("{path}: {}: {}", key.key, versions(key)));
    }
    if now.unasked > 0 {
        facts.row("version", format!("{path}: {} more keys were not asked for", now.unasked));
    }
}

fn versions(key: &KeyNow) -> String {
    let id = |version: Option<&Version>| version.map_or("nothing".to_owned(), |version| version.id.clone());
    let written = id(key.written.as_ref());
    match &key.given {
        Ok(given) if key.is_stale() => {
            format!("{written} is written, the store gives out {}", id(given.as_ref()))
        }
        Ok(_) => format!("{written}, as the store gives it out"),
        Err(error) => format!("{written} is written, the store does not tell: {error}"),
    }
}

fn known(store: &Store) -> String {
    format!("{}: {}", store.id, store.location())
}

/// With which identities a store is read, each once.
fn identities(store: &StoreId, declaration: &Declaration, witness: &Witness) -> Vec<String> {
    let of_store = declaration.reads.iter().zip(&witness.reads).filter(|(read, _)| read.store == *store);
    let mut found: Vec<String> = of_store
        .filter_map(|(_, now)| now.permit.as_ref().ok())
        .map(|permit| {
            let terms = permit.terms().replace('\n', ", ");
            let terms = if terms.is_empty() { String::new() } else { format!("; policies grant: {terms}") };
            format!("{store}: {}{terms}", identity(&permit.access))
        })
        .collect();
    found.dedup();
    found
}

fn identity(access: &Access) -> String {
    let cluster = access.cluster.as_ref().map(|cluster| format!(" of cluster {cluster}")).unwrap_or_default();
    let mut told = match &access.namespace {
        Some(namespace) => format!("with credentials in namespace {namespace}{cluster}"),
        None => "with credentials that all clusters share".to_owned(),
    };
    if let Some((namespace, _)) = &access.tags {
        told.push_str(&format!(", in a session of its own for namespace {namespace}{cluster}"));
    }
    told
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

/// Everything for which it may stay as it is.
fn held_back(account: &Account, witness: &Witness) -> Vec<String> {
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
    let registered = |read: &Read| matches!(account.stores.get(&read.store), Some(Some(_)));
    let made = declaration.reads.iter().zip(&witness.reads).filter(|(read, _)| registered(read));
    reasons.extend(made.filter_map(|(_, now)| now.permit.as_ref().err().map(ToString::to_string)));
    if declaration.refresh.reads_once() {
        reasons.push("its refreshPolicy or a refreshInterval of zero says to read once".to_owned());
    }
    if !declaration.refresh.is_let_run(account.now) {
        reasons.push(format!(
            "its syncWindows are closed now ({}); changes are made good when they open",
            windows(declaration)
        ));
    }
    let edited = account.record.as_ref().is_some_and(|record| record.declaration != declaration.digest());
    if edited {
        reasons.push("its manifest changed after the last attempt, which was of the one before".to_owned());
    }
    reasons
}

/// Its sync windows, as the manifest has them.
fn windows(declaration: &Declaration) -> String {
    let Some(windows) = &declaration.refresh.windows else { return String::new() };
    let window =
        |window: &SyncWindow| format!("{} for {} min", window.schedule, window.duration.as_secs() / 60);
    let shown: Vec<_> = windows.windows.iter().map(window).collect();
    format!("{:?} {}", windows.kind, shown.join(", "))
}
