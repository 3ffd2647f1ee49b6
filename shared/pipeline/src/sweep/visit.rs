//! What a visit of one identity's stores needs to know.

use super::groups::Group;
use super::round::Round;
use crate::base::stores::Stores;
use jiff::Timestamp;
use pawl_domain::provider::{Capabilities, Changes};
use pawl_domain::refresh::passed;
use pawl_domain::{Access, Declaration, Read, Store};
use std::time::Duration;

/// The visit of one identity's stores.
pub(super) struct Visit<'a> {
    pub(super) round: &'a Round,
    pub(super) access: &'a Access,
    pub(super) group: &'a Group,
    /// When it was last made whole.
    pub(super) mark: Option<Timestamp>,
    /// From when on changes are asked for; everything where it is `None`.
    pub(super) since: Option<Timestamp>,
    pub(super) started: Timestamp,
    pub(super) can: Capabilities,
}

impl Visit<'_> {
    /// Whether this visit finds each key that is gone, also where nothing tells of it but its absence.
    pub(super) fn looks_for_absent(&self) -> bool {
        self.since.is_none() || self.can.changes == Changes::Whole
    }

    /// Whether the store was silent for longer than was promised, when it cannot be asked now.
    pub(super) fn is_late(&self, sweep_period: Duration) -> bool {
        let patience = self.group.interval.saturating_add(sweep_period);
        self.mark.is_none_or(|mark| passed(mark, patience, self.started))
    }

    /// The first of its stores; all have the same keys.
    pub(super) fn store(&self) -> &Store {
        &self.group.stores[0]
    }

    pub(super) fn name(&self) -> String {
        self.store().id.to_string()
    }
}

/// The reads of a declaration that are made with this identity, by position, with their stores.
pub(super) fn with_access<'a>(
    declaration: &Declaration,
    stores: &'a Stores,
    access: &Access,
) -> Vec<(usize, &'a Store)> {
    let of_read = |(position, read): (usize, &Read)| {
        let store = stores.get(&read.store)?;
        (stores.access(read, &declaration.id)? == *access).then_some((position, store))
    };
    declaration.reads.iter().enumerate().filter_map(of_read).collect()
}
