//! The one sentence that says why a declaration's target is as it is, and what to do where something is to be done. Pure.

use crate::explain::Account;
use crate::explain::witness::{KeyNow, Standing, Witness, wants_target};
use pawl_domain::record::State;
use pawl_domain::{Outcome, Record, Version};

/// Why the target was not updated, or that there is nothing to update: of all that is known the first reason that has to
/// be out of the way.
pub fn answer(account: &Account, witness: &Witness) -> String {
    let reasons = [removed, unknown, refused, aside, failed, unwritten, unasked, stale, outcome, drifted];
    reasons.into_iter().find_map(|reason| reason(account, witness)).unwrap_or_else(|| well(account, witness))
}

fn removed(account: &Account, _: &Witness) -> Option<String> {
    let since = account.record.as_ref()?.owed.removed?;
    Some(format!("it is being removed since {since:.0}, so nothing is written for it any more"))
}

/// Something that it names is not registered.
fn unknown(account: &Account, _: &Witness) -> Option<String> {
    if !account.cluster_known {
        let cluster = &account.declaration.id.cluster;
        return Some(format!("cluster {cluster} is not registered: apply a Cluster of this name"));
    }
    let missing = account.stores.iter().find(|(_, store)| store.is_none());
    missing.map(|(id, _)| format!("{id} is not registered: apply it, or correct secretStoreRef"))
}

fn refused(account: &Account, witness: &Witness) -> Option<String> {
    let barred = account.stores.values().flatten().find(|store| store.is_refused_by_manifest());
    if let Some(store) = barred {
        return Some(format!("the validationResult of {} says that it cannot be used", store.id));
    }
    let refusal = witness.reads.iter().find_map(|read| read.permit.as_ref().err())?;
    Some(format!("the operator does not allow a read of it: {refusal}"))
}

fn aside(account: &Account, _: &Witness) -> Option<String> {
    let aside = account.record.as_ref()?.is_set_aside(&account.declaration);
    aside.then(|| {
        format!(
            "three deliveries of it ended their process, so it is set aside until it or its store is edited, or until \
             pawl sync {} asks for it",
            account.declaration.id
        )
    })
}

fn failed(account: &Account, _: &Witness) -> Option<String> {
    let record = account.record.as_ref()?;
    let State::Failed(failure) = &record.state else { return None };
    let tried = if failure.attempts == 1 { "once".to_owned() } else { format!("{} times", failure.attempts) };
    Some(format!("it failed {tried} in a row ({}): {}; {}", failure.code(), failure.message, next(account)))
}

/// What was never written, was edited since, or waits.
fn unwritten(account: &Account, _: &Witness) -> Option<String> {
    let Some(record) = &account.record else {
        return Some(format!("it was never tried; {}", next(account)));
    };
    if record.declaration != account.declaration.digest() {
        return Some(match account.declaration.follows_manifest() || record.refreshed.is_none() {
            true => format!("it was edited, and that is not delivered yet; {}", next(account)),
            false => "it was edited, and its refreshPolicy or a refreshInterval of zero says that edits change nothing"
                .to_owned(),
        });
    }
    if record.state != State::Pending {
        return None;
    }
    Some(match held_by_windows(account) {
        Some(why) => why,
        None => format!("its delivery waits in the job queue or for a sweep; {}", next(account)),
    })
}

/// A store that does not tell.
fn unasked(_: &Account, witness: &Witness) -> Option<String> {
    let (key, error) = keys(witness).find_map(|key| Some((&key.key, key.given.as_ref().err()?)))?;
    Some(format!("the store does not tell the version of {key} now: {error}"))
}

fn stale(account: &Account, witness: &Witness) -> Option<String> {
    let key = keys(witness).find(|key| key.is_stale())?;
    let given = key.given.as_ref().ok().and_then(Option::as_ref);
    let stands = format!(
        "{} stands on {}, and the store gives out {}",
        key.key,
        told(key.written.as_ref()),
        told(given)
    );
    if account.declaration.refresh.reads_once() {
        return Some(format!("{stands}: its refreshPolicy or a refreshInterval of zero says to read once"));
    }
    if let Some(why) = held_by_windows(account) {
        return Some(format!("{stands}: {why}"));
    }
    if account.record.as_ref().is_some_and(|record| record.owed.older_since.is_some()) {
        return Some(format!(
            "{stands}, which is older: it is taken when the store has given it for five minutes, or at once by pawl sync \
             --accept-older"
        ));
    }
    Some(format!("{stands}: no event has told of it yet; {}", next(account)))
}

/// How the last attempt left it, where that is not as written.
fn outcome(account: &Account, _: &Witness) -> Option<String> {
    let State::Settled(outcome) = account.record.as_ref()?.state else { return None };
    Some(match outcome {
        Outcome::TargetMissing => {
            "creationPolicy Merge, and nobody has made the Secret yet: sweeps look for it".to_owned()
        }
        Outcome::NotWanted => "creationPolicy None: nothing is written".to_owned(),
        Outcome::Deleted => {
            "its stores have nothing left, so it was deleted, as deletionPolicy says".to_owned()
        }
        Outcome::Retained => "its stores have nothing left, and deletionPolicy keeps what stands".to_owned(),
        Outcome::Written | Outcome::Unchanged | Outcome::Queued => return None,
    })
}

fn drifted(account: &Account, witness: &Witness) -> Option<String> {
    let id = &account.declaration.id;
    match witness.target.as_ref()? {
        Err(error) => Some(format!("cluster {} does not tell what stands there: {error}", id.cluster)),
        Ok(None) if wants_target(&account.declaration) => Some(format!(
            "somebody deleted the target: a watch or the hourly check puts it back, pawl sync {id} at once"
        )),
        Ok(Some(Standing { is_as_left: Some(false), is_as_written: false, .. })) => Some(format!(
            "somebody changed the target since Pawl wrote it: a watch or the hourly check puts it back, pawl sync {id} at \
             once"
        )),
        Ok(_) => None,
    }
}

fn well(account: &Account, witness: &Witness) -> String {
    if witness.target.is_some() {
        return "nothing is to be updated: it stands on what its stores give out".to_owned();
    }
    match account.record.as_ref().and_then(|record: &Record| record.refreshed) {
        Some(at) => format!("nothing is to be updated, as far as the ledger knows: it was right at {at:.0}"),
        None => "nothing is to be updated, as far as the ledger knows".to_owned(),
    }
}

/// When the next attempt comes by itself.
pub fn next(account: &Account) -> String {
    match account.next {
        Some(at) if at <= account.now => "the next sweep tries it".to_owned(),
        Some(at) => format!("the first sweep from {at:.0} on tries it, or a change before that"),
        None => "only a change, an edit of its manifest or pawl sync brings it up".to_owned(),
    }
}

fn held_by_windows(account: &Account) -> Option<String> {
    let closed = !account.declaration.refresh.is_let_run(account.now);
    closed.then(|| format!("its syncWindows hold it back; {}", next(account)))
}

fn keys(witness: &Witness) -> impl Iterator<Item = &KeyNow> {
    witness.reads.iter().flat_map(|read| &read.keys)
}

fn told(version: Option<&Version>) -> String {
    version.map_or_else(|| "nothing".to_owned(), |version| format!("version {}", version.id))
}
