//! A key as people name it.

use crate::deliver::history::BY_HAND;
use crate::parts::Explain;
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::provider::Arn;
use pawl_domain::{Change, Location, Moved};
use pawl_ports::{Error, Ports, Registry};
use std::collections::BTreeSet;

impl<P: Ports> Explain<P> {
    pub(crate) async fn changes_of_key(&self, key: &str, region: Option<&str>) -> Result<Vec<Change>, Error> {
        let stores = self.base.ports.registry().swept_stores().await?;
        let region = region.or_else(|| Arn::parse(key).map(|arn| arn.region));
        let locations: BTreeSet<Location> = stores
            .into_iter()
            .map(|swept| Location { account: None, ..swept.store.location() })
            .filter(|location| region.is_none_or(|region| location.region == region))
            .collect();
        let change = |location| Change {
            id: BY_HAND.to_owned(),
            location,
            names: BTreeSet::from([key.to_owned()]),
            extent: Extent::Key,
            version: None,
            moved: Moved::Existence,
            at: Timestamp::UNIX_EPOCH,
        };
        Ok(locations.into_iter().map(change).collect())
    }
}
