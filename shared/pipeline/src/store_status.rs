//! Validates the stores that live in clusters and writes their status, which `kubectl wait`, Argo CD and Flux look
//! for.
//!
//! No Secret waits for this: it runs after an index has handed its work over. A store that does not answer is tried
//! again at the next index. All stores of a cluster share [`Settings::share_time`], and a random one starts, so many
//! silent stores delay no other cluster and each store gets its turn. Where the process that indexes may not have
//! the identities of stores ([`Settings::store_status_interval`]), sweeps do this.
//!
//! [`Settings::share_time`]: crate::Settings::share_time
//! [`Settings::store_status_interval`]: crate::Settings::store_status_interval

use crate::index::report::IndexReport;
use crate::parts::StoreStatuses;
use futures::{StreamExt, stream};
use pawl_domain::{Access, ClusterName, Complaint, Rules, Standing, Store, StoreId};
use pawl_ports::{Clock, Clusters, Error, Ports, Put, Sources, StoreStatus, Validity};
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::timeout;
use tracing::warn;

/// How many stores of a cluster are validated at the same time.
const AT_ONCE: usize = 16;
/// How long one store may take; one that takes longer is tried again at the next index.
const PATIENCE: Duration = Duration::from_secs(20);

impl<P: Ports> StoreStatuses<P> {
    /// Validates the stores that an index found in a cluster, and writes to each what is new of it, unless that is left to
    /// sweeps. `report` tells which of them are new or were edited.
    pub(crate) async fn tell_stores(
        &self,
        cluster: &ClusterName,
        stores: &[Store],
        standing: &BTreeMap<StoreId, Standing>,
        report: &IndexReport,
    ) {
        if self.base.settings.store_status_interval.is_some() {
            return;
        }
        let edited: BTreeSet<&str> = report
            .objects
            .iter()
            .filter_map(|(name, put)| matches!(put, Ok(Put::Created | Put::Changed)).then_some(name.as_str()))
            .collect();
        self.tell_those(cluster, stores, standing, &edited).await;
    }

    /// The same, whoever found the stores; `edited` are those that are new or were edited.
    pub(crate) async fn tell_those(
        &self,
        cluster: &ClusterName,
        stores: &[Store],
        standing: &BTreeMap<StoreId, Standing>,
        edited: &BTreeSet<&str>,
    ) {
        let mut found: Vec<_> =
            stores.iter().filter_map(|store| Some((store, standing.get(&store.id)?))).collect();
        if found.is_empty() {
            return;
        }
        let first = rand::rng().random_range(0..found.len());
        found.rotate_left(first);
        let found = in_turns(found);
        let rules = match self.base.rules().await {
            Ok(rules) => rules,
            Err(error) => return warn!("{cluster}: stores are not validated: {error}"),
        };
        let telling = stream::iter(found).for_each_concurrent(AT_ONCE, |(store, standing)| {
            let edited = edited.contains(store.id.to_string().as_str());
            let rules = &rules;
            async move {
                let told = self.tell_store(cluster, store, standing, edited, rules);
                match timeout(PATIENCE, told).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => warn!("{}: its status stays as it is: {error}", store.id),
                    Err(_) => warn!("{}: it was not validated in {PATIENCE:?}", store.id),
                }
            }
        });
        if timeout(self.base.settings.share_time(), telling).await.is_err() {
            warn!(
                "{cluster}: some stores were not validated, for others took too long; the next index goes on"
            );
        }
    }

    async fn tell_store(
        &self,
        cluster: &ClusterName,
        store: &Store,
        standing: &Standing,
        edited: bool,
        rules: &Rules,
    ) -> Result<(), Error> {
        let Some(validity) = self.validity(cluster, store, rules).await else { return Ok(()) };
        let (at, standing) = (self.base.ports.clock().now(), standing.clone());
        let status = StoreStatus { at, standing, validity, edited };
        self.base.ports.clusters().publish_store(&store.id, &status).await
    }

    /// `None` where that cannot be told this moment.
    async fn validity(&self, cluster: &ClusterName, store: &Store, rules: &Rules) -> Option<Validity> {
        let grant = match rules.admit(store, cluster) {
            Ok(grant) => grant,
            Err(refusal) => return Some(Validity::NotAllowed(refusal.rule, refusal.to_string())),
        };
        if store.is_refused_by_manifest() {
            return Some(Validity::Refused("unable to validate".to_owned()));
        }
        let Some(access) = store.own_access(cluster) else { return Some(Validity::Unknown) };
        match self.base.ports.sources().validate(&Access { grant, ..access }).await {
            Ok(()) => Some(Validity::Valid),
            Err(error) if let Complaint::Refused(rule) = error.complaint() => {
                Some(Validity::NotAllowed(rule, error.message().to_owned()))
            }
            // What is down for a moment says nothing of the manifest.
            Err(error) if error.is_retryable() => None,
            Err(error) => Some(Validity::NoClient(error.message().to_owned())),
        }
    }
}

/// One store of each namespace, then the second of each, and so on: many stores of one namespace that do not answer come
/// after the first ones of all others.
fn in_turns<'s>(found: Vec<(&'s Store, &'s Standing)>) -> Vec<(&'s Store, &'s Standing)> {
    let mut had = BTreeMap::new();
    let mut numbered: Vec<_> = found
        .into_iter()
        .map(|one| {
            let turn: &mut usize = had.entry(&one.0.id.namespace).or_default();
            *turn += 1;
            (*turn, one)
        })
        .collect();
    numbered.sort_by_key(|(turn, _)| *turn);
    numbered.into_iter().map(|(_, one)| one).collect()
}
