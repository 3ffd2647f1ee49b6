//! Fetching: each key once per identity and delivery, however many declarations and clusters want it, and never an
//! older version than the change's.

use crate::error::Error;
use crate::pipeline::{Pipeline, Stores};
use crate::ports::{Part, Ports, Sources, Wanted};
use crate::search::Finds;
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use pawl_domain::affected::concerned_reads;
use pawl_domain::declaration::DeletionPolicy;
use pawl_domain::render::Entry;
use pawl_domain::{
    Access, Change, Declaration, Fetched, Find, Found, Kind, Moved, Provider, Query, Read, Record, Remote,
    Step, Values, Version, VersionSelector, Versions,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many identities are asked at the same time, and how many searches are made.
const AT_ONCE: usize = 16;
/// Senders' clocks and stores' clocks agree to about this much.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(2);

/// What one delivery fetched: one answer for each identity and key, or search.
#[derive(Debug, Default)]
pub(crate) struct Catch {
    keys: BTreeMap<(Access, Wanted), Result<Arc<Fetched>, Error>>,
    searches: BTreeMap<(Access, Find), Result<Finds, Error>>,
}

impl<P: Ports> Pipeline<P> {
    /// Fetches everything that these declarations read.
    pub(crate) async fn fetch(
        &self,
        declarations: &[&Declaration],
        stores: &Stores,
        change: Option<&Change>,
    ) -> Catch {
        // Each question once, with whether the change concerns it.
        let mut wanted: BTreeMap<Access, BTreeMap<Wanted, bool>> = BTreeMap::new();
        let mut searches: BTreeMap<(Access, Find), bool> = BTreeMap::new();
        for declaration in declarations {
            let concerned = change.map(|it| concerned_reads(it, declaration, |id| stores.get(id)));
            for (position, read) in declaration.reads.iter().enumerate() {
                let Some(store) = stores.get(&read.store) else { continue };
                let access = store.access(&declaration.id.cluster, &declaration.id.namespace);
                let asked = match &read.query {
                    Query::Key(remote) => {
                        wanted.entry(access).or_default().entry(self::wanted(remote, store)).or_default()
                    }
                    Query::Find(find) => searches.entry((access, find.clone())).or_default(),
                };
                *asked |= concerned.as_ref().is_some_and(|reads| reads.contains(&position));
            }
        }
        let keys = stream::iter(wanted)
            .map(|(access, wanted)| self.fetch_as(access, wanted, change))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>();
        let searches = stream::iter(searches)
            .map(|((access, find), concerned)| async move {
                let found = self.search(&access, &find, change.filter(|_| concerned)).await;
                ((access, find), found)
            })
            .buffer_unordered(AT_ONCE)
            .collect();
        let (keys, searches) = futures::join!(keys, searches);
        Catch { keys: keys.into_iter().flatten().collect(), searches }
    }

    /// One key alone.
    pub(crate) async fn fetch_one(&self, access: &Access, want: &Wanted) -> Result<Fetched, Error> {
        let mut answers = self.ports.sources().fetch(access, std::slice::from_ref(want)).await;
        answers.pop().unwrap_or_else(|| Err(no_answer(want)))
    }

    async fn fetch_as(
        &self,
        access: Access,
        wanted: BTreeMap<Wanted, bool>,
        change: Option<&Change>,
    ) -> Vec<((Access, Wanted), Result<Arc<Fetched>, Error>)> {
        let (keys, concerned): (Vec<Wanted>, Vec<bool>) = wanted.into_iter().unzip();
        let answers = self.ports.sources().fetch(&access, &keys).await;
        let mut catch = Vec::with_capacity(keys.len());
        for ((want, concerned), mut answer) in keys.into_iter().zip(concerned).zip(answers) {
            if let Some(change) = change.filter(|_| concerned) {
                answer = self.at_least(change, &access, &want, answer).await;
            }
            catch.push(((access.clone(), want), answer.map(Arc::new)));
        }
        catch
    }

    /// Asks again while the answer is older than the change.
    pub(crate) async fn at_least(
        &self,
        change: &Change,
        access: &Access,
        want: &Wanted,
        mut answer: Result<Fetched, Error>,
    ) -> Result<Fetched, Error> {
        for attempt in 1..=self.settings.stale_attempts {
            match self.seen(change, access, want, &answer).await? {
                Seen::Enough => return answer,
                Seen::Exactly(fetched) => return Ok(fetched),
                Seen::Older => {}
            }
            tokio::time::sleep(self.pause(attempt)).await;
            answer = self.fetch_one(access, want).await;
        }
        match self.seen(change, access, want, &answer).await? {
            Seen::Enough => answer,
            Seen::Exactly(fetched) => Ok(fetched),
            // Event and parameter are stamped by different clocks, so this may be a mistake: a parameter's own
            // version number, compared in the ledger, is what decides.
            Seen::Older if change.version.is_none() => answer,
            Seen::Older => Err(Error::new(
                Step::Fetch,
                Kind::Stale,
                format!(
                    "the store still answers with an older version of {}; it is asked again later",
                    want.key
                ),
            )),
        }
    }

    /// Whether an answer is as new as the change. A version that the change names is read by its id where the answer
    /// holds another one: that read is exact, and its labels tell whether the version was superseded meanwhile.
    async fn seen(
        &self,
        change: &Change,
        access: &Access,
        want: &Wanted,
        answer: &Result<Fetched, Error>,
    ) -> Result<Seen, Error> {
        let fetched = match answer {
            Ok(fetched) => fetched,
            Err(error) if error.kind == Kind::NotFound && change.version.is_some() => return Ok(Seen::Older),
            Err(_) => return Ok(Seen::Enough),
        };
        if want.part == Part::Metadata {
            return Ok(Seen::Enough);
        }
        let Some(version) = &change.version else { return Ok(older_by_time(change, fetched)) };
        if fetched.version.id == *version || fetched.version.since.is_some_and(|since| since > change.at) {
            return Ok(Seen::Enough);
        }
        let label = match &want.selector {
            VersionSelector::Current if is_numbered(fetched.provider) => {
                return Ok(older_by_number(&fetched.version.id, version));
            }
            VersionSelector::Current => "AWSCURRENT",
            VersionSelector::Label(label) => label,
            VersionSelector::Id(_) => return Ok(Seen::Enough),
        };
        let exactly = Wanted { selector: VersionSelector::Id(version.clone()), ..want.clone() };
        match self.fetch_one(access, &exactly).await {
            Ok(exact) if exact.labels.iter().any(|found| found == label) => Ok(Seen::Exactly(exact)),
            Ok(_) => Ok(Seen::Enough),
            Err(error) if error.kind == Kind::NotFound => Ok(Seen::Older),
            Err(error) => Err(error),
        }
    }
}

enum Seen {
    Enough,
    Exactly(Fetched),
    Older,
}

/// Only Parameter Store reports changes without a version, and stamps each version with the time of its making.
fn older_by_time(change: &Change, fetched: &Fetched) -> Seen {
    let compared = fetched.provider == Provider::ParameterStore && change.moved == Moved::Current;
    match fetched.version.since {
        Some(since) if compared && since + CLOCK_SKEW < change.at => Seen::Older,
        _ => Seen::Enough,
    }
}

/// Whether versions are numbers that only grow while a key lives.
fn is_numbered(provider: Provider) -> bool {
    matches!(provider, Provider::ParameterStore | Provider::Vault)
}

/// A key that was deleted and made anew counts from the beginning, but its version is younger than the change.
fn older_by_number(fetched: &str, changed: &str) -> Seen {
    match (fetched.parse::<u64>(), changed.parse::<u64>()) {
        (Ok(fetched), Ok(changed)) if fetched < changed => Seen::Older,
        _ => Seen::Enough,
    }
}

fn no_answer(want: &Wanted) -> Error {
    Error::new(Step::Fetch, Kind::Transient, format!("the store gave no answer for {}", want.key))
}

impl Catch {
    /// The values of a declaration, in the order of its reads.
    ///
    /// # Errors
    /// The first read that failed: of a missing key only where deletionPolicy does not tolerate it. `Stale` when a
    /// numbered version is older than the one that `last` says was written.
    pub(crate) fn values(
        &self,
        declaration: &Declaration,
        stores: &Stores,
        last: Option<&Record>,
    ) -> Result<Values, Error> {
        let tolerant = declaration.target.deletion != DeletionPolicy::Retain;
        let last = last.filter(|record| record.declaration == declaration.digest());
        let mut values = Vec::with_capacity(declaration.reads.len());
        for (position, read) in declaration.reads.iter().enumerate() {
            let store = stores.require(&read.store)?;
            let access = store.access(&declaration.id.cluster, &declaration.id.namespace);
            let answer = match &read.query {
                Query::Key(remote) => self.key(access, wanted(remote, store)),
                Query::Find(find) => self.searched(access, find),
            };
            let found = match answer {
                Some(Ok(found)) => found,
                Some(Err(error)) if tolerant && error.kind == Kind::NotFound => Found::Missing,
                Some(Err(error)) => return Err(at(read, error)),
                None => {
                    let message = format!("{}: not fetched", read.path);
                    return Err(Error::new(Step::Fetch, Kind::Transient, message));
                }
            };
            if let Some(written) = last.and_then(|record| record.versions.get(position)) {
                none_older(read, &found, written)?;
            }
            values.push(found);
        }
        Ok(Values(values))
    }

    fn key(&self, access: Access, wanted: Wanted) -> Option<Result<Found, &Error>> {
        let answer = self.keys.get(&(access, wanted))?;
        Some(answer.as_ref().map(|fetched| Found::One(Arc::clone(fetched))))
    }

    fn searched(&self, access: Access, find: &Find) -> Option<Result<Found, &Error>> {
        let answer = self.searches.get(&(access, find.clone()))?;
        Some(answer.as_ref().map(|found| Found::Many(found.clone())))
    }
}

/// What a read found is nowhere older than what was written of it.
fn none_older(read: &Read, found: &Found, written: &Versions) -> Result<(), Error> {
    match (found, written) {
        (Found::One(fetched), Versions::One(written)) => {
            let key = read.remote().map_or("", |remote| &remote.key);
            refuse_older(key, fetched, written)
        }
        (Found::Many(found), Versions::Many(written)) => found.iter().try_for_each(|(name, fetched)| {
            written.get(name).map_or(Ok(()), |written| refuse_older(name, fetched, written))
        }),
        _ => Ok(()),
    }
}

/// Where versions are numbered upwards, a smaller number that is also older in time was read from a replica that lags.
/// A key that was deleted and made anew starts at 1 with a later time.
fn refuse_older(key: &str, fetched: &Fetched, written: &Version) -> Result<(), Error> {
    if !is_numbered(fetched.provider) {
        return Ok(());
    }
    let number = |id: &str| id.parse::<u64>().ok();
    let smaller = number(&fetched.version.id) < number(&written.id);
    let earlier = matches!((fetched.version.since, written.since), (Some(now), Some(then)) if now < then);
    if smaller && earlier {
        let message =
            format!("the store answers with an older version of {key} than was written; it is asked again");
        return Err(Error::new(Step::Fetch, Kind::Stale, message));
    }
    Ok(())
}

/// The failure of one read, in ESO's words as far as it has any.
fn at(read: &Read, error: &Error) -> Error {
    let missing = if error.kind == Kind::NotFound { "Secret does not exist: " } else { "" };
    error.shared().within(&format!("error processing {}, err: {missing}", Entry::of(read)))
}

/// What a read of one key asks of its store.
pub(crate) fn wanted(remote: &Remote, store: &pawl_domain::Store) -> Wanted {
    let part = if remote.metadata { Part::Metadata } else { Part::Value };
    Wanted { key: store.remote_key(&remote.key), selector: remote.selector(store), part }
}

/// The identities with which these declarations read a store.
pub(crate) fn accesses(declarations: &[Declaration], store: &pawl_domain::Store) -> BTreeSet<Access> {
    let reading = declarations.iter().filter(|each| each.reads.iter().any(|read| read.store == store.id));
    reading.map(|each| store.access(&each.id.cluster, &each.id.namespace)).collect()
}
