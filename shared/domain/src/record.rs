//! What the ledger remembers of a declaration: versions, digests and outcomes; never a value.

mod code;
mod complaint;
mod generated;
mod history;
mod owed;
mod told;

pub use code::Code;
pub use complaint::Complaint;
pub use generated::{Generated, Made};
pub use history::{Cause, History, MOST_BYTES, MOST_NAMED, MOST_WRITES, MovedKey, Written, moved};
pub use owed::{Declared, FormerTarget, Owed, is_looked_for, is_over};
pub use told::Told;

use crate::affected::concerned_reads;
use crate::change::Change;
use crate::declaration::{Declaration, Manifest};
use crate::name::ObjectName;
use crate::store::{Store, StoreId};
use crate::values::{Version, Versions};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The last thing that happened to a declaration.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Record {
    /// [`Declaration::digest`] of the declaration that this speaks of; of another one, nothing below counts.
    pub declaration: String,
    /// The versions last written, for each of the declaration's reads in order.
    pub versions: Vec<Versions>,
    /// The keyed digest of the data last written.
    pub digest: Option<String>,
    /// The keyed digest of all that the target was rendered from: values, template sources and the declaration itself.
    pub inputs: Option<String>,
    /// The target as Pawl left it.
    pub target: Option<TargetState>,
    /// When this was recorded.
    pub at: Timestamp,
    /// When the target was last known to be as declared.
    pub refreshed: Option<Timestamp>,
    /// How it went.
    pub state: State,
    /// Since when it has been waiting or failing; `None` while it is settled, and in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsettled_since: Option<Timestamp>,
    /// Sweeps leave it alone until then: it waits in the job queue, or a server asked for a pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Somebody else changed or deleted the target, and it was not looked at since: nothing holds its repair back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drifted: bool,
    /// What is still to be done.
    #[serde(default, skip_serializing_if = "Owed::is_empty")]
    pub owed: Owed,
    /// What the ExternalSecret's status in the cluster was last told; `None` where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// Deliveries that were begun with care and did not end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Begun>,
    /// The last writes of the target, this one among them.
    #[serde(default, skip_serializing_if = "History::is_empty")]
    pub history: History,
    /// What generators made of what stands in the target.
    #[serde(default, skip_serializing_if = "Generated::is_empty")]
    pub generated: Generated,
}

/// After so many deliveries that were begun and did not end, none is begun any more.
pub const MOST_STARTS: u32 = 3;

/// Deliveries that were begun with care and did not end, as when they end their process.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Begun {
    /// [`Declaration::digest`] of what was begun; of another one it says nothing.
    pub declaration: String,
    /// How many; more than [`MOST_STARTS`] where it is set aside.
    pub times: u32,
}

impl Record {
    /// The record of a declaration that was never written.
    pub fn pending(declaration: &Declaration, at: Timestamp) -> Self {
        Self {
            declaration: declaration.digest(),
            versions: Vec::new(),
            digest: None,
            inputs: None,
            target: None,
            at,
            refreshed: None,
            state: State::Pending,
            unsettled_since: Some(at),
            not_before: None,
            drifted: false,
            owed: Owed::default(),
            told: None,
            begun: None,
            history: History::default(),
            generated: Generated::default(),
        }
    }

    /// How often a delivery of the declaration with this digest was begun and did not end.
    pub fn begun(&self, digest: &str) -> u32 {
        self.begun.as_ref().filter(|begun| begun.declaration == digest).map_or(0, |begun| begun.times)
    }

    /// Whether the declaration, as it is now, is set aside: begun by nobody but a person.
    pub fn is_set_aside(&self, declaration: &Declaration) -> bool {
        let many = self.begun.as_ref().is_some_and(|begun| begun.times > MOST_STARTS);
        many && self.begun(&declaration.digest()) > MOST_STARTS
    }

    /// Since when there is something left to do, if there is.
    pub fn open_since(&self) -> Option<Timestamp> {
        (!self.state.is_settled()).then(|| self.unsettled_since.unwrap_or(self.at))
    }

    /// The same record of a declaration for which there is work: what was written last still stands.
    #[must_use]
    pub fn reopened(self, at: Timestamp) -> Self {
        let unsettled_since = Some(self.open_since().unwrap_or(at));
        Self { at, state: State::Pending, unsettled_since, not_before: None, ..self }
    }

    /// True when the version that the change speaks of was written last, or one that came to be after the change, so
    /// that nothing needs to be asked.
    pub fn is_current<'a>(
        &self,
        change: &Change,
        declaration: &Declaration,
        store: impl Fn(&StoreId) -> Option<&'a Store>,
    ) -> bool {
        let Some(version) = &change.version else { return false };
        if !matches!(self.state, State::Settled(_)) || self.declaration != declaration.digest() {
            return false;
        }
        let reads = concerned_reads(change, declaration, &store);
        let reached = |written: &Version| written.id == *version || written.is_younger_than(change);
        let written = |index: &usize| match self.versions.get(*index) {
            Some(Versions::One(written)) => reached(written),
            Some(Versions::Many(found)) => store(&declaration.reads[*index].store).is_some_and(|store| {
                let named = store.backend.named_by(change, found.keys());
                !named.is_empty() && named.iter().all(|name| reached(&found[*name]))
            }),
            Some(Versions::Missing | Versions::Uncounted) | None => false,
        };
        !reads.is_empty() && reads.iter().all(written)
    }
}

/// The target as Pawl left it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TargetState {
    /// The target's name.
    pub name: ObjectName,
    /// Its kind, where it is no Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Manifest>,
    /// Its resourceVersion after the last write, which the next write is conditional on. `None` when it is not known
    /// for certain; the target is then read first.
    pub resource_version: Option<String>,
    /// [`Declaration::target_digest`] of the declaration that it was left for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<String>,
}

/// How the last attempt went.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum State {
    /// It is as declared.
    Settled(Outcome),
    /// There is work to do: it was noted before it was begun or handed to the job queue.
    Pending,
    /// It failed.
    Failed(Failure),
}

impl State {
    /// False while there is something left to do, so that sweeps look at it again. A Secret to merge into that does not
    /// exist yet may come at any time.
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Settled(outcome) => *outcome != Outcome::TargetMissing,
            Self::Pending | Self::Failed(_) => false,
        }
    }
}

/// What a sync did with a declaration.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The target was created or changed.
    Written,
    /// The target already was as declared.
    Unchanged,
    /// The target was deleted, as deletionPolicy says.
    Deleted,
    /// Nothing is left in the store and the target stays, as deletionPolicy says.
    Retained,
    /// creationPolicy Merge, and nobody has made the Secret yet.
    TargetMissing,
    /// creationPolicy None: nothing is written.
    NotWanted,
    /// Handed to the job queue.
    Queued,
}

impl Outcome {
    /// The outcome's name in reports, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
            Self::Retained => "retained",
            Self::TargetMissing => "target-missing",
            Self::NotWanted => "not-wanted",
            Self::Queued => "queued",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why the last attempt failed. The message never holds a value.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Failure {
    /// Where it failed.
    pub step: Step,
    /// What kind of failure it was.
    pub kind: Kind,
    /// What failed and what to do, in one line.
    pub message: String,
    /// What the Ready condition says of it.
    pub complaint: Complaint,
    /// How often it has failed since it last succeeded.
    pub attempts: u32,
}

/// The steps of a sync that can fail.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Asking the registry.
    Lookup,
    /// Proving an identity to a store or a cluster.
    Authenticate,
    /// Fetching values.
    Fetch,
    /// Making the Secret's data of the values.
    Render,
    /// Reading the target.
    Read,
    /// Writing the target.
    Write,
    /// Writing the ledger.
    Record,
    /// Handing over to the job queue.
    Enqueue,
    /// Writing to a store, or removing what was written there.
    Push,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 9] = [
        Self::Lookup,
        Self::Authenticate,
        Self::Fetch,
        Self::Render,
        Self::Read,
        Self::Write,
        Self::Record,
        Self::Enqueue,
        Self::Push,
    ];

    /// The step's name in reports, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::Authenticate => "authenticate",
            Self::Fetch => "fetch",
            Self::Render => "render",
            Self::Read => "read",
            Self::Write => "write",
            Self::Record => "record",
            Self::Enqueue => "enqueue",
            Self::Push => "push",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The kinds of failure; each says whether trying again can help.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Somebody else wrote in between.
    Conflict,
    /// The identity may not do this.
    Denied,
    /// The declaration, the store or the value is not usable as it is.
    Invalid,
    /// The thing asked for does not exist.
    NotFound,
    /// The operator does not allow it. Nobody was asked, and nothing changes it but another policy or manifest.
    Refused,
    /// The store answered with an older version than the change's.
    Stale,
    /// The other side asked to slow down.
    Throttled,
    /// A fault of the moment.
    Transient,
    /// The other side could not be reached.
    Unreachable,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Conflict,
        Self::Denied,
        Self::Invalid,
        Self::NotFound,
        Self::Refused,
        Self::Stale,
        Self::Throttled,
        Self::Transient,
        Self::Unreachable,
    ];

    /// Whether the same attempt may succeed later with nobody mending anything.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Conflict | Self::Stale | Self::Throttled | Self::Transient | Self::Unreachable => true,
            Self::Denied | Self::Invalid | Self::NotFound | Self::Refused => false,
        }
    }

    /// The kind's name in reports, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Invalid => "invalid",
            Self::NotFound => "not-found",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Unreachable => "unreachable",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
