//! Stores that can be watched: which there are, and the look at what happened before a watch began.

use super::found::SweepReport;
use super::groups::Group;
use super::round::{Round, Special};
use crate::base::watchable::Watchable;
use crate::parts::Sweep;
use pawl_domain::Access;
use pawl_ports::{Clock, Error, Ports, Sources};
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

impl<P: Ports> Sweep<P> {
    /// Tells whoever watches stores which of these can be watched. A pass knows them anyway, and asking the registry only for
    /// this would cost a query for each store.
    pub(super) fn tell_watchable(&self, groups: &BTreeMap<Access, Group>) {
        let watched = self.base.ports.sources().watched();
        let can = groups.iter().filter(|(access, _)| watched.contains(&access.backend.location().provider));
        let told = can.map(|(access, Group { interval, stores })| Watchable {
            access: access.clone(),
            interval: *interval,
            stores: stores.clone(),
        });
        self.base.memory.watchable.send_replace(told.collect());
    }

    /// Visits these stores, due or not. `None` where a sweep visits them this moment.
    pub(crate) async fn catch_up(&self, with: &Watchable) -> Result<Option<SweepReport>, Error> {
        let round = Round {
            started: self.base.ports.clock().now(),
            all: true,
            ends: Instant::now() + self.base.settings.visit_time,
            retried: BTreeSet::new(),
            rules: self.base.rules().await?,
            special: Special::default(),
        };
        let group = Group { interval: with.interval, stores: with.stores.clone() };
        let visited = self.visit(&with.access, &group, &round).await;
        Ok((visited.rested == 0).then_some(visited))
    }
}
