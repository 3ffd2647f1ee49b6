//! The polling fallback that keeps `refreshInterval` as a promise, even if every event is lost.
//!
//! Stores are swept, not secrets: what changed in a store since the last sweep is one bulk question, and only keys
//! whose version differs from what the ledger says was written are fetched. Declarations that failed or wait are
//! taken along, and now and then the Secrets in the clusters are compared with what was left there.

use crate::error::Error;
use crate::fetch::{accesses, wanted};
use crate::pipeline::{Pipeline, Stores};
use crate::ports::{
    Clock, Entry, Ledger, Listed, Listing, Ports, Registry, Scope, Sources, SweptStore, Wanted,
};
use crate::promise::Promise;
use crate::report::Report;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::record::State;
use pawl_domain::refresh::due;
use pawl_domain::{
    Access, Declaration, DeclarationId, IndexKey, Kind, Outcome, Query, Record, Remote, Store,
    VersionSelector,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tracing::{info, instrument, warn};

/// How many declarations are loaded at a time.
pub(crate) const PAGE: usize = 500;
/// How many listed keys are looked up at a time.
const LISTED: usize = 200;

/// What a sweep found and did.
#[derive(Debug, Default)]
pub struct SweepReport {
    /// How many identities had their stores listed.
    pub listed: usize,
    /// How many were not due yet.
    pub rested: usize,
    /// Stores and clusters that could not be listed, with why. Until they can be, what they hold may be staler than
    /// its `refreshInterval` and one sweep period: the promise is broken.
    pub failed: Vec<(String, Error)>,
    /// What became of the declarations that had something to do.
    pub report: Report,
    /// How many declarations are failing or overdue when the sweep ends.
    pub promise: Promise,
}

impl<P: Ports> Pipeline<P> {
    /// Sweeps every store that is due, then everything that is not settled, then the clusters that are due for a
    /// look. `all` sweeps what is not due as well.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked. What was swept stays swept; the next sweep does the rest.
    #[instrument(skip_all)]
    pub async fn sweep(&self, all: bool) -> Result<SweepReport, Error> {
        let mut swept = SweepReport::default();
        for (access, group) in self.groups().await? {
            Box::pin(self.sweep_access(&access, &group, all, &mut swept)).await?;
        }
        self.sweep_unsettled(&mut swept).await?;
        self.sweep_drift(all, &mut swept).await?;
        info!(
            listed = swept.listed,
            rested = swept.rested,
            stores_failed = swept.failed.len(),
            written = swept.report.count(Outcome::Written),
            queued = swept.report.count(Outcome::Queued),
            failed = swept.report.failures().count(),
            "swept"
        );
        Ok(swept)
    }

    /// The identities to list with, each with its stores and the shortest interval among them.
    async fn groups(&self) -> Result<BTreeMap<Access, Group>, Error> {
        let mut groups: BTreeMap<Access, Group> = BTreeMap::new();
        for SweptStore { store, interval } in self.ports.registry().swept_stores().await? {
            let Some(interval) = interval else { continue };
            for access in self.accesses_of(&store).await? {
                let group = groups.entry(access).or_insert_with(|| Group { interval, stores: Vec::new() });
                group.interval = group.interval.min(interval);
                group.stores.push(store.clone());
            }
        }
        Ok(groups)
    }

    /// The identities that read a store: one, unless they depend on who reads.
    async fn accesses_of(&self, store: &Store) -> Result<BTreeSet<Access>, Error> {
        let scope = Scope::Store(store.id.clone());
        let first = self.ports.registry().page(&scope, None, 1).await?;
        let found = accesses(&first, store);
        if found.iter().all(|access| access.cluster.is_none() && access.tags.is_none()) {
            return Ok(found);
        }
        let mut found = BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.ports.registry().page(&scope, after.as_ref(), PAGE).await?;
            found.extend(accesses(&page, store));
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id.clone()),
                _ => return Ok(found),
            }
        }
    }

    async fn sweep_access(
        &self,
        access: &Access,
        group: &Group,
        all: bool,
        swept: &mut SweepReport,
    ) -> Result<(), Error> {
        let started = self.ports.clock().now();
        let name = mark_name(access);
        let mark = self.ports.ledger().mark(&name).await?;
        if !all && mark.is_some_and(|mark| !passed(mark, group.interval, started)) {
            swept.rested += 1;
            return Ok(());
        }
        let since = mark.map(|mark| before(mark, self.settings.sweep_overlap));
        match self.ports.sources().changed_since(access, since).await {
            Ok(Listing { keys: listed, .. }) => {
                let store = &group.stores[0];
                for chunk in listed.chunks(LISTED) {
                    self.sweep_listed(access, store, chunk, started, swept).await?;
                }
                self.sweep_searches(access, store, &listed, started, swept).await?;
            }
            Err(error) if error.kind == Kind::Denied => {
                for store in &group.stores {
                    self.sweep_described(access, store, started, swept).await?;
                }
            }
            Err(error) => {
                let store = &group.stores[0].id;
                metrics::counter!("pawl_sweeps_failed_total").increment(1);
                warn!(
                    "{store} is not swept, its declarations may be staler than their refreshInterval: {error}"
                );
                swept.failed.push((group.stores[0].id.to_string(), error));
                return Ok(());
            }
        }
        self.sweep_templates(access, &group.stores[0], started, swept).await?;
        swept.listed += 1;
        self.ports.ledger().set_mark(&name, started).await
    }

    /// Looks the listed keys up and delivers the declarations that were written with another version.
    async fn sweep_listed(
        &self,
        access: &Access,
        store: &Store,
        listed: &[Listed],
        started: Timestamp,
        swept: &mut SweepReport,
    ) -> Result<(), Error> {
        let location = store.location();
        let mut versions = BTreeMap::new();
        for each in listed {
            for key in each.names.iter().flat_map(|name| location.index_keys(name)) {
                versions.insert(key, each);
            }
        }
        let keys: BTreeSet<IndexKey> = versions.keys().cloned().collect();
        let candidates = self.ports.registry().candidates(&keys).await?;
        for ids in candidates.chunks(PAGE) {
            let declarations = self.ports.registry().declarations(ids).await?;
            let stores = self.stores_of(&declarations).await?;
            let outdated = |declaration: &Declaration, record: Option<&Record>| {
                let reads = with_access(declaration, &stores, access);
                reads.into_iter().any(|(position, store)| {
                    let read = &declaration.reads[position];
                    let Query::Key(remote) = &read.query else { return false };
                    let mut keys = store.index_keys(&read.query).into_iter();
                    keys.find_map(|key| versions.get(&key))
                        .is_some_and(|listed| differs(listed, remote, store, record, position))
                })
            };
            self.deliver_outdated(declarations, outdated, started, swept).await?;
        }
        Ok(())
    }

    /// Without the right to list: asks for the version of each declared key.
    async fn sweep_described(
        &self,
        access: &Access,
        store: &Store,
        started: Timestamp,
        swept: &mut SweepReport,
    ) -> Result<(), Error> {
        let scope = Scope::Store(store.id.clone());
        let mut after = None;
        loop {
            let page = self.ports.registry().page(&scope, after.as_ref(), PAGE).await?;
            after = page.last().filter(|_| page.len() == PAGE).map(|last| last.id.clone());
            let stores = self.stores_of(&page).await?;
            let want = |read: &pawl_domain::Read, store: &Store| Some(wanted(read.remote()?, store));
            let asked: BTreeSet<Wanted> = page
                .iter()
                .flat_map(|each| {
                    let reads = with_access(each, &stores, access);
                    reads.into_iter().filter_map(|(position, store)| want(&each.reads[position], store))
                })
                .filter(|wanted| !matches!(wanted.selector, VersionSelector::Id(_)))
                .collect();
            let asked: Vec<Wanted> = asked.into_iter().collect();
            let answers = self.ports.sources().versions(access, &asked).await;
            let versions: BTreeMap<Wanted, Option<String>> = asked
                .into_iter()
                .zip(answers)
                .filter_map(|(wanted, answer)| match answer {
                    Ok(version) => Some((wanted, Some(version.id))),
                    Err(error) if error.kind == Kind::NotFound => Some((wanted, None)),
                    Err(error) => {
                        warn!("{}: its version is not known: {error}", wanted.key);
                        None
                    }
                })
                .collect();
            let outdated = |declaration: &Declaration, record: Option<&Record>| {
                let reads = with_access(declaration, &stores, access);
                reads.into_iter().any(|(position, store)| {
                    // Nobody says what a search would find, so it is made whenever its interval has passed.
                    let Some(want) = want(&declaration.reads[position], store) else {
                        return due(declaration, record, started);
                    };
                    let version = versions.get(&want);
                    version.is_some_and(|version| written(record, position) != version.as_deref())
                })
            };
            self.deliver_outdated(page, outdated, started, swept).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Delivers those of these declarations whose record is outdated, or that have none and are due; those that a sync
    /// window holds back are kept for later.
    pub(crate) async fn deliver_outdated(
        &self,
        declarations: Vec<Declaration>,
        outdated: impl Fn(&Declaration, Option<&Record>) -> bool,
        started: Timestamp,
        swept: &mut SweepReport,
    ) -> Result<(), Error> {
        let entries = self.entries_of(&declarations).await?;
        let wanting = declarations.into_iter().filter(|each| {
            let record = entries.get(&each.id).map(|entry| &entry.record);
            // What failed is as outdated as before, and has its own pauses.
            let failed = record.is_some_and(|record| matches!(record.state, State::Failed(_)));
            !each.refresh.reads_once() && outdated(each, record) && (!failed || due(each, record, started))
        });
        let wanting = self.let_run(wanting.collect(), started, |_, _| false).await?;
        self.deliver_or_queue(wanting, started, swept).await
    }

    /// Delivers what failed, waits or was never written, as far as it is due.
    async fn sweep_unsettled(&self, swept: &mut SweepReport) -> Result<(), Error> {
        let mut after = None;
        loop {
            let started = self.ports.clock().now();
            let ids = self.ports.ledger().unsettled(after.as_ref(), PAGE).await?;
            after = ids.last().filter(|_| ids.len() == PAGE).cloned();
            let declarations = self.ports.registry().declarations(&ids).await?;
            let entries = self.entries_of(&declarations).await?;
            let wanting = declarations
                .into_iter()
                .filter(|each| due(each, entries.get(&each.id).map(|entry| &entry.record), started));
            self.deliver_or_queue(wanting.collect(), started, swept).await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Within this call up to `inline_targets`, by the job queue beyond that.
    pub(crate) async fn deliver_or_queue(
        &self,
        declarations: Vec<Declaration>,
        started: Timestamp,
        swept: &mut SweepReport,
    ) -> Result<(), Error> {
        let report = if declarations.len() <= self.settings.inline_targets {
            // Boxed, for sweeps nest deeper than compilers like to look.
            Box::pin(self.deliver_all(declarations, None, started)).await?
        } else {
            let ids: Vec<_> = declarations.into_iter().map(|each| each.id).collect();
            self.enqueue(&ids, None, started).await
        };
        swept.report.extend(report);
        Ok(())
    }

    pub(crate) async fn entries_of(
        &self,
        declarations: &[Declaration],
    ) -> Result<BTreeMap<DeclarationId, Entry>, Error> {
        let ids: Vec<_> = declarations.iter().map(|each| each.id.clone()).collect();
        let entries = self.ports.ledger().entries(&ids).await?;
        Ok(entries.into_iter().map(|entry| (entry.id.clone(), entry)).collect())
    }
}

struct Group {
    interval: Duration,
    stores: Vec<Store>,
}

/// The reads of a declaration that are made with this identity, by position, with their stores.
pub(crate) fn with_access<'a>(
    declaration: &Declaration,
    stores: &'a Stores,
    access: &Access,
) -> Vec<(usize, &'a Store)> {
    let of_read = |(position, read): (usize, &pawl_domain::Read)| {
        let store = stores.get(&read.store)?;
        let same = store.access(&declaration.id.cluster, &declaration.id.namespace) == *access;
        same.then_some((position, store))
    };
    declaration.reads.iter().enumerate().filter_map(of_read).collect()
}

/// Whether a listing tells of another version than the one written. Neither a label's version nor that of metadata is
/// in the listing, so a change after the last refresh counts; a version by id only comes and goes with its key.
fn differs(
    listed: &Listed,
    remote: &Remote,
    store: &Store,
    record: Option<&Record>,
    position: usize,
) -> bool {
    match remote.selector(store) {
        _ if remote.metadata => changed_after(listed, record),
        VersionSelector::Current => written(record, position) != listed.version.as_deref(),
        VersionSelector::Label(_) => changed_after(listed, record),
        VersionSelector::Id(_) => written(record, position).is_some() != listed.version.is_some(),
    }
}

/// Whether a listed key changed after the declaration was last refreshed, or may have.
fn changed_after(listed: &Listed, record: Option<&Record>) -> bool {
    let refreshed = record.and_then(|record| record.refreshed);
    listed.changed.is_none() || listed.changed > refreshed
}

fn written(record: Option<&Record>, position: usize) -> Option<&str> {
    Some(record?.versions.get(position)?.one()?.id.as_str())
}

/// Marks are kept under a hash: an identity is long, and none of a mark reader's business.
fn mark_name(access: &Access) -> String {
    format!("sweep/{}", pawl_domain::hash::of_text(&format!("{access:?}")))
}

pub(crate) fn passed(since: Timestamp, pause: Duration, now: Timestamp) -> bool {
    SignedDuration::try_from(pause).is_ok_and(|pause| now.duration_since(since) >= pause)
}

pub(crate) fn before(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}
