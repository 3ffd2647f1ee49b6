//! What a key means, what a search finds, what a listing tells. Source: ESO's Azure provider, version 2.9.

use super::api::{Answered, Api, Bundle, Facts, Item, is_of_disabled, is_of_token};
use super::jwk;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::store::{AzureKvStore, AzureObject};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, Version, VersionSelector};
use pawl_ports::{Error, Listed, Listing, Part, Wanted};
use std::collections::{BTreeMap, BTreeSet};

/// A version and what is known of it, once asked for.
struct Read {
    value: Result<SecretValue, Error>,
    version: Version,
    facts: Facts,
}

impl Api {
    /// One answer for each of these, in order. Value and tags of one version are one call.
    ///
    /// # Errors
    /// When the token is refused.
    pub(super) async fn values(&self, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let distinct: BTreeSet<_> = wanted.iter().map(|one| (one.key.as_str(), &one.selector)).collect();
        let distinct: Vec<_> = distinct.into_iter().collect();
        let calls: Vec<_> = distinct.iter().map(|(key, selector)| self.version(key, selector)).collect();
        let read: Vec<_> = stream::iter(calls).buffered(self.at_a_time()).collect().await;
        if let Some(refused) =
            read.iter().filter_map(|read| read.as_ref().err()).find(|error| is_of_token(error))
        {
            return Err(refused.shared());
        }
        let of = |one: &Wanted| {
            let asked = (one.key.as_str(), &one.selector);
            match distinct.binary_search(&asked).ok().map(|place| &read[place]) {
                Some(Ok(read)) => self.part(read, one.part),
                Some(Err(error)) => Err(error.shared()),
                None => Err(self.call(AzureObject::Secret, "get", &one.key).unreadable()),
            }
        };
        Ok(wanted.iter().map(of).collect())
    }

    fn part(&self, read: &Read, part: Part) -> Result<Fetched, Error> {
        match part {
            Part::Metadata => {
                Ok(Fetched::of_tags(Provider::AzureKv, &read.facts.metadata(self.store.use_azure_sdk)))
            }
            Part::Value => {
                let value = read.value.as_ref().map_err(Error::shared)?.clone();
                let version = read.version.clone();
                Ok(Fetched { provider: Provider::AzureKv, value, version, labels: Vec::new() })
            }
        }
    }

    async fn version(&self, key: &str, selector: &VersionSelector) -> Result<Read, Error> {
        let refused = |what| Err(self.call(AzureObject::Secret, "get", key).error(Kind::Invalid, what));
        let Some((kind, name)) = AzureObject::of_key(key) else {
            return refused(
                "a vault has no such kind of object; write secret/, key/ or cert/ before the name",
            );
        };
        let version = match selector {
            VersionSelector::Current => None,
            VersionSelector::Id(id) if AzureKvStore::is_version(id) => Some(id.as_str()),
            VersionSelector::Id(_) | VersionSelector::Label(_) => {
                return refused(
                    "its version is none of a vault, which has 32 hexadecimal digits; correct it",
                );
            }
        };
        self.read_of(kind, name, self.object(kind, name, version).await?)
    }

    fn read_of(&self, kind: AzureObject, name: &str, answered: Answered) -> Result<Read, Error> {
        let Answered { bundle, at } = answered;
        let subject = kind.key(name);
        let unreadable = || self.call(kind, "get", &subject).unreadable();
        let id = bundle.version().ok_or_else(unreadable)?.to_owned();
        let since = bundle.facts.attributes.created.map(|created| since(created, at.unwrap_or(self.now)));
        let Bundle { value, cer, key, facts, .. } = bundle;
        let value = match kind {
            AzureObject::Secret => value.map(SecretValue::new),
            AzureObject::Key => key.map(|key| jwk::written(&key, self.store.use_azure_sdk)),
            AzureObject::Certificate => cer.and_then(|cer| STANDARD.decode(cer).ok()).map(SecretValue::new),
        };
        let value = value.ok_or_else(unreadable);
        Ok(Read { value, version: Version { id, since: since.flatten() }, facts })
    }

    /// Every enabled secret that the criteria match. One that goes or is disabled meanwhile is left out.
    ///
    /// # Errors
    /// `Invalid` for criteria that cannot be served.
    pub(super) async fn find(&self, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = self.call(AzureObject::Secret, "list", "find");
        if let Some(refusal) = AzureKvStore::refuses(find) {
            return Err(call.error(Kind::Invalid, refusal));
        }
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let secrets = self.list(AzureObject::Secret).await?;
        let names: Vec<&str> = secrets
            .iter()
            .filter(|secret| secret.facts.attributes.enabled != Some(false) && has_tags(&secret.facts, find))
            .filter_map(Item::name)
            .filter(|name| pattern.is_match(name) && keep.allows(name))
            .collect();
        let calls: Vec<_> = names.iter().map(|name| self.version(name, &VersionSelector::Current)).collect();
        let read: Vec<_> = stream::iter(calls).buffered(self.at_a_time()).collect().await;
        let mut found = BTreeMap::new();
        for (name, read) in names.into_iter().zip(read) {
            match read.and_then(|read| self.part(&read, Part::Value)) {
                Ok(fetched) => drop(found.insert(name.to_owned(), fetched)),
                Err(error) if error.kind == Kind::NotFound || is_of_disabled(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// All objects that may be listed. Secrets must be; an identity that reads no keys or certificates may list none.
    pub(super) async fn listing(&self) -> Result<Listing, Error> {
        let kinds = [AzureObject::Secret, AzureObject::Key, AzureObject::Certificate];
        let (secrets, keys, certificates) =
            futures::join!(self.list(kinds[0]), self.list(kinds[1]), self.list(kinds[2]));
        let mut listed = Vec::new();
        for (kind, items) in kinds.into_iter().zip([secrets, keys, certificates]) {
            match items {
                Ok(items) => listed.extend(items.iter().filter_map(|item| self.listed(kind, item))),
                Err(error)
                    if kind != AzureObject::Secret && error.kind == Kind::Denied && !is_of_token(&error) =>
                {
                    tracing::debug!("left out of the listing: {error}");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Listing { keys: listed, complete: true })
    }

    fn listed(&self, kind: AzureObject, item: &Item) -> Option<Listed> {
        let attributes = &item.facts.attributes;
        let time = |second: Option<i64>| Timestamp::from_second(second?).ok();
        let created = time(attributes.created).unwrap_or(Timestamp::UNIX_EPOCH);
        // Keys and certificates can be read all the same.
        let is_readable = kind != AzureObject::Secret || attributes.enabled != Some(false);
        Some(Listed {
            names: BTreeSet::from([kind.key(item.name()?)]),
            version: is_readable.then(|| Version::listed_since(created)),
            changed: time(attributes.updated).max(time(attributes.created)),
            labels: Some(BTreeMap::new()),
            tags: Some(item.facts.metadata(self.store.use_azure_sdk)),
        })
    }

    fn at_a_time(&self) -> usize {
        self.link.bounds().concurrency.max(1)
    }
}

/// Whether all tags that are searched for are there, with just these values.
fn has_tags(facts: &Facts, find: &Find) -> bool {
    let value_of = |tag: &str| facts.tags.as_ref()?.get(tag)?.as_deref();
    find.tags.iter().all(|(tag, value)| value_of(tag) == Some(value))
}

/// A vault counts in seconds, and lists tell versions apart by nothing else. Until the second of a version is over for certain,
/// another one may come in it: till then it counts as a second older, so that the next listing does not take the one for the
/// other.
fn since(created: i64, now: Timestamp) -> Option<Timestamp> {
    let since = Timestamp::from_second(created).ok()?;
    let is_over = now.duration_since(since) >= SignedDuration::from_secs(2);
    if is_over { Some(since) } else { since.checked_sub(SignedDuration::from_secs(1)).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_this_moment_is_not_taken_for_the_next_one() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (created, now, want) in
            [(100, 200, 100), (100, 102, 100), (100, 101, 99), (100, 100, 99), (100, 50, 99)]
        {
            assert_eq!(since(created, at(now)), Some(at(want)), "{created} {now}");
        }
    }
}
