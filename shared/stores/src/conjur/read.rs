//! Which version a key means, what a search finds, what a listing tells. Source: ESO's Conjur provider, version 2.9.

use super::api::{Api, UNSEEN, Variable};
use crate::kit::together;
use pawl_domain::{Fetched, Find, Keep, Kind, SecretValue, Version, VersionSelector};
use pawl_ports::{Error, Listed, Listing, Wanted};
use std::collections::{BTreeMap, BTreeSet};

/// Up to so many keys are asked for one by one; for more the list and batches cost less.
const FEW: usize = 10;

/// The version is looked up before the value, so that a value never passes for a newer one than it is.
pub(super) async fn values(api: &Api<'_>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
    let versions = versions(api, wanted).await?;
    let is_current = |one: &Wanted| one.selector == VersionSelector::Current && !one.key.contains(',');
    let known = wanted.iter().zip(&versions).filter(|(one, version)| version.is_ok() && is_current(one));
    let current: Vec<&str> = known.map(|(one, _)| one.key.as_str()).collect();
    let batch = match current.len() > FEW {
        // One that may not be read spoils a batch. Then each is asked for by itself.
        true => api.batch(&current).await.unwrap_or_else(|error| {
            tracing::debug!("each is asked for by itself: {error}");
            BTreeMap::new()
        }),
        false => BTreeMap::new(),
    };
    let read = async |one: &Wanted, version: Result<Version, Error>| {
        let version = version?;
        let value = match batch.get(&one.key).filter(|_| is_current(one)) {
            Some(value) => value.clone(),
            None => api.value(&one.key, &version.id).await?,
        };
        Ok(api.versioned(value, version))
    };
    let calls = wanted.iter().zip(versions).map(|(one, version)| read(one, version));
    Ok(together(api.session.link.bounds(), calls).await)
}

/// The versions of these, in order.
pub(super) async fn versions(api: &Api<'_>, wanted: &[Wanted]) -> Result<Vec<Result<Version, Error>>, Error> {
    if wanted.len() <= FEW {
        let version = async |one: &Wanted| version(api, one, Some(&api.variable(&one.key).await?));
        return Ok(together(api.session.link.bounds(), wanted.iter().map(version)).await);
    }
    let all = api.variables().await?;
    let all: BTreeMap<&str, &Variable> = all.iter().map(|each| (each.id(), each)).collect();
    Ok(wanted.iter().map(|one| version(api, one, all.get(one.key.as_str()).copied())).collect())
}

fn version(api: &Api<'_>, one: &Wanted, variable: Option<&Variable>) -> Result<Version, Error> {
    let found = variable.and_then(|variable| match &one.selector {
        VersionSelector::Current => variable.version().map(|version| version.to_string()),
        VersionSelector::Id(id) | VersionSelector::Label(id) => variable.has(id).then(|| id.clone()),
    });
    let id = found.ok_or_else(|| api.call("resource", &one.key).error(Kind::Invalid, UNSEEN))?;
    Ok(Version { id, since: None })
}

/// Every variable with a value that the criteria match. Where there is none, it is an error, as in ESO: Conjur does not list
/// what the identity may not see, so that a lost permission would look like an empty answer.
pub(super) async fn find(
    api: &Api<'_>,
    find: &Find,
    keep: &Keep,
) -> Result<BTreeMap<String, Fetched>, Error> {
    let call = api.call("resources", "find");
    let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
    let all = api.variables().await?;
    let has_tags = |variable: &Variable| {
        let known = variable.annotations();
        find.tags.iter().all(|(tag, value)| known.get(tag) == Some(value))
    };
    let mut found = BTreeMap::new();
    for each in
        all.iter().filter(|each| pattern.is_match(each.id()) && has_tags(each) && keep.allows(each.id()))
    {
        found.extend(each.version().map(|version| (each.id(), version.to_string())));
    }
    if found.is_empty() {
        let what = "finds no variable with a value, or the identity may not see it; correct find, or the permissions";
        return Err(call.error(Kind::Invalid, what));
    }
    let ids: Vec<&str> = found.keys().copied().filter(|id| !id.contains(',')).collect();
    let mut values = api.batch(&ids).await?;
    let mut answer = BTreeMap::new();
    for (id, version) in found {
        let value: SecretValue = match values.remove(id) {
            Some(value) => value,
            None => api.value(id, &version).await?,
        };
        answer.insert(id.to_owned(), api.versioned(value, Version { id: version, since: None }));
    }
    Ok(answer)
}

/// All variables that the identity sees.
pub(super) async fn listing(api: &Api<'_>) -> Result<Listing, Error> {
    let listed = |variable: &Variable| Listed {
        names: BTreeSet::from([variable.id().to_owned()]),
        version: variable.version().map(|version| version.to_string()),
        changed: None,
        labels: Some(BTreeMap::new()),
        tags: Some(variable.annotations()),
    };
    Ok(Listing { keys: api.variables().await?.iter().map(listed).collect(), complete: true })
}
