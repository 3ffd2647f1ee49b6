//! Retries what failed or waits, before anything else, each tenant within its own share.

use super::round::Round;
use crate::base::breaker::Reach;
use crate::base::shares::Tenant;
use crate::parts::Sweep;
use crate::promise::Promise;
use crate::report::Report;
use crate::sweep::found::{Findings, SweepReport};
use futures::stream::FuturesUnordered;
use futures::{StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::record::State;
use pawl_domain::refresh::{due, overdue};
use pawl_domain::{ClusterName, Declaration, DeclarationId, Kind, Outcome, Record, Step};
use pawl_ports::{Error, Ledger, PAGE, Ports, Registry, TargetRef};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// So many targets that are missing are looked for in one sweep.
const LOOKED_FOR: usize = 200;
/// How many of them at the same time.
const AT_ONCE: usize = 16;
/// How many declarations whose promise is broken are named.
const NAMED: usize = 100;

/// What is not settled.
#[derive(Default)]
pub(super) struct Open {
    /// What is due, in ascending order.
    pub(super) due: Vec<DeclarationId>,
    /// Secrets to merge into that did not exist when they were last looked for.
    missing: Vec<Declaration>,
    /// What is being removed, and what nobody declares.
    leaving: Vec<DeclarationId>,
    /// Those of them that are still declared.
    leaving_declared: Vec<Declaration>,
    failing: BTreeSet<DeclarationId>,
    set_aside: BTreeSet<DeclarationId>,
    /// By how much each is overdue.
    late: BTreeMap<DeclarationId, Duration>,
}

impl Open {
    /// Takes note of what became of declarations since.
    pub(super) fn follow(&mut self, report: &Report) {
        for (id, result) in &report.outcomes {
            match result {
                Ok(Outcome::Queued) => {}
                Ok(_) => {
                    self.failing.remove(id);
                    self.late.remove(id);
                }
                Err(_) => drop(self.failing.insert(id.clone())),
            }
        }
    }

    pub(super) fn promise(&self) -> (Promise, Vec<DeclarationId>) {
        let promise = Promise {
            failing: self.failing.len(),
            set_aside: self.set_aside.len(),
            overdue: self.late.len(),
            oldest_overdue: self.late.values().max().copied().unwrap_or_default(),
        };
        (promise, self.late.keys().take(NAMED).cloned().collect())
    }
}

impl<P: Ports> Sweep<P> {
    /// Looks at everything that is not settled, and changes nothing.
    pub(super) async fn open_work(&self, now: Timestamp) -> Result<Open, Error> {
        let (mut open, mut probed) = (Open::default(), BTreeSet::new());
        let mut pages = self.base.ports.ledger().unsettled_pages();
        while let Some(ids) = pages.next().await? {
            let declarations = self.base.ports.registry().declarations(&ids).await?;
            let entries = self.base.ports.ledger().entries_of(&declarations).await?;
            let declared: BTreeSet<_> = declarations.iter().map(|each| each.id.clone()).collect();
            open.leaving.extend(ids.into_iter().filter(|id| !declared.contains(id)));
            for declaration in declarations {
                let Some(entry) = entries.get(&declaration.id) else { continue };
                if entry.record.owed.removed.is_some() {
                    open.leaving.push(declaration.id.clone());
                    open.leaving_declared.push(declaration);
                    continue;
                }
                self.sort_in(declaration, &entry.record, now, &mut open, &mut probed);
            }
        }
        Ok(open)
    }

    fn sort_in(
        &self,
        declaration: Declaration,
        record: &Record,
        now: Timestamp,
        open: &mut Open,
        probed: &mut BTreeSet<ClusterName>,
    ) {
        let id = &declaration.id;
        if matches!(record.state, State::Failed(_)) {
            open.failing.insert(id.clone());
        }
        if record.is_set_aside(&declaration) {
            open.set_aside.insert(id.clone());
        }
        if let Some(late) = overdue(&declaration, record, self.base.settings.sweep_period, now) {
            open.late.insert(id.clone(), late);
        }
        if due(&declaration, Some(record), now) {
            if self.may_be_reached(&id.cluster, record, probed) {
                open.due.push(id.clone());
            }
        } else if matches!(record.state, State::Settled(_)) && open.missing.len() < LOOKED_FOR {
            open.missing.push(declaration);
        }
    }

    /// A cluster that does not answer is asked for one declaration, then for the others.
    fn may_be_reached(
        &self,
        cluster: &ClusterName,
        record: &Record,
        probed: &mut BTreeSet<ClusterName>,
    ) -> bool {
        let State::Failed(failure) = &record.state else { return true };
        if failure.kind != Kind::Unreachable || !matches!(failure.step, Step::Read | Step::Write) {
            return true;
        }
        match self.base.reach_of(cluster) {
            Reach::Open => true,
            Reach::Probe => probed.insert(cluster.clone()),
            Reach::Resting => false,
        }
    }

    /// Deletes what is leaving, delivers what is due, and what waited for a target that has come.
    pub(super) async fn retry(&self, open: &Open, round: &Round) -> SweepReport {
        let mut found = Findings::default();
        let (removed, delivered, come) = futures::join!(
            self.in_time(self.remove_leaving(open)),
            self.deliver_due(open, round.started),
            self.in_time(self.deliver_come(open, round.started)),
        );
        for result in removed.into_iter().chain(delivered).chain(come) {
            match result {
                Ok(report) => found.take(report),
                Err(error) => found.fail("some of what failed or waits", error),
            }
        }
        found.into_report(false)
    }

    async fn remove_leaving(&self, open: &Open) -> Vec<Result<Report, Error>> {
        let mut removed = Vec::new();
        for ids in open.leaving.chunks(PAGE) {
            removed.push(self.remove.sweep_removals(ids, &open.leaving_declared).await);
        }
        removed
    }

    async fn deliver_due(&self, open: &Open, now: Timestamp) -> Vec<Result<Report, Error>> {
        let by_queue = open.due.len() > self.base.settings.inline_targets;
        let mut delivered = Vec::new();
        let page = if by_queue { PAGE } else { open.due.len().max(1) };
        for ids in open.due.chunks(page) {
            match self.base.ports.registry().declarations(ids).await {
                Ok(declarations) if by_queue => {
                    delivered.push(Ok(self.queue.queue_noted(&declarations, now).await));
                }
                Ok(declarations) => delivered.extend(self.deliver_fairly(declarations, now).await),
                Err(error) => delivered.push(Err(error)),
            }
        }
        delivered
    }

    async fn deliver_come(&self, open: &Open, now: Timestamp) -> Vec<Result<Report, Error>> {
        let come = self.that_came(&open.missing).await;
        self.deliver_fairly(come, now).await
    }

    /// What clusters take too long for is left to the next sweep.
    async fn in_time(
        &self,
        work: impl Future<Output = Vec<Result<Report, Error>>>,
    ) -> Vec<Result<Report, Error>> {
        // Boxed, for sweeps nest deeper than compilers like to look.
        tokio::time::timeout(self.base.settings.share_time(), Box::pin(work)).await.unwrap_or_else(|_| {
            let message = "clusters took too long; the next sweep begins again";
            vec![Err(Error::new(Step::Write, Kind::Unreachable, message))]
        })
    }

    /// Delivers declarations side by side: those that read a tenant's own stores in the tenant's share, so that they
    /// hold up nobody else.
    pub(crate) async fn deliver_fairly(
        &self,
        declarations: Vec<Declaration>,
        since: Timestamp,
    ) -> Vec<Result<Report, Error>> {
        let mut groups: BTreeMap<Tenant, Vec<Declaration>> = BTreeMap::new();
        for declaration in declarations {
            groups.entry(tenant_of(&declaration)).or_default().push(declaration);
        }
        let deliveries: FuturesUnordered<_> = groups
            .into_iter()
            .map(async |(tenant, declarations)| {
                let delivery = async {
                    let _share = self.base.memory.shares.take(&tenant, None).await;
                    Box::pin(self.deliver.deliver_all(declarations, since)).await
                };
                tokio::time::timeout(self.base.settings.time_of(&tenant), delivery).await.unwrap_or_else(
                    |_| {
                        let message = "deliveries took too long; they are tried again by the next sweep";
                        Err(Error::new(Step::Fetch, Kind::Unreachable, message))
                    },
                )
            })
            .collect();
        deliveries.collect().await
    }

    /// Those of these whose target exists by now.
    async fn that_came(&self, missing: &[Declaration]) -> Vec<Declaration> {
        let looks: Vec<_> = missing
            .iter()
            .map(async |each| {
                let standing = self.base.read_target(TargetRef::of(each)).await;
                matches!(standing, Ok(Some(_))).then(|| each.clone())
            })
            .collect();
        let found: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        found.into_iter().flatten().collect()
    }
}

fn tenant_of(declaration: &Declaration) -> Tenant {
    let own = declaration.reads.iter().any(|read| read.store.namespace.is_some());
    let id = &declaration.id;
    (own.then(|| id.cluster.clone()), own.then(|| id.namespace.clone()))
}
