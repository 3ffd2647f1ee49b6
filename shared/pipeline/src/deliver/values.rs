//! The values of one declaration, none older than what was written.
//!
//! An answer that is older than what was written comes from a replica that lags, or from a store that was restored.
//! A lag ends within minutes; a restored store is followed.

use crate::deliver::catch::Catch;
use crate::deliver::plan::{Plan, Question};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::declaration::DeletionPolicy;
use pawl_domain::provider::Order;
use pawl_domain::render::Entry;
use pawl_domain::{Fetched, Found, Kind, Read, Step, Values, Version, VersionSelector, Versions};
use pawl_ports::Error;

/// How long a replica may lag. A store that gives an older version for longer was put back by somebody.
const LONGEST_LAG: SignedDuration = SignedDuration::from_mins(5);

/// Whether versions older than what was written are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    /// Somebody said so.
    pub(crate) accept_older: bool,
    pub(crate) now: Timestamp,
}

impl Catch {
    /// The values of a declaration, in the order of its reads.
    ///
    /// # Errors
    /// The first read that failed: of a missing key only where deletionPolicy does not tolerate it. `Stale` when a
    /// numbered version is older than the one that was written, and may have been read from a replica that lags.
    pub(crate) fn values(&self, plan: &Plan, guard: Guard) -> Result<Values, Error> {
        let declaration = &plan.declaration;
        let tolerant = declaration.target.deletion != DeletionPolicy::Retain;
        let last = plan.own_record().filter(|record| {
            let lagging = |since: Timestamp| guard.now.duration_since(since) < LONGEST_LAG;
            !guard.accept_older && record.owed.older_since.is_none_or(lagging)
        });
        let mut values = Vec::with_capacity(declaration.reads.len());
        for (position, (read, planned)) in declaration.reads.iter().zip(&plan.reads).enumerate() {
            let question = &planned.as_ref().map_err(Error::shared)?.question;
            if let Question::Generate(..) = question {
                values.push(Found::Missing);
                continue;
            }
            let caught = self.0.get(position).and_then(Option::as_ref);
            let found = match caught.and_then(|caught| caught.found(question)) {
                Some(Ok(found)) => found,
                Some(Err(error)) if tolerant && error.kind == Kind::NotFound => Found::Missing,
                Some(Err(error)) => return Err(at(read, error)),
                None => {
                    let message = format!("{}: not fetched", read.path);
                    return Err(Error::new(Step::Fetch, Kind::Transient, message));
                }
            };
            if let Some(written) = last.and_then(|record| record.versions.get(position)) {
                none_older(read, question, &found, written)?;
            }
            values.push(found);
        }
        Ok(Values(values))
    }
}

/// What a read found is nowhere older than what was written of it. Only the version in force is held to that: a label
/// goes where somebody moves it.
fn none_older(read: &Read, question: &Question, found: &Found, written: &Versions) -> Result<(), Error> {
    match (found, written) {
        (Found::One(fetched), Versions::One(written)) => match (read.remote(), question) {
            (Some(remote), Question::Key(_, want)) if want.selector == VersionSelector::Current => {
                refuse_older(&remote.key, fetched, written)
            }
            _ => Ok(()),
        },
        (Found::Many(found), Versions::Many(written)) => found.iter().try_for_each(|(name, fetched)| {
            written.get(name).map_or(Ok(()), |written| refuse_older(name, fetched, written))
        }),
        _ => Ok(()),
    }
}

/// Where versions have an order, one that is older than what was written was read from a replica that lags, or the store was
/// put back. A numbered key that was deleted and made anew starts at 1 with a later time; where no time tells that, it waits as
/// the others do.
fn refuse_older(key: &str, fetched: &Fetched, written: &Version) -> Result<(), Error> {
    let number = |id: &str| id.parse::<u64>().ok();
    let times = fetched.version.since.zip(written.since);
    let is_older = match fetched.provider.profile().order {
        Order::Number => {
            let is_smaller = number(&fetched.version.id) < number(&written.id);
            is_smaller && times.is_none_or(|(now, then)| now < then)
        }
        Order::Time => times.is_some_and(|(now, then)| now < then),
        Order::Unordered { .. } => false,
    };
    if is_older {
        let message = format!(
            "the store answers with an older version of {key} than was written; if it still does in {} minutes it is \
             taken, and with pawl sync --accept-older at once",
            LONGEST_LAG.as_mins()
        );
        return Err(Error::new(Step::Fetch, Kind::Stale, message));
    }
    Ok(())
}

/// The failure of one read, in ESO's words as far as it has any.
fn at(read: &Read, error: &Error) -> Error {
    let missing = if error.kind == Kind::NotFound { "Secret does not exist: " } else { "" };
    error.shared().within(&format!("error processing {}, err: {missing}", Entry::of(read)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::{Provider, SecretValue};

    #[test]
    fn an_older_number_is_refused_unless_it_is_known_to_have_come_later() {
        let version = |(id, second): (&str, Option<i64>)| Version {
            id: id.to_owned(),
            since: second.and_then(|second| Timestamp::from_second(second).ok()),
        };
        for (fetched, written, refused) in [
            (("2", Some(20)), ("1", Some(10)), false),
            (("1", Some(10)), ("2", Some(20)), true),
            // The key was deleted and made anew.
            (("1", Some(30)), ("2", Some(20)), false),
            (("2", None), ("1", None), false),
            (("2", None), ("2", None), false),
            // Nothing tells which it is.
            (("1", None), ("2", None), true),
            (("1", Some(30)), ("2", None), true),
        ] {
            let answer = Fetched {
                provider: Provider::Vault,
                value: SecretValue::new("x"),
                version: version(fetched),
                labels: Vec::new(),
            };
            let told = refuse_older("db", &answer, &version(written)).map_err(|error| error.kind);
            let want = if refused { Err(Kind::Stale) } else { Ok(()) };
            assert_eq!(told, want, "{fetched:?} after {written:?}");
        }
    }
}
