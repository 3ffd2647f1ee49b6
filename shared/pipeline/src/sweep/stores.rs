//! Visits the stores of one identity.

use super::groups::Group;
use super::round::Round;
use super::visit::{Visit, with_access};
use crate::base::marks::before;
use crate::base::shares::{Tenant, host, tenant};
use crate::parts::Sweep;
use crate::sweep::found::{Findings, SweepReport};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use pawl_documents::mark_name;
use pawl_domain::provider::{Capabilities, Changes, Place};
use pawl_domain::refresh::{due, passed};
use pawl_domain::{Access, Declaration, Kind, Step};
use pawl_ports::{Clock, Error, Listing, Ports, Registry, Scope, Sources};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How often all keys are compared with the list of all secrets, where a key that is not listed any more empties or
/// deletes no target. A list of 10,000 secrets is 100 calls: once a day that is 0.015 USD a month, at each
/// `refreshInterval` of an hour it would be 0.36 USD, of a minute 21.60 USD.
const WHOLE_LIST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a visit waits for a place among those of its tenant. More silent stores than places hold up that tenant's own
/// visits, but no pass, and so nobody else's.
const PATIENCE: Duration = Duration::from_secs(5);

/// At which of so many identities a pass begins: each pass elsewhere, so that what found no place in one finds it in another.
/// The second is mixed (the finalizer of SplitMix64), for any steady step through the identities meets the same few of them
/// at some interval between passes.
fn begins_at(started: Timestamp, identities: usize) -> usize {
    let mut mixed = started.as_second().cast_unsigned();
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
        mixed = (mixed ^ (mixed >> shift)).wrapping_mul(factor);
    }
    mixed ^= mixed >> 31;
    let place = (u128::from(mixed) * identities as u128) >> 64;
    // Less than `identities`.
    usize::try_from(place).unwrap_or_default()
}

fn took_too_long(store: &str) -> Error {
    let message = format!("{store} took too long; a later sweep begins with it again");
    Error::new(Step::Fetch, Kind::Unreachable, message)
}

/// Whose share a visit takes: of those whose credentials prove the identity, or of the namespace that all its stores are of.
fn counted_for(access: &Access, group: &Group) -> Tenant {
    let proved = tenant(access);
    let mut namespaces = group.stores.iter().map(|store| store.id.namespace.as_ref());
    let first = namespaces.next().flatten();
    if proved == (None, None) && namespaces.all(|namespace| namespace == first) {
        return (None, first.cloned());
    }
    proved
}

impl<P: Ports> Sweep<P> {
    pub(super) async fn sweep_stores(&self, groups: &BTreeMap<Access, Group>, round: &Round) -> SweepReport {
        let first = begins_at(round.started, groups.len());
        let turned = groups.iter().skip(first).chain(groups.iter().take(first));
        let visits: FuturesUnordered<_> =
            turned.map(|(access, group)| self.visit(access, group, round)).collect();
        let mut swept = SweepReport::default();
        let mut visits = visits;
        while let Some(one) = visits.next().await {
            swept.absorb(one);
        }
        swept
    }

    pub(super) async fn visit(&self, access: &Access, group: &Group, round: &Round) -> SweepReport {
        let rested = SweepReport { rested: 1, ..SweepReport::default() };
        let name = mark_name("sweep", access);
        let Some(_visiting) = self.base.memory.marks.begin(&name) else { return rested };
        let mut found = Findings::default();
        let store = group.stores[0].id.to_string();
        let mark = match self
            .base
            .memory
            .marks
            .of(self.base.ports.ledger(), &name, group.interval, round.started)
            .await
        {
            Ok(mark) => mark,
            Err(error) => {
                found.fail(&store, error);
                return found.into_report(true);
            }
        };
        if !round.all && mark.is_some_and(|mark| !passed(mark, group.interval, round.started)) {
            return rested;
        }
        let wait = if round.all { round.ends } else { round.ends.min(Instant::now() + PATIENCE) };
        let (of, at) = (counted_for(access, group), host(access));
        let Ok(_share) = timeout_at(wait, self.base.memory.shares.take(&of, Some(&at))).await else {
            // Its mark stays, so a later pass makes the visit, and the declarations are overdue if that takes too long.
            if !round.all {
                return rested;
            }
            found.fail(&store, took_too_long(&store));
            return found.into_report(true);
        };
        let ends = round.ends.min(Instant::now() + self.time_for(access, &of));
        let visit = self.sweep_identity(access, group, round, mark, &mut found);
        match timeout_at(ends, Box::pin(visit)).await {
            Ok(Ok(started)) if !found.held => {
                if let Err(error) = self.base.memory.marks.set(self.base.ports.ledger(), &name, started).await
                {
                    found.fail(&store, error);
                }
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => found.fail(&store, error),
            Err(_) => {
                found.fail(&store, took_too_long(&store));
                let visit = Visit {
                    round,
                    access,
                    group,
                    mark,
                    since: None,
                    started: round.started,
                    can: access.backend.capabilities(),
                };
                if visit.is_late(self.base.settings.sweep_period)
                    && let Err(error) = self.tell(&visit, Told::ByQueue, &mut found).await
                {
                    found.fail(&store, error);
                }
            }
        }
        found.into_report(true)
    }

    /// How long a visit may take. A listing that is cut off in the middle begins anew and would never end, so it has as long
    /// as the operator's own where it is a service of a cloud that tells what changed, whose speed no tenant decides.
    fn time_for(&self, access: &Access, of: &Tenant) -> Duration {
        let place = access.backend.location().provider.profile().place;
        match (access.backend.capabilities().changes, place) {
            (Changes::Untold, _) | (_, Place::Server) => self.base.settings.time_of(of),
            (
                Changes::Whole | Changes::Since | Changes::Never,
                Place::Region | Place::Project | Place::Manifest,
            ) => self.base.settings.visit_time,
        }
    }

    /// Looks at everything that is read with one identity. Returns when it began.
    async fn sweep_identity(
        &self,
        access: &Access,
        group: &Group,
        round: &Round,
        mark: Option<Timestamp>,
        found: &mut Findings,
    ) -> Result<Timestamp, Error> {
        let started = self.base.ports.clock().now();
        let whole = mark_name("whole", access);
        let can = access.backend.capabilities();
        let since = match mark {
            Some(mark) if !self.needs_whole_list(&whole, can, started).await? => {
                Some(before(mark, self.base.settings.sweep_overlap))
            }
            _ => None,
        };
        let visit = Visit { round, access, group, mark, since, started, can };
        let listing = match can.changes {
            Changes::Untold => None,
            Changes::Whole | Changes::Since | Changes::Never => {
                Some(self.base.at_store(access, self.base.ports.sources().changed_since(access, since)).await)
            }
        };
        match listing {
            None => self.sweep_described(&visit, found).await?,
            Some(Ok(listing)) => {
                self.sweep_listing(&visit, &listing, found).await?;
                if since.is_none() && listing.complete && !found.held {
                    self.base.memory.marks.set(self.base.ports.ledger(), &whole, started).await?;
                }
            }
            Some(Err(error)) if error.kind == Kind::Denied && error.step != Step::Authenticate => {
                self.sweep_described(&visit, found).await?;
            }
            Some(Err(error)) => {
                self.cannot_sweep(&visit, error, found).await?;
                return Ok(started);
            }
        }
        self.sweep_templates(&visit, found).await?;
        self.sweep_admissions(&visit, found).await?;
        Ok(started)
    }

    /// Keys that were deleted for good show up in no listing that ends where the changes end.
    async fn needs_whole_list(&self, mark: &str, can: Capabilities, now: Timestamp) -> Result<bool, Error> {
        if !can.hides_deletions() {
            return Ok(false);
        }
        Ok(self
            .base
            .memory
            .marks
            .of(self.base.ports.ledger(), mark, WHOLE_LIST, now)
            .await?
            .is_none_or(|mark| passed(mark, WHOLE_LIST, now)))
    }

    async fn sweep_listing(
        &self,
        visit: &Visit<'_>,
        listing: &Listing,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let is_new = |since| listing.keys.iter().filter(move |key| key.changed.is_none_or(|at| at >= since));
        let changed: Vec<_> = match visit.since {
            Some(since) => is_new(since).collect(),
            None => listing.keys.iter().collect(),
        };
        self.sweep_listed(visit, &changed, found).await?;
        self.sweep_searches(visit, &changed, found).await?;
        self.sweep_untold(visit, found).await?;
        self.sweep_absent(visit, listing, found).await
    }

    /// A store that cannot be asked. When nobody but a person can mend it, or when it has not answered for longer than
    /// was promised, its declarations are told.
    async fn cannot_sweep(&self, visit: &Visit<'_>, error: Error, found: &mut Findings) -> Result<(), Error> {
        let tell = !error.is_retryable() || visit.is_late(self.base.settings.sweep_period);
        found.fail(&visit.name(), error);
        if tell { self.tell(visit, Told::Now, found).await } else { Ok(()) }
    }

    /// Delivers the declarations of a store that could not be looked at, once their interval has passed: where that
    /// fails, their records and conditions say so; where it does not, they are as fresh as was promised.
    async fn tell(&self, visit: &Visit<'_>, how: Told, found: &mut Findings) -> Result<(), Error> {
        let (interval, started) = (visit.group.interval, visit.started);
        let told = mark_name("refused", visit.access);
        let resting = self.base.memory.marks.of(self.base.ports.ledger(), &told, interval, started).await?;
        if resting.is_some_and(|mark| !passed(mark, interval, started)) {
            return Ok(());
        }
        let mut recorded = Findings::default();
        for store in &visit.group.stores {
            let mut pages = self.base.ports.registry().pages(Scope::Store(store.id.clone()));
            while let Some(page) = pages.next().await? {
                let stores = self.base.stores_under(&visit.round.rules, &page).await?;
                let broken = |declaration: &Declaration, record: Option<&_>| {
                    !with_access(declaration, &stores, visit.access).is_empty()
                        && due(declaration, record, started)
                };
                let wanting = self.wanting(visit, page, broken).await?;
                recorded.take(match how {
                    Told::Now => self.deliver.deliver_or_queue(wanting, started).await?,
                    Told::ByQueue => self.queue.queue_noted(&wanting, started).await,
                });
            }
        }
        if !recorded.held {
            self.base.memory.marks.set(self.base.ports.ledger(), &told, started).await?;
        }
        found.take(recorded.report);
        Ok(())
    }
}

/// How the declarations of a store that cannot be looked at are delivered.
#[derive(Clone, Copy)]
enum Told {
    /// Within the visit.
    Now,
    /// By the job queue: the visit has used up its time.
    ByQueue,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// With the smallest share: one place for a tenant.
    #[test]
    fn every_identity_is_the_first_of_some_pass_whatever_the_time_between_passes() {
        let mut cases = vec![(1, 60), (7, 1), (60, 60), (100, 60), (300, 1), (300, 300), (2000, 60)];
        cases.extend((1..200).map(|minutes| (20, minutes * 60)));
        for (identities, seconds) in cases {
            let first = |pass: usize| {
                let second = 1_790_000_000 + i64::try_from(pass * seconds).unwrap_or_default();
                begins_at(Timestamp::from_second(second).unwrap_or_default(), identities)
            };
            let begun: BTreeSet<usize> = (0..identities * 16).map(first).collect();
            assert_eq!(begun.len(), identities, "{identities} identities, a pass each {seconds} s");
            assert!(begun.last().is_some_and(|last| *last < identities));
        }
        assert_eq!(begins_at(Timestamp::UNIX_EPOCH, 0), 0);
    }
}
