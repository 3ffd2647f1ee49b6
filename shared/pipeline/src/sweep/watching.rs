//! Stores that can be watched: which there are, and the look at what happened before a watch began.

use super::groups::Group;
use super::round::{Round, Special};
use crate::parts::Sweep;
use pawl_domain::{Access, StoreId};
use pawl_ports::{Clock, Error, Ports, Sources};
use std::collections::BTreeSet;
use tokio::time::Instant;

/// An identity whose stores can be watched, with these stores. Declarations read them again and again: what is read once
/// waits for no change.
#[derive(Clone, Debug)]
pub struct Watchable {
    access: Access,
    group: Group,
}

impl Watchable {
    /// The identity.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The stores that it reads, in ascending order.
    pub fn stores(&self) -> impl Iterator<Item = &StoreId> {
        self.group.stores.iter().map(|store| &store.id)
    }
}

impl<P: Ports> Sweep<P> {
    /// Every identity whose stores can be watched, in ascending order.
    pub(crate) async fn watchable(&self) -> Result<Vec<Watchable>, Error> {
        let watched = self.base.ports.sources().watched();
        if watched.is_empty() {
            return Ok(Vec::new());
        }
        let rules = self.base.rules().await?;
        let groups = self.groups_of(&rules, |store| watched.contains(&store.location().provider)).await?;
        Ok(groups.into_iter().map(|(access, group)| Watchable { access, group }).collect())
    }

    /// Visits these stores, due or not. `false` where a sweep visits them this moment.
    pub(crate) async fn catch_up(&self, with: &Watchable) -> Result<bool, Error> {
        let round = Round {
            started: self.base.ports.clock().now(),
            all: true,
            ends: Instant::now() + self.base.settings.visit_time,
            retried: BTreeSet::new(),
            rules: self.base.rules().await?,
            special: Special::default(),
        };
        Ok(self.visit(&with.access, &with.group, &round).await.rested == 0)
    }
}
