//! Entries to stores, and out of them. Locations work side by side, and none of them holds up another.

use crate::base::panicked::panicked;
use crate::parts::Push;
use crate::push::note::Noted;
use crate::push::plan::{Plan, Reachable, Wanted};
use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, StreamExt, stream};
use pawl_domain::push::{PushUpdate, PushedEntry};
use pawl_domain::{Access, DeclarationId, Kind, Location, PushOutcome, Pushed, RemoteEntry, Step, StoreId};
use pawl_ports::{Error, Ports, Sink};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::{timeout, timeout_at};

/// How many entries of one location are written at a time.
const PER_LOCATION: usize = 8;
/// How long a store may take for one entry, with all its attempts.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of one entry.
enum Became {
    /// It was written.
    Written(Option<String>),
    /// The store held it already.
    Unchanged,
    /// The store has something there, which is left.
    Kept,
}

impl<P: Ports> Push<P> {
    /// Pushes these entries and notes what became of each; returns how many were written.
    pub(super) async fn push_all(
        &self,
        noted: &mut Noted,
        plan: &Plan,
        work: &[(StoreId, RemoteEntry)],
        failures: &mut Vec<Error>,
    ) -> usize {
        let update = noted.push.update;
        let mut work: Vec<_> =
            work.iter().filter_map(|key| plan.wanted.get(key).map(|wanted| (key, wanted))).collect();
        work.sort_by_key(|(_, wanted)| wanted.place);
        let acts =
            work.into_iter().map(|(key, wanted)| (key, self.push_one(wanted, update).boxed())).collect();
        let mut written = 0;
        for (key, result) in by_place(&plan.reachable, acts).await {
            let Some(wanted) = plan.wanted.get(key) else { continue };
            let known = noted.record.entry(&wanted.store, &wanted.data).cloned();
            let known =
                known.unwrap_or_else(|| PushedEntry::intended(wanted.store.clone(), wanted.data.clone()));
            let digest = wanted.pushed.as_ref().ok().map(|(_, _, digest)| digest.clone());
            let entry = match result {
                Ok(became) => {
                    let mut entry =
                        PushedEntry { data: wanted.data.clone(), stands: true, failure: None, ..known };
                    match became {
                        Became::Written(version) => {
                            written += 1;
                            (entry.version, entry.at) = (version, Some(noted.now));
                            entry.digest = digest;
                        }
                        Became::Unchanged => entry.digest = digest,
                        // What stands there is not what would be written.
                        Became::Kept => entry.digest = None,
                    }
                    entry
                }
                Err(error) => {
                    let attempts = known.failure.as_ref().map_or(0, |failure| failure.attempts);
                    let failure = Some(error.to_failure(attempts + 1));
                    note_rest(noted, &error);
                    failures.push(error);
                    // Whether it was written is not known: it is asked for the next time.
                    PushedEntry { digest: None, failure, ..known }
                }
            };
            // What cannot even be made was never in a store, unless it was before.
            if entry.stands || wanted.pushed.is_ok() {
                noted.record.put(entry);
            }
        }
        written
    }

    /// Removes what is not wanted any more and forgets it; returns how many are gone, and why others are not.
    pub(super) async fn remove_unwanted(&self, noted: &mut Noted, plan: &Plan) -> (usize, Vec<Error>) {
        let unwanted: Vec<PushedEntry> =
            noted.unwanted(plan).filter(|entry| plan.is_clear(&entry.store)).cloned().collect();
        let by_key: BTreeMap<(StoreId, RemoteEntry), PushedEntry> =
            unwanted.into_iter().map(|entry| ((entry.store.clone(), entry.data.to.clone()), entry)).collect();
        let keys: Vec<_> = by_key.keys().cloned().collect();
        let id = noted.push.id.clone();
        let acts = keys.iter().filter_map(|key| {
            let entry = by_key.get(key)?;
            Some((key, self.remove_one(entry, plan, &id).boxed()))
        });
        let acts = acts.collect();
        let (mut removed, mut failures) = (0, Vec::new());
        for (key, result) in by_place(&plan.reachable, acts).await {
            let Some(entry) = by_key.get(key) else { continue };
            match result {
                Ok(was_there) => {
                    removed += usize::from(was_there);
                    if noted.meets_others() {
                        // They may write it yet: whoever ends last removes it once more.
                        let (store, data) = (entry.store.clone(), entry.data.clone());
                        noted.record.put(PushedEntry::intended(store, data));
                        continue;
                    }
                    noted.record.entries.retain(|known| !known.is_at(&entry.store, &entry.data));
                }
                Err(error) => {
                    let error = error.within(&format!("{}: {}: ", entry.store.name, entry.data.to));
                    let attempts = entry.failure.as_ref().map_or(0, |failure| failure.attempts);
                    let failure = Some(error.to_failure(attempts + 1));
                    note_rest(noted, &error);
                    noted.record.put(PushedEntry { failure, ..entry.clone() });
                    failures.push(error);
                }
            }
        }
        (removed, failures)
    }

    /// Whether it was there to be removed: what another entry writes stays.
    async fn remove_one(&self, entry: &PushedEntry, plan: &Plan, id: &DeclarationId) -> Result<bool, Error> {
        let store = plan.reachable.store(&entry.store)?;
        if plan.writes_there(store, &entry.data.to) {
            return Ok(false);
        }
        let access = plan.reachable.access(store, &entry.data.to, id)?;
        let call = self.base.ports.sink().remove(&access, &entry.data.to);
        self.within_patience(&access, call).await.map(|()| true)
    }

    async fn push_one(&self, wanted: &Wanted, update: PushUpdate) -> Result<Became, Error> {
        let (access, pushed, _) = wanted.pushed.as_ref().map_err(Error::shared)?;
        let key = wanted.data.secret_key.as_deref().unwrap_or_default();
        let words = format!("could not write remote ref {key} to target secretstore {}: ", wanted.store.name);
        self.written(access, pushed, update).await.map_err(|error| error.within(&words))
    }

    async fn written(&self, access: &Access, pushed: &Pushed, update: PushUpdate) -> Result<Became, Error> {
        let sink = self.base.ports.sink();
        if update == PushUpdate::IfNotExists {
            let exists = self.within_patience(access, sink.exists(access, &pushed.to)).await;
            let exists =
                exists.map_err(|error| error.within("could not verify if secret exists in store: "))?;
            if exists {
                return Ok(Became::Kept);
            }
        }
        Ok(match self.within_patience(access, sink.push(access, pushed)).await? {
            PushOutcome::Written { version } => Became::Written(version),
            PushOutcome::Unchanged => Became::Unchanged,
        })
    }

    /// A call to a store, through its circuit breaker, that ends in time and whose panic is its own failure.
    async fn within_patience<T>(
        &self,
        access: &Access,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let call = async {
            match timeout(PATIENCE, AssertUnwindSafe(call).catch_unwind()).await {
                Ok(Ok(answer)) => answer,
                // What the panic says may hold a value.
                Ok(Err(_)) => Err(panicked(Step::Push)),
                Err(_) => {
                    let message = "the store did not answer in time; it is asked again";
                    Err(Error::new(Step::Push, Kind::Unreachable, message))
                }
            }
        };
        let asked = self.base.at_store(access, call);
        let Some(until) = self.base.until else { return asked.await };
        // Our own end is no failure of the store's.
        timeout_at(until, asked).await.unwrap_or_else(|_| {
            let message = "there was no time left for it; the next pass goes on";
            Err(Error::new(Step::Push, Kind::Transient, message))
        })
    }
}

/// An entry of a store.
type Key<'a> = &'a (StoreId, RemoteEntry);
/// What is done for one entry.
type Act<'a, T> = (Key<'a>, BoxFuture<'a, T>);

/// What is done at one location, by keys.
type AtLocation<'a, T> = BTreeMap<String, Vec<BoxFuture<'a, (Key<'a>, T)>>>;

/// Does something for each entry: side by side for each location, and for so many of its keys at a time. Entries of one key
/// take turns in the order given, since each reads the value that the one before it wrote. What comes of it is in the order
/// of the entries, so that equal failures are told in equal words.
async fn by_place<'a, T: Send + 'a>(reachable: &Reachable, acts: Vec<Act<'a, T>>) -> Vec<(Key<'a>, T)> {
    let mut locations: BTreeMap<Option<Location>, AtLocation<'a, T>> = BTreeMap::new();
    for (entry, act) in acts {
        let (location, key) = reachable.place(&entry.0, &entry.1);
        let keys = locations.entry(location).or_default();
        keys.entry(key).or_default().push(act.map(move |done| (entry, done)).boxed());
    }
    let mut each: Vec<BoxFuture<'a, Vec<_>>> = Vec::new();
    for keys in locations.into_values() {
        let turns = keys.into_values().map(|acts| stream::iter(acts).then(|act| act).collect::<Vec<_>>());
        each.push(stream::iter(turns).buffer_unordered(PER_LOCATION).concat().boxed());
    }
    let mut done: Vec<_> = join_all(each).await.into_iter().flatten().collect();
    done.sort_by_key(|(key, _)| *key);
    done
}

/// A server that asks for a pause gets it.
fn note_rest(noted: &mut Noted, error: &Error) {
    let until = error.retry_after().and_then(|pause| noted.now.checked_add(pause).ok());
    noted.record.not_before = noted.record.not_before.max(until);
}
