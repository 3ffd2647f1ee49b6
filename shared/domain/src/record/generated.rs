//! What the ledger remembers of what generators made: when, by what, and until when it is good; never a value.

use crate::declaration::Refresh;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What generators made for a declaration, as it stands in its target.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Generated {
    /// What was made, one for each read of a generator, in their order.
    pub made: Vec<Made>,
    /// The keyed digest of all else that the data are made of. While it stays, what stands in the target can stay.
    pub basis: String,
    /// The names of what was rendered, by which it is found again in the target.
    pub data: Vec<String>,
    /// The keyed digest of the data, so that a hand on a label makes nothing anew; empty in records that do not know it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The labels that a template made.
    pub labels: Vec<String>,
    /// The annotations that a template made.
    pub annotations: Vec<String>,
}

impl Generated {
    /// Whether nothing was generated.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty()
    }

    /// When the first of it must be made anew; `None` where nothing but an edit makes it.
    pub fn renews(&self, refresh: &Refresh) -> Option<Timestamp> {
        self.made.iter().filter_map(|made| made.renews(refresh)).min()
    }
}

/// What one generator made for one read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Made {
    /// The keyed digest of what it was made by: the generator, who reads with it, and what somebody forces it by.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// When it stops being good, where that is known.
    pub expires: Option<Timestamp>,
}

impl Made {
    /// When it must be made anew: after `refreshInterval`, and before it expires, by a tenth of the time that it was good
    /// for. `None` where it is made once.
    pub fn renews(&self, refresh: &Refresh) -> Option<Timestamp> {
        if refresh.reads_once() {
            return None;
        }
        let interval = SignedDuration::try_from(refresh.interval).unwrap_or(SignedDuration::MAX);
        let by_interval = self.at.checked_add(interval).ok();
        let by_expiry = self.expires.map(|expires| {
            let tenth = expires.duration_since(self.at) / 10;
            expires.checked_sub(tenth.max(SignedDuration::ZERO)).unwrap_or(expires)
        });
        by_interval.into_iter().chain(by_expiry).min()
    }

    /// Whether it can stay as it is at this moment. What was made in the future is made anew, as what was read there is read
    /// again.
    pub fn is_good(&self, by: &str, refresh: &Refresh, now: Timestamp) -> bool {
        self.by == by
            && (refresh.reads_once() || self.at <= now)
            && self.renews(refresh).is_none_or(|at| now < at)
    }
}
