//! `spec.provider.fake`: the store whose values stand in its manifest, to try declarations and templates out with.
//!
//! Its values are no secrets: they are kept wherever manifests are kept. Nothing is asked of anybody, so nothing here
//! waits or fails for a moment. The values come with the access, and an edited manifest is another access: what was
//! read through one never changes. That is why only its first listing tells of anything, and why the registry, which
//! follows the manifest, is what makes declarations follow it.
//!
//! Neighbours: beside `aws` and `vault` under the runtime, which hands each access to the adapter of its backend. Start
//! reading at [`FakeSources`].

mod entries;

use entries::{current, fetched, found};
use jiff::Timestamp;
use pawl_domain::store::FakeStore;
use pawl_domain::{Access, Fetched, Find, Keep, Kind, Provider, Step, Version};
use pawl_ports::{Error, Listed, Listing, Sources, Wanted};
use std::collections::{BTreeMap, BTreeSet};

/// Stores of manifests as [`Sources`].
///
/// As in ESO, a key is read by its name and its exact version, a search goes by name alone and takes the last version
/// of each key in the order of text (`v2` is after `v10`), and metadata is the value. A version's id is a digest of its
/// value.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeSources;

impl Sources for FakeSources {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::Fake]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        manifest(access).map(drop)
    }

    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        wanted.iter().map(|one| fetched(manifest(access)?, one)).collect()
    }

    async fn find(
        &self,
        access: &Access,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let mut found = found(manifest(access)?, find)?;
        found.retain(|name, _| keep.allows(name));
        Ok(found)
    }

    async fn changed_since(&self, access: &Access, since: Option<Timestamp>) -> Result<Listing, Error> {
        let store = manifest(access)?;
        let keys: BTreeSet<&str> = store.data.iter().map(|entry| entry.key.as_str()).collect();
        let listed = keys.into_iter().filter(|_| since.is_none()).map(|key| Listed {
            names: BTreeSet::from([key.to_owned()]),
            version: current(store, key).map(|fetched| fetched.version.id),
            changed: None,
            labels: None,
            tags: None,
        });
        Ok(Listing { keys: listed.collect(), complete: since.is_none() })
    }

    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        wanted.iter().map(|one| Ok(fetched(manifest(access)?, one)?.version)).collect()
    }
}

/// What stands in the manifest.
fn manifest(access: &Access) -> Result<&FakeStore, Error> {
    access.backend.as_fake().ok_or_else(|| {
        let message = format!("{}: not a store of spec.provider.fake", access.backend.location());
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::store::FakeEntry;
    use pawl_domain::{Grant, VersionSelector};
    use pawl_ports::Part;

    fn access(values: &[(&str, &str)]) -> Access {
        let entry = |(key, value): &(&str, &str)| FakeEntry {
            key: (*key).to_owned(),
            value: (*value).to_owned(),
            version: String::new(),
        };
        let store = FakeStore { data: values.iter().map(entry).collect(), ..FakeStore::default() };
        Access { backend: store.into(), cluster: None, namespace: None, tags: None, grant: Grant::default() }
    }

    #[tokio::test]
    async fn each_key_is_answered_alone_and_in_order() {
        let (access, part) = (access(&[("a", "A"), ("b", "B")]), Part::Value);
        let wanted = ["b", "none", "a"].map(|key| Wanted {
            key: key.to_owned(),
            selector: VersionSelector::Current,
            part,
        });
        let told = |answer: Result<Fetched, Error>| match answer {
            Ok(fetched) => (fetched.value.expose_str().unwrap().to_owned(), Ok(fetched.version.id)),
            Err(error) => (error.to_string(), Err(error.kind)),
        };
        let answers: Vec<_> = FakeSources.fetch(&access, &wanted).await.into_iter().map(told).collect();
        let texts: Vec<_> = answers.iter().map(|(text, _)| text.as_str()).collect();
        let missing = "fake: none: no entry without a version stands in the store; add it, or correct the key or version";
        assert_eq!(texts, ["B", missing, "A"]);
        let versions = FakeSources.versions(&access, &wanted).await;
        let versions: Vec<_> = versions
            .into_iter()
            .map(|answer| answer.map(|version| version.id).map_err(|error| error.kind))
            .collect();
        let want: Vec<_> = answers.into_iter().map(|(_, version)| version).collect();
        assert_eq!((&versions, versions[1].clone()), (&want, Err(Kind::NotFound)));
    }

    #[tokio::test]
    async fn what_stands_in_a_manifest_changes_with_it_alone() {
        let (before, after) = (access(&[("a", "A"), ("a", "B")]), access(&[("a", "A")]));
        assert_ne!(before, after);
        let all = FakeSources.changed_since(&before, None).await.unwrap();
        assert_eq!((all.keys.len(), all.complete), (1, true));
        assert!(all.keys[0].names.contains("a") && all.keys[0].version.is_some());
        let later = FakeSources.changed_since(&before, Some(Timestamp::MIN)).await.unwrap();
        assert_eq!(later, Listing { keys: Vec::new(), complete: false });
    }
}
