//! A key as people name it, on the command line.

use crate::error::Error;
use pawl_domain::change::Extent;
use pawl_domain::provider::Arn;
use pawl_domain::{Change, Location, Moved};
use pawl_pipeline::BY_HAND;
use pawl_pipeline::Pipeline;
use pawl_ports::{Ports, Registry};
use pawl_runtime::World;
use std::collections::BTreeSet;

/// The key as a change in every place where a store of the registry could find it; only in one region where it is given, or
/// where the key is an ARN.
///
/// # Errors
/// When the registry could not be asked.
pub(super) async fn changes_of_key(
    pipeline: &Pipeline<World>,
    key: &str,
    region: Option<&str>,
) -> Result<Vec<Change>, Error> {
    let stores = pipeline.ports().registry().swept_stores().await?;
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
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    Ok(locations.into_iter().map(change).collect())
}
