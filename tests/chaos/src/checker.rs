//! The judge: says from evidence alone what is wrong. It knows nothing of Pawl, asks nobody and has no clock.

mod history;
mod standing;

use crate::cluster::Data;
use crate::journal::{Declared, Stood};
use crate::watch::Sight;
use crate::world::{Key, Place, Target};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// All that is known at the end of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// What stands in the stores, as they answer.
    pub(crate) stored: BTreeMap<Key, Option<String>>,
    /// What stands in the clusters.
    pub(crate) secrets: BTreeMap<Target, Data>,
    /// What stood in the stores, by the driver's own log: at least the first state.
    pub(crate) stood: BTreeMap<Key, Vec<Stood>>,
    /// What was declared, by the same log.
    pub(crate) declared: BTreeMap<Place, Vec<Declared>>,
    /// What targets showed, in order for each of them.
    pub(crate) seen: Vec<Sight>,
    /// What Pawl keeps, as text: manifests and how they are found, jobs, marks.
    pub(crate) kept: String,
    /// Its records of what it did, as text. One of a deleted declaration may stay for [`TOMBSTONE`].
    pub(crate) records: String,
    /// When this was taken, since the start of the run.
    pub(crate) at: Duration,
    /// Messages that nobody deals with: the queue's name and the message.
    pub(crate) left_jobs: Vec<(String, String)>,
    /// Messages that failed for the moment and wait for their pause to end, likewise.
    pub(crate) waiting_jobs: Vec<(String, String)>,
    /// Messages that were given up, likewise.
    pub(crate) dead_jobs: Vec<(String, String)>,
    /// Where the canary was found.
    pub(crate) leaks: Vec<String>,
    /// What else must not be: processes that ended by themselves, panics, holes in the record.
    pub(crate) odd: Vec<String>,
}

/// For so long Pawl keeps in mind that it deleted something, lest a delivery under way bring it back: the longest time that a
/// function may run, and a little more.
const TOMBSTONE: Duration = Duration::from_secs(25 * 60);

/// Something that must not be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    /// The target that it is about, if it is about one.
    pub(crate) target: Option<Target>,
    /// What is wrong with it. Never holds a value.
    pub(crate) what: String,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    /// A target is not what its store and its manifest say.
    Wrong,
    /// A target showed an older value, or an older manifest, after a newer one.
    WentBack,
    /// A target showed something before it stood in the store.
    Impossible,
    /// Something of a deleted declaration is there.
    LeftOver,
    /// Work that nobody does.
    Job,
    /// The canary is where no value may be.
    Leak,
    /// The stores do not hold what the driver's log says: the proof itself is broken.
    Proof,
    Odd,
}

impl Finding {
    fn about(kind: Kind, target: &Target, what: String) -> Self {
        Self { kind, target: Some(target.clone()), what }
    }

    fn general(kind: Kind, what: String) -> Self {
        Self { kind, target: None, what }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.kind)?;
        if let Some(target) = &self.target {
            write!(formatter, " {target}")?;
        }
        write!(formatter, ": {}", self.what)
    }
}

/// What is wrong with how things stand: this may be asked again and again until everything has settled.
pub(crate) fn standing(evidence: &Evidence) -> Vec<Finding> {
    standing::check(evidence)
}

/// Everything that is wrong.
pub(crate) fn all(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = standing::check(evidence);
    findings.extend(history::check(evidence));
    findings.extend(evidence.leaks.iter().map(|place| Finding::general(Kind::Leak, place.clone())));
    findings.extend(evidence.odd.iter().map(|what| Finding::general(Kind::Odd, what.clone())));
    findings.sort_by_key(|finding| finding.kind);
    findings
}

#[cfg(test)]
mod tests;
