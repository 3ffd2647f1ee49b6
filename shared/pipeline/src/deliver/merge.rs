//! Merges two records of one declaration that meet: which one counts, and what of the other is still to be done.
//! Pure.

use crate::base::stores::Stores;
use crate::deliver::plan::Plan;
use pawl_domain::record::{FormerTarget, State};
use pawl_domain::{Change, Record};
use pawl_ports::Entry;

/// What is to be recorded where somebody else recorded something meanwhile.
pub(crate) enum Merged {
    /// This, in place of theirs.
    Both(Box<Record>),
    /// Theirs stands, for it counts for more.
    Theirs,
    /// Nothing: the declaration is being removed.
    Removed,
}

/// Our record of a delivery, and theirs that stands since that began.
pub(crate) fn merged(plan: &Plan, stores: &Stores, mut ours: Record, theirs: Record) -> Merged {
    if theirs.owed.removed.is_some() {
        return Merged::Removed;
    }
    // Whoever queued the work has noted that it waits there, which is nothing that this record should give way to.
    let seen = plan.entry.as_ref();
    if seen.is_some_and(|seen| at_any_time(&seen.record) == at_any_time(&theirs)) {
        return Merged::Both(Box::new(ours));
    }
    match later(&ours, &theirs) {
        Later::Theirs => {
            let reached = |change: &Change| theirs.is_current(change, &plan.declaration, |id| stores.get(id));
            ours.owed.changes.retain(|change| !reached(change));
            if ours.owed.changes.is_empty() {
                return Merged::Theirs;
            }
            return Merged::Both(Box::new(with_changes(theirs, &ours)));
        }
        Later::Ours => {}
        Later::Unknown => forget_version(&mut ours),
    }
    add_what_they_owe(&mut ours, seen, &theirs);
    Merged::Both(Box::new(ours))
}

enum Later {
    Ours,
    Theirs,
    Unknown,
}

/// Which of two records speaks of the later write. A failure never replaces what somebody else just settled;
/// resourceVersions of one object grow, so the larger number was written later.
fn later(ours: &Record, theirs: &Record) -> Later {
    if matches!(ours.state, State::Failed(_)) {
        return Later::Theirs;
    }
    let number = |record: &Record| record.target.as_ref()?.resource_version.as_ref()?.parse::<u64>().ok();
    match (number(ours), number(theirs)) {
        (Some(ours), Some(theirs)) if ours > theirs => Later::Ours,
        (Some(_), Some(_)) => Later::Theirs,
        _ => Later::Unknown,
    }
}

/// Makes the next delivery read the target first.
fn forget_version(record: &mut Record) {
    if let Some(target) = &mut record.target {
        target.resource_version = None;
    }
}

/// Their record, with changes of ours that it has not reached.
fn with_changes(theirs: Record, ours: &Record) -> Record {
    let at = theirs.at;
    let mut record = theirs.reopened(at);
    ours.owed.changes.iter().for_each(|change| record.owed.want(change));
    record.history.join(&ours.history);
    record
}

/// A record but for when sweeps look at it: that what was seen waits in the queue by now is nothing new.
fn at_any_time(record: &Record) -> Record {
    Record { not_before: None, ..record.clone() }
}

/// What others noted since this delivery read the record is still to be done: it saw none of it.
fn add_what_they_owe(ours: &mut Record, seen: Option<&Entry>, theirs: &Record) {
    ours.history.join(&theirs.history);
    let is_work = seen.is_none_or(|seen| at_any_time(&seen.record) != at_any_time(theirs));
    let seen = seen.map(|entry| &entry.record.owed);
    if seen.map(|seen| &seen.declared) != Some(&theirs.owed.declared) {
        ours.owed.declared.clone_from(&theirs.owed.declared);
    }
    let is_new = |change: &&Change| seen.is_none_or(|seen| !seen.changes.contains(change));
    theirs.owed.changes.iter().filter(is_new).for_each(|change| ours.owed.want(change));
    let is_new = |target: &&FormerTarget| seen.is_none_or(|seen| !seen.targets.contains(target));
    theirs.owed.targets.iter().filter(is_new).cloned().for_each(|target| ours.owed.owe(target));
    if (theirs.state == State::Pending && is_work) || !ours.owed.is_empty() {
        *ours = Record { owed: ours.owed.clone(), ..ours.clone().reopened(theirs.at) };
    }
}
