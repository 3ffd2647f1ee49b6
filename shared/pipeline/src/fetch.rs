//! Fetching: each key once per identity and delivery, however many declarations and clusters want it, and never an
//! older version than the change's.

use crate::error::Error;
use crate::pipeline::{Pipeline, Stores};
use crate::ports::{Part, Ports, Sources, Wanted};
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use pawl_domain::affected::concerned_reads;
use pawl_domain::declaration::DeletionPolicy;
use pawl_domain::{
    Access, Change, Declaration, Fetched, Found, Kind, Moved, Provider, Query, Record, Remote, Step, Values,
    VersionSelector, Versions,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many identities are asked at the same time.
const ACCESSES: usize = 16;
/// Senders' clocks and stores' clocks agree to about this much.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(2);

/// What one delivery fetched: one answer for each identity and key.
#[derive(Debug, Default)]
pub(crate) struct Catch(BTreeMap<(Access, Wanted), Result<Arc<Fetched>, Error>>);

impl<P: Ports> Pipeline<P> {
    /// Fetches everything that these declarations read.
    pub(crate) async fn fetch(
        &self,
        declarations: &[&Declaration],
        stores: &Stores,
        change: Option<&Change>,
    ) -> Catch {
        let mut wanted: BTreeMap<Access, BTreeMap<Wanted, bool>> = BTreeMap::new();
        for declaration in declarations {
            let concerned = change.map(|it| concerned_reads(it, declaration, |id| stores.get(id)));
            for (position, (access, want)) in reads(declaration, stores).into_iter().enumerate() {
                let (Some(access), Some(want)) = (access, want) else { continue };
                let expected = concerned.as_ref().is_some_and(|reads| reads.contains(&position));
                *wanted.entry(access).or_default().entry(want).or_default() |= expected;
            }
        }
        let answers: Vec<_> = stream::iter(wanted)
            .map(|(access, wanted)| self.fetch_as(access, wanted, change))
            .buffer_unordered(ACCESSES)
            .collect()
            .await;
        Catch(answers.into_iter().flatten().collect())
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
    async fn at_least(
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
            let mut again = self.ports.sources().fetch(access, std::slice::from_ref(want)).await;
            answer = again.pop().unwrap_or_else(|| Err(no_answer(want)));
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
        let Some(version) = &change.version else { return Ok(older_by_time(change, fetched)) };
        if fetched.version.id == *version || fetched.version.since.is_some_and(|since| since > change.at) {
            return Ok(Seen::Enough);
        }
        let exactly = Wanted { selector: VersionSelector::Id(version.clone()), ..want.clone() };
        let label = match &want.selector {
            VersionSelector::Current => "AWSCURRENT",
            VersionSelector::Label(label) => label,
            VersionSelector::Id(_) => return Ok(Seen::Enough),
        };
        match self.ports.sources().fetch(access, &[exactly]).await.pop() {
            Some(Ok(exact)) if exact.labels.iter().any(|found| found == label) => Ok(Seen::Exactly(exact)),
            Some(Ok(_)) => Ok(Seen::Enough),
            Some(Err(error)) if error.kind == Kind::NotFound => Ok(Seen::Older),
            Some(Err(error)) => Err(error),
            None => Err(no_answer(want)),
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
        let mut values = Vec::with_capacity(declaration.reads.len());
        for (position, read) in declaration.reads.iter().enumerate() {
            let store = stores.require(&read.store)?;
            let access = store.access(&declaration.id.cluster, &declaration.id.namespace);
            let Query::Key(remote) = &read.query else {
                return Err(Error::new(
                    Step::Fetch,
                    Kind::Invalid,
                    format!("{}: find is not served yet", read.path),
                ));
            };
            match self.0.get(&(access, wanted(remote, store))) {
                Some(Ok(fetched)) => {
                    refuse_older(&remote.key, fetched, position, last)?;
                    values.push(Found::One(Arc::clone(fetched)));
                }
                Some(Err(error)) if tolerant && error.kind == Kind::NotFound => values.push(Found::Missing),
                Some(Err(error)) => return Err(at(&read.path, error)),
                None => {
                    return Err(Error::new(
                        Step::Fetch,
                        Kind::Transient,
                        format!("{}: not fetched", read.path),
                    ));
                }
            }
        }
        Ok(Values(values))
    }
}

/// Parameters are numbered upwards, so a smaller number that is also older in time was read from a replica that lags.
/// A parameter that was deleted and made anew starts at 1 with a later time.
fn refuse_older(key: &str, fetched: &Fetched, position: usize, last: Option<&Record>) -> Result<(), Error> {
    let written = last.and_then(|record| record.versions.get(position)).and_then(Versions::one);
    let Some(written) = written.filter(|_| fetched.provider == Provider::ParameterStore) else {
        return Ok(());
    };
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

fn at(path: &str, error: &Error) -> Error {
    Error::new(error.step, error.kind, format!("{path}: {}", error.message()))
}

/// With which identity and for which key each read asks; nothing for reads of unknown stores.
fn reads(declaration: &Declaration, stores: &Stores) -> Vec<(Option<Access>, Option<Wanted>)> {
    let of_read = |read: &pawl_domain::Read| match stores.get(&read.store) {
        Some(store) => (
            Some(store.access(&declaration.id.cluster, &declaration.id.namespace)),
            read.remote().map(|remote| wanted(remote, store)),
        ),
        None => (None, None),
    };
    declaration.reads.iter().map(of_read).collect()
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
