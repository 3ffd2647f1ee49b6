//! Reads answered with the values that were given, as the store that they name would answer them.

use super::values::{Given, Keys, Known};
use pawl_domain::declaration::Find;
use pawl_domain::entries::Entries;
use pawl_domain::item::Item;
use pawl_domain::provider::{self, Profile};
use pawl_domain::store::{AwsAuth, AwsDeletion, AwsService, AwsStore, SessionTagsPolicy};
use pawl_domain::{
    Declaration, Fetched, Found, Generator, Provider, Query, Read, Remote, SecretValue, Store, StoreId,
    Version, VersionSelector,
};
use pawl_golang::json::{self, Html};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All that there is to answer with.
pub(super) struct Lookup<'a> {
    pub(super) given: &'a Given,
    pub(super) stores: &'a BTreeMap<StoreId, Store>,
}

impl Lookup<'_> {
    /// What a read gives. A key that is not there is missing, as a store would say.
    pub(super) fn found(&self, read: &Read) -> Found {
        let assumed;
        let store = match self.stores.get(&read.store) {
            Some(store) => store,
            None => {
                assumed = secrets_manager(&read.store);
                &assumed
            }
        };
        let given = self.given.of(read.store.name.as_str());
        let own = Known::of_entries(store.backend.values().unwrap_or_default());
        match &read.query {
            Query::Key(remote) => key(store, given, remote).or_else(|| key(store, &own, remote)),
            // What was given counts before what stands in a store's manifest.
            Query::Find(find) => {
                let mut found = search(store, &own, find);
                found.extend(search(store, given, find));
                Some(Found::Many(found))
            }
            Query::Generate => Some(Found::Many(self.made(store, &own))),
        }
        .unwrap_or(Found::Missing)
    }

    /// The generators of which neither the manifest nor what was given says what they make.
    pub(super) fn of_unknown_keys(&self, declaration: &Declaration) -> Vec<StoreId> {
        let is_unknown = |id: &StoreId| {
            let generator = self.stores.get(id).and_then(|store| store.backend.as_generator());
            generator.is_some_and(|it| it.keys().is_none()) && self.given.of_only(id.name.as_str()).is_none()
        };
        declaration.stores().into_iter().filter(is_unknown).collect()
    }

    /// What stands for what a generator makes, for nothing is made to be shown: what was given for it by its name, else what
    /// stands in its manifest, else a text that says who makes it.
    fn made(&self, store: &Store, own: &Keys) -> BTreeMap<String, Arc<Fetched>> {
        let keys = store.backend.as_generator().and_then(Generator::keys).unwrap_or_default();
        let text = SecretValue::new(format!("made by {} {}", store.id.kind(), store.id.name));
        let stand_in = keys.into_iter().map(|key| (key.to_owned(), fetched(Provider::Generator, &text)));
        let known = |(key, known): (&String, &Known)| {
            Some((key.clone(), fetched(Provider::Generator, known.value(None)?)))
        };
        let given = self.given.of_only(store.id.name.as_str());
        stand_in.chain(own.iter().chain(given.into_iter().flatten()).filter_map(known)).collect()
    }
}

/// Keys are given as they are declared, or in another way that means the same to their store: with its prefix or
/// mount, or without.
fn key(store: &Store, keys: &Keys, remote: &Remote) -> Option<Found> {
    let whole = store.remote_key(&remote.key);
    let same = |(key, _): &(&String, &Known)| **key == whole || store.remote_key(key) == whole;
    let known = keys.get(&remote.key).or_else(|| keys.iter().find(same).map(|(_, known)| known))?;
    let provider = store.location().provider;
    if remote.metadata {
        return Some(Found::One(Arc::new(Fetched::of_tags(provider, &known.tags))));
    }
    let version = match remote.selector(store) {
        VersionSelector::Current => None,
        VersionSelector::Label(_) | VersionSelector::Id(_) => remote.version.as_deref(),
    };
    known.value(version).map(|value| Found::One(fetched(provider, value)))
}

fn search(store: &Store, keys: &Keys, find: &Find) -> BTreeMap<String, Arc<Fetched>> {
    let provider = store.location().provider;
    let search = store.backend.search(find);
    let mut found = BTreeMap::new();
    for (key, known) in keys {
        let tagged = find.tags.iter().all(|(tag, value)| known.tags.get(tag) == Some(value));
        let Some(value) = known.last(provider.profile().finds_last_version).filter(|_| tagged) else {
            continue;
        };
        if search.finds(&store.backend.listed_name(key)) {
            found.insert(store.backend.found_name(key), fetched(provider, value));
        }
    }
    found
}

fn fetched(provider: Provider, value: &SecretValue) -> Arc<Fetched> {
    let Profile { writes_objects_anew: anew, lookup, .. } = provider.profile();
    let object = anew.then(|| json::rewrite(value.expose(), Html::Escape).ok()).flatten();
    let value = match (object, lookup) {
        (Some(object), _) => SecretValue::new(object),
        (None, provider::Lookup::Entries) => {
            Entries::of_texts(value).map_or_else(|_| value.clone(), |entries| entries.to_value())
        }
        (None, provider::Lookup::Item) => {
            Item::of_texts(value).unwrap_or_else(|_| Item::of_one(value.clone())).to_value()
        }
        (None, _) => value.clone(),
    };
    let version = Version { id: "given".to_owned(), since: None };
    Arc::new(Fetched { provider, value, version, labels: Vec::new() })
}

/// The store that one is taken for that is not among the files.
fn secrets_manager(id: &StoreId) -> Store {
    let aws = AwsStore {
        service: AwsService::SecretsManager,
        region: String::new(),
        auth: AwsAuth::Ambient,
        role: None,
        additional_roles: Vec::new(),
        external_id: None,
        session_tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        session_tags_policy: SessionTagsPolicy::None,
        prefix: None,
        max_retries: None,
        deletion: AwsDeletion::Default,
    };
    Store { id: id.clone(), backend: aws.into(), conditions: Vec::new(), labels: [].into(), set: None }
}
