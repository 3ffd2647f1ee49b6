//! What all declarations of one delivery share, and the result of each.

use crate::base::lanes::Lanes;
use crate::base::stores::Stores;
use crate::deliver::write::Written;
use crate::report::Report;
use jiff::Timestamp;
use pawl_domain::{Change, ClusterName, DeclarationId, Location, Outcome, Values};
use pawl_ports::{Error, Status};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What all declarations of one delivery have in common.
pub(crate) struct Delivery<'a> {
    pub(crate) stores: &'a Stores,
    /// Before anything was looked at: what is recorded as refreshed then is at least as new.
    pub(crate) started: Timestamp,
    pub(crate) clusters: Lanes<ClusterName>,
    pub(crate) locations: Lanes<Location>,
}

/// What one attempt came to.
pub(crate) struct Attempted {
    pub(crate) result: Result<Written, Error>,
    pub(crate) values: Values,
    /// The changes whose versions the stores do not show yet.
    pub(crate) behind: Vec<Arc<Change>>,
    /// Whether nothing was done because of them, so that the failure is none: the stores are asked again soon.
    pub(crate) waits: bool,
    /// Whether nothing was done because the declaration is set aside.
    pub(crate) is_aside: bool,
    /// Whether the target was created, even if it was looked at once more after that.
    pub(crate) created: bool,
}

impl Attempted {
    /// Why it failed.
    pub(crate) fn failed(error: Error) -> Self {
        Self::of(Err(error))
    }

    /// A result of which nothing more is known.
    pub(crate) fn of(result: Result<Written, Error>) -> Self {
        Self {
            result,
            values: Values::default(),
            behind: Vec::new(),
            waits: false,
            is_aside: false,
            created: false,
        }
    }

    /// What is set aside, and why.
    pub(crate) fn aside(error: Error) -> Self {
        Self { is_aside: true, ..Self::failed(error) }
    }
}

/// How one declaration fared.
pub(crate) struct Finished {
    pub(crate) id: DeclarationId,
    /// `None` when it was removed meanwhile.
    pub(crate) result: Option<Result<Outcome, Error>>,
    /// Whether a store does not show the version yet that a change named.
    pub(crate) behind: bool,
    /// What the ExternalSecret is told, where it lives in the cluster.
    pub(crate) status: Option<Status>,
    /// Whether something else is declared by now: nothing was done, and whoever comes next does it.
    pub(crate) is_left: bool,
}

/// What a delivery did.
#[derive(Default)]
pub(crate) struct Delivered {
    pub(crate) report: Report,
    /// Declarations whose stores do not show the version yet that a change named.
    pub(crate) behind: BTreeSet<DeclarationId>,
}
