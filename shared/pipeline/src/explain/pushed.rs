//! Why a PushSecret is as it is, from what registry and ledger know: no store and no cluster is asked.

use super::told::Fact;
use crate::parts::Explain;
use jiff::Timestamp;
use pawl_domain::push::{ByNameOrLabels, PushDeletion, PushSource, PushedEntry, Standing};
use pawl_domain::{DeclarationId, PushRecord, PushSecret, Store, StoreId};
use pawl_ports::{Clock, Error, Ports, Pushes, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What registry and ledger know of one PushSecret.
#[derive(Clone, Debug)]
pub struct PushAccount {
    /// The PushSecret.
    pub push: PushSecret,
    /// Whether its cluster is registered.
    pub cluster_known: bool,
    /// The stores that it names, and those that it pushed to; `None` for one that is not registered.
    pub stores: BTreeMap<StoreId, Option<Store>>,
    /// What was done last; `None` before its first run.
    pub record: Option<PushRecord>,
    /// When this was asked.
    pub now: Timestamp,
}

impl<P: Ports> Explain<P> {
    pub(crate) async fn push_account(&self, id: &DeclarationId) -> Result<Option<PushAccount>, Error> {
        let registry = self.base.ports.registry();
        let Some(push) = registry.push(id).await? else { return Ok(None) };
        let record = registry.push_record(id).await?.map(|(record, _)| record);
        let pushed = record.iter().flat_map(|record| &record.entries).map(|entry| entry.store.clone());
        let named: BTreeSet<StoreId> = push.named_stores().chain(pushed).collect();
        let mut stores: BTreeMap<_, _> = named.iter().map(|id| (id.clone(), None)).collect();
        for store in registry.stores(&named).await? {
            stores.insert(store.id.clone(), Some(store));
        }
        let cluster_known = registry.clusters().await?.iter().any(|cluster| cluster.name == id.cluster);
        let now = self.base.ports.clock().now();
        Ok(Some(PushAccount { push, cluster_known, stores, record, now }))
    }
}

impl PushAccount {
    /// What is known of it, the answer first.
    pub fn told(&self) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut row = |what, is: String| facts.push(Fact { what, is });
        row("PushSecret", self.push.id.to_string());
        row("answer", self.answer());
        row("next attempt", self.next());
        if let Some(record) = &self.record {
            row("last attempt", format!("{:.0}", record.at));
            let refreshed = record.refreshed.map_or("never".to_owned(), |at| format!("{at:.0}"));
            row("last known right", refreshed);
        }
        row("source", self.source());
        for (id, store) in &self.stores {
            let at = store.as_ref().map_or("not registered".to_owned(), |store| store.location().to_string());
            row("store", format!("{id}: {at}"));
        }
        for entry in self.record.iter().flat_map(|record| &record.entries) {
            if entry.stands {
                row("pushed", pushed(entry));
            }
            match &entry.failure {
                Some(failure) => {
                    let (code, message) = (failure.code(), &failure.message);
                    row("owed", format!("{}: {}: failed ({code}): {message}", entry.store, entry.data.to));
                }
                None if !entry.stands => {
                    let what = "a run may have left it there; the next look tells";
                    row("owed", format!("{}: {}: {what}", entry.store, entry.data.to));
                }
                None => {}
            }
        }
        facts
    }

    /// The one sentence that says why it is as it is: the first reason that has to be out of the way.
    pub fn answer(&self) -> String {
        let push = &self.push;
        if !self.cluster_known {
            return format!("cluster {} is not registered: apply a Cluster of this name", push.id.cluster);
        }
        let record = self.record.as_ref();
        if let Some(Standing::Failed(failure)) = record.map(|record| &record.state) {
            let times = match failure.attempts {
                1 => "once".to_owned(),
                attempts => format!("{attempts} times"),
            };
            let what = if push.deleting { "it is on its way out, and that failed" } else { "it failed" };
            let (code, message) = (failure.code(), &failure.message);
            return format!("{what} {times} in a row ({code}): {message}; {}", self.next());
        }
        if push.deleting {
            return format!("it is on its way out; {}", self.next());
        }
        if let Some((id, _)) = self.stores.iter().find(|(_, store)| store.is_none()) {
            return format!("{id} is not registered: apply it, or correct secretStoreRefs");
        }
        let Some(record) = record else { return format!("it was never carried out; {}", self.next()) };
        if record.declared != pawl_documents::digest(push) && record.state != Standing::Pending {
            return format!("it was edited, and that is not carried out yet; {}", self.next());
        }
        match &record.state {
            Standing::Pending => {
                "a run of it was begun and is not known to have ended; the next pass looks again".to_owned()
            }
            Standing::SourceGone => format!(
                "its source is gone, and what was pushed of it was removed, as deletionPolicy Delete says; {}",
                self.next()
            ),
            Standing::Done | Standing::Failed(_) => {
                format!("the stores hold what it declares, as far as is known; {}", self.next())
            }
        }
    }

    /// When it is carried out next of its own accord.
    fn next(&self) -> String {
        let in_time = "the next pass carries it out, where PAWL_PUSH is true".to_owned();
        let Some(record) = &self.record else { return in_time };
        if self.push.is_due(&pawl_documents::digest(&self.push), Some(record), self.now) {
            return in_time;
        }
        if let Some(at) = record.retry_at() {
            return format!("it is tried again at {at:.0}");
        }
        if self.push.interval == Duration::ZERO {
            return "it is carried out again when it is edited or its source changes, for refreshInterval is zero"
                .to_owned();
        }
        let at = record.refreshed.unwrap_or(record.at).saturating_add(self.push.interval);
        let at = at.map_or("a later time".to_owned(), |at| format!("{at:.0}"));
        format!("its stores are asked again at {at}, and earlier when its source changes")
    }

    fn source(&self) -> String {
        let namespace = &self.push.id.namespace;
        let PushSource::Secret(choice) = &self.push.source;
        let chosen = match choice {
            ByNameOrLabels::Name(name) => format!("Secret {namespace}/{name}"),
            ByNameOrLabels::Labels(_) => {
                format!("the Secrets of {namespace} that its label selector chooses")
            }
        };
        let deletes = match self.push.deletion {
            PushDeletion::Delete => "what is not pushed any more is removed",
            PushDeletion::None => "what was pushed stays",
        };
        format!("{chosen} in cluster {}; {deletes}", self.push.id.cluster)
    }
}

fn pushed(entry: &PushedEntry) -> String {
    let version = entry.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
    let at = entry.at.map_or("found there".to_owned(), |at| format!("written {at:.0}"));
    format!("{}: {}: {at}{version}", entry.store, entry.data.to)
}
