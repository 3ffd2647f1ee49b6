//! What the ledger remembers of writes, besides the last: see [`History`].

use crate::deliver::plan::Plan;
use jiff::Timestamp;
use pawl_domain::record::{Cause, History, Written, moved};
use pawl_domain::{Outcome, Query, Record};

/// Whoever asks for a key by hand calls his change so.
pub const BY_HAND: &str = "by-hand";

/// What is remembered once a delivery has left its target so: what was before, and this write if it was one. `insisted` says
/// that a person asked for it. Costs the ledger nothing but the bytes.
pub(crate) fn remembered(plan: &Plan, now: &Record, outcome: Outcome, insisted: bool) -> History {
    let mut history = plan.record().map(|record| record.history.clone()).unwrap_or_default();
    let stood = plan.record().is_some_and(|record| record.target.is_some());
    let deleted = outcome == Outcome::Deleted;
    if outcome != Outcome::Written && !(deleted && stood) {
        return history;
    }
    let cause = cause(plan, insisted);
    // Reads are told by their positions, which an edit gives to others.
    let before = plan.own_record().map(|record| record.versions.as_slice()).unwrap_or_default();
    let reads = plan.declaration.reads.iter().zip(&now.versions).enumerate();
    let keys = reads.flat_map(|(position, (read, versions))| {
        let key = match &read.query {
            Query::Key(remote) => remote.key.as_str(),
            Query::Find(_) => "",
            Query::Generate => read.store.name.as_str(),
        };
        moved(key, before.get(position), versions)
    });
    let mut keys: Vec<_> = keys.collect();
    keys.dedup();
    metrics::counter!("pawl_writes_total", "cause" => cause.as_str()).increment(1);
    // A sender that tells no time says that it was long ago.
    let told = plan.sought.iter().map(|sought| sought.change.at).filter(|at| *at > Timestamp::UNIX_EPOCH);
    let seconds = told.max().filter(|_| cause == Cause::Event).map(|happened| passed(happened, now.at));
    let at = Timestamp::from_second(now.at.as_second()).unwrap_or(now.at);
    history.push(Written { at, cause, seconds, deleted, keys, more: 0 });
    history
}

fn cause(plan: &Plan, insisted: bool) -> Cause {
    let by_hand = plan.sought.iter().any(|sought| sought.change.id == BY_HAND);
    let Some(record) = plan.record() else { return Cause::Edit };
    let edited = record.declaration != plan.digest || record.owed.declared.is_some();
    if insisted || by_hand {
        Cause::Hand
    } else if record.refreshed.is_none() || edited {
        Cause::Edit
    } else if !plan.sought.is_empty() {
        Cause::Event
    } else if record.drifted {
        Cause::Drift
    } else {
        Cause::Sweep
    }
}

fn passed(since: Timestamp, now: Timestamp) -> u32 {
    u32::try_from(now.duration_since(since).as_secs().max(0)).unwrap_or(u32::MAX)
}
