//! What searches of both services have in common.

use crate::error::Call;
use pawl_domain::declaration::NamePattern;
use pawl_domain::{Fetched, Find, Kind, VersionSelector};
use pawl_ports::{Error, Part, Wanted};
use std::collections::BTreeMap;

/// The pattern of names, of criteria that can be served. Source: ESO searches AWS by name or by tags, never by path alone.
pub(super) fn pattern(call: &Call<'_>, find: &Find) -> Result<NamePattern, Error> {
    let invalid = |what: String| Error::new(call.step, Kind::Invalid, format!("{call}: {what}"));
    if find.name.is_none() && find.tags.is_empty() {
        return Err(invalid("find names neither name nor tags; write one of them".to_owned()));
    }
    find.pattern().map_err(|error| invalid(error.to_string()))
}

/// What to ask for, to have the values of listed keys. The store's prefix is part of the names already.
pub(super) fn wanted(names: &[String]) -> Vec<Wanted> {
    let current =
        |key: &String| Wanted { key: key.clone(), selector: VersionSelector::Current, part: Part::Value };
    names.iter().map(current).collect()
}

/// What becomes of a listed key whose value may not be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Denied {
    /// The search fails.
    Fails,
    /// The key is left out.
    IsLeftOut,
}

/// The values of listed keys, by name. A key that went since it was listed, or never had a value, is left out.
pub(super) fn found(
    names: Vec<String>,
    answers: Vec<Result<Fetched, Error>>,
    denied: Denied,
) -> Result<BTreeMap<String, Fetched>, Error> {
    let mut found = BTreeMap::new();
    for (name, answer) in names.into_iter().zip(answers) {
        match answer {
            Ok(fetched) => drop(found.insert(name, fetched)),
            Err(error) if error.kind == Kind::NotFound => {}
            Err(error) if is_of_key(&error) && denied == Denied::IsLeftOut => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn is_of_key(error: &Error) -> bool {
    error.kind == Kind::Denied && error.step == pawl_domain::Step::Fetch
}

/// A missing key whose metadata is read fails the declaration whatever its deletionPolicy. Source: ESO.
pub(super) fn of_metadata<T>(answer: Result<T, Error>) -> Result<T, Error> {
    answer.map_err(|mut error| {
        if error.kind == Kind::NotFound {
            error.kind = Kind::Invalid;
        }
        error
    })
}
