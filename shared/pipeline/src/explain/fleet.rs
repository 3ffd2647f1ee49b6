//! How all declarations fare together: what is right, how old that knowledge is, and how changes became known.

use crate::base::stores::Stores;
use crate::parts::Explain;
use jiff::{SignedDuration, Timestamp};
use pawl_documents::mark_name;
use pawl_domain::record::{Cause, Failure, State};
use pawl_domain::refresh::overdue;
use pawl_domain::{Access, ClusterName, Declaration, DeclarationId, Record};
use pawl_ports::{Clock, Error, Ledger, Ports, Registry, Scope};
use std::collections::BTreeMap;
use std::time::Duration;

/// How all declarations fare together.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// All of them.
    pub total: Tally,
    /// Those of each cluster that they go to.
    pub clusters: BTreeMap<ClusterName, Tally>,
    /// Those that failed the last time, by the code of their failure.
    pub failures: BTreeMap<String, Failing>,
    /// How many seconds ago each of those that are settled and read again was known to be what its stores give out: when it
    /// was delivered, or when all its stores were last swept.
    pub ages: Spread,
    /// How many seconds it took from each event to its Secret, within [`Fleet::SPAN`].
    pub delays: Spread,
    /// How many writes each cause called for, within [`Fleet::SPAN`].
    pub writes: BTreeMap<Cause, usize>,
}

/// How many declarations fare in which way.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// How many there are.
    pub declarations: usize,
    /// How many of them are as declared.
    pub settled: usize,
    /// How many wait to be delivered, those that were never tried among them.
    pub waiting: usize,
    /// How many of those that wait are held back by their sync windows.
    pub held_back: usize,
    /// How many failed the last time.
    pub failing: usize,
    /// How many are set aside.
    pub set_aside: usize,
    /// How many are staler than their `refreshInterval` and one sweep period.
    pub overdue: usize,
    /// By how much the most overdue is.
    pub oldest_overdue: Duration,
    /// How many seconds ago that one was known to be right of which it is longest ago; see [`Fleet::ages`].
    pub oldest_known: Option<u64>,
}

/// The declarations that failed with one code.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Failing {
    /// How many.
    pub declarations: usize,
    /// Since when the first of them has been failing, where a record tells.
    pub since: Option<Timestamp>,
    /// The first [`Failing::NAMED`] of them, with what their failures say.
    pub examples: Vec<(DeclarationId, String)>,
}

impl Failing {
    /// How many are named.
    pub const NAMED: usize = 5;

    fn add(&mut self, id: &DeclarationId, record: &Record, failure: &Failure) {
        self.declarations += 1;
        self.since = self.since.into_iter().chain(record.open_since()).min();
        if self.examples.len() < Self::NAMED {
            self.examples.push((id.clone(), failure.message.clone()));
        }
    }
}

impl Fleet {
    /// How far back writes are looked at, as far as the ledger remembers them.
    pub const SPAN: SignedDuration = SignedDuration::from_hours(24);
}

/// How numbers are spread.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Spread(Vec<u64>);

impl Spread {
    /// Of these numbers.
    pub fn of(mut numbers: Vec<u64>) -> Self {
        numbers.sort_unstable();
        Self(numbers)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The smallest of them that so many per cent do not exceed; `None` where there are none.
    pub fn within(&self, percent: usize) -> Option<u64> {
        let place = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(place - 1).copied()
    }

    /// The numbers, in ascending order.
    pub fn numbers(&self) -> &[u64] {
        &self.0
    }

    /// The largest.
    pub fn most(&self) -> Option<u64> {
        self.0.last().copied()
    }
}

impl<P: Ports> Explain<P> {
    pub(crate) async fn fleet(
        &self,
        is_meant: impl Fn(&Declaration) -> bool + Send + Sync,
    ) -> Result<Fleet, Error> {
        let now = self.base.ports.clock().now();
        let (mut fleet, mut ages, mut delays) = (Fleet::default(), Vec::new(), Vec::new());
        let (mut marks, rules) = (BTreeMap::new(), self.base.rules().await?);
        let mut pages = self.base.ports.registry().pages(Scope::All);
        while let Some(mut page) = pages.next().await? {
            page.retain(&is_meant);
            let entries = self.base.ports.ledger().entries_of(&page).await?;
            let stores = self.base.stores_under(&rules, &page).await?;
            for declaration in &page {
                let record = entries.get(&declaration.id).map(|entry| &entry.record);
                self.count(&mut fleet, declaration, record, now);
                let Some(record) = record else { continue };
                let swept = self.swept(declaration, &stores, &mut marks).await?;
                if let Some(age) = age(declaration, record, swept, now) {
                    ages.push(age);
                    let of_cluster = fleet.clusters.entry(declaration.id.cluster.clone()).or_default();
                    for tally in [&mut fleet.total, of_cluster] {
                        tally.oldest_known = tally.oldest_known.max(Some(age));
                    }
                }
                let begin = now.checked_sub(Fleet::SPAN).unwrap_or(Timestamp::MIN);
                for written in record.history.writes().iter().filter(|written| written.at >= begin) {
                    *fleet.writes.entry(written.cause).or_default() += 1;
                    delays.extend(written.seconds.map(u64::from));
                }
            }
        }
        Ok(Fleet { ages: Spread::of(ages), delays: Spread::of(delays), ..fleet })
    }

    /// When all stores of a declaration had been swept; `None` where one never was. Each mark is asked for once.
    async fn swept(
        &self,
        declaration: &Declaration,
        stores: &Stores,
        marks: &mut BTreeMap<Access, Option<Timestamp>>,
    ) -> Result<Option<Timestamp>, Error> {
        let mut earliest = None;
        for read in &declaration.reads {
            let Some(access) = stores.access(read, &declaration.id) else { return Ok(None) };
            let mark = match marks.get(&access) {
                Some(mark) => *mark,
                None => {
                    let mark = self.base.ports.ledger().mark(&mark_name("sweep", &access)).await?;
                    marks.insert(access, mark);
                    mark
                }
            };
            let Some(mark) = mark else { return Ok(None) };
            earliest = Some(earliest.map_or(mark, |other: Timestamp| other.min(mark)));
        }
        Ok(earliest)
    }

    fn count(&self, fleet: &mut Fleet, declaration: &Declaration, record: Option<&Record>, now: Timestamp) {
        let period = self.base.settings.sweep_period;
        let of_cluster = fleet.clusters.entry(declaration.id.cluster.clone()).or_default();
        for tally in [&mut fleet.total, of_cluster] {
            tally.count(declaration, record, period, now);
        }
        if let Some(record) = record
            && let State::Failed(failure) = &record.state
        {
            let failing = fleet.failures.entry(failure.code().to_string()).or_default();
            failing.add(&declaration.id, record, failure);
        }
    }
}

impl Tally {
    fn count(
        &mut self,
        declaration: &Declaration,
        record: Option<&Record>,
        period: Duration,
        now: Timestamp,
    ) {
        self.declarations += 1;
        match record.map(|record| &record.state) {
            Some(State::Failed(_)) => self.failing += 1,
            Some(State::Settled(_)) => self.settled += 1,
            None | Some(State::Pending) => {
                self.waiting += 1;
                self.held_back += usize::from(record.is_some() && !declaration.refresh.is_let_run(now));
            }
        }
        let Some(record) = record else { return };
        self.set_aside += usize::from(record.is_set_aside(declaration));
        if let Some(late) = overdue(declaration, record, period, now) {
            self.overdue += 1;
            self.oldest_overdue = self.oldest_overdue.max(late);
        }
    }
}

/// How many seconds ago what stands there was known to be right: a sweep that found nothing new records nothing.
fn age(declaration: &Declaration, record: &Record, swept: Option<Timestamp>, now: Timestamp) -> Option<u64> {
    let known = record.state.is_settled() && !declaration.refresh.reads_once();
    let right = record.refreshed.filter(|_| known)?.max(swept.unwrap_or(Timestamp::MIN));
    u64::try_from(now.duration_since(right).as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_tells_what_so_many_do_not_exceed() {
        let hundred = Spread::of((1..=100).rev().collect());
        let told = [50, 95, 100].map(|percent| hundred.within(percent));
        assert_eq!((told, hundred.most()), ([Some(50), Some(95), Some(100)], Some(100)));
        let one = Spread::of(vec![7]);
        assert_eq!([one.within(1), one.within(50), one.within(100)], [Some(7); 3]);
        assert_eq!((Spread::default().within(50), Spread::default().most()), (None, None));
    }
}
