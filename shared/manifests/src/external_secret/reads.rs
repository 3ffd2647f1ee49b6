//! `spec.dataFrom` and `spec.data` to reads.

use super::strategies::Strategies;
use super::version::Version;
use super::{find, rewrite};
use crate::generator;
use crate::reader::{Fields, Notes, shortened};
use pawl_domain::declaration::{DeletionPolicy, Into, Target};
use pawl_domain::{GeneratorKind, Home, Namespace, ObjectName, Query, Read, Remote, StoreId};
use std::collections::BTreeSet;

/// What the entries of one ExternalSecret are read with.
pub(super) struct Stores<'a> {
    home: &'a Home,
    namespace: &'a Namespace,
    version: Version,
    /// `spec.secretStoreRef`.
    default: Option<StoreId>,
    /// Whether there is a `spec.secretStoreRef` at all; one that is wrong has been noted already.
    has_default: bool,
}

impl<'a> Stores<'a> {
    /// Reads `spec.secretStoreRef`.
    pub(super) fn of(
        spec: &mut Fields<'_>,
        home: &'a Home,
        namespace: &'a Namespace,
        version: Version,
    ) -> Self {
        let has_default = spec.has("secretStoreRef");
        let mut stores = Self { home, namespace, version, default: None, has_default };
        if let Some(fields) = spec.object("secretStoreRef") {
            stores.default = stores.named(fields);
        }
        stores
    }

    /// A `storeRef` or `secretStoreRef`. Without a kind it means a SecretStore, as in ESO.
    fn named(&self, mut fields: Fields<'_>) -> Option<StoreId> {
        let named = fields.required("name", "the store's name").is_some();
        let name: Option<ObjectName> = if named { fields.name("name") } else { None };
        let namespaced = fields.choice("kind", &[("SecretStore", true), ("ClusterSecretStore", false)]);
        fields.close();
        let namespace = namespaced.unwrap_or(true).then(|| self.namespace.clone());
        Some(StoreId { home: self.home.clone(), namespace, name: name?, generator: None })
    }

    /// The generator of an entry that asks one: its `sourceRef.generatorRef`.
    fn generator_of(&self, entry: &mut Fields<'_>) -> Option<StoreId> {
        let mut source = entry.object("sourceRef")?;
        if source.has("storeRef") {
            source.notes().error(source.path(), "must have one of storeRef and generatorRef, not both");
        }
        let named = source.object("generatorRef");
        source.close();
        let mut fields = named?;
        let api_version = fields.filled("apiVersion").unwrap_or(GENERATORS);
        if api_version != GENERATORS {
            let version = shortened(api_version);
            fields.error("apiVersion", format!("{version:?} is not known; write {GENERATORS}"));
        }
        let kind = fields.required("kind", "the generator's kind");
        let kind = kind.and_then(|name| generator::kind_of(&fields, "kind", name));
        let named = fields.required("name", "the generator's name").is_some();
        let name: Option<ObjectName> = if named { fields.name("name") } else { None };
        fields.close();
        let kind = kind?;
        let namespace = (kind != GeneratorKind::ClusterGenerator).then(|| self.namespace.clone());
        Some(StoreId { home: self.home.clone(), namespace, name: name?, generator: Some(kind) })
    }

    /// The store of one entry: its own `sourceRef.storeRef`, else the default.
    fn of_entry(&self, entry: &mut Fields<'_>) -> Option<StoreId> {
        let Some(mut source) = entry.object("sourceRef") else {
            if !self.has_default {
                entry
                    .error("sourceRef", "names no store, and spec.secretStoreRef neither; write one of them");
            }
            return self.default.clone();
        };
        if source.has("generatorRef") {
            source.error("generatorRef", "has no effect in data; write it in dataFrom");
        } else if !source.has("storeRef") {
            source.error("storeRef", "is missing; write it, or leave out sourceRef");
        }
        let store = source.object("storeRef").and_then(|fields| self.named(fields));
        source.close();
        store
    }
}

/// The reads of an ExternalSecret: `dataFrom` first, then `data`, which is laid over it.
pub(super) fn read(spec: &mut Fields<'_>, stores: &Stores<'_>, target: &Target) -> Vec<Read> {
    let from: Vec<Fields<'_>> = spec.objects("dataFrom");
    let single: Vec<Fields<'_>> = spec.objects("data");
    if from.is_empty() && single.is_empty() {
        spec.hopeless("data", "is empty, and dataFrom too; write what to read");
    }
    let single = data(single, stores, target.deletion, spec.notes());
    let from = from.into_iter().filter_map(|entry| data_from(entry, stores));
    from.chain(single).collect()
}

fn data_from(mut entry: Fields<'_>, stores: &Stores<'_>) -> Option<Read> {
    let generated = asks_generator(&mut entry);
    let given: Vec<&str> = [
        ("extract", entry.has("extract")),
        ("find", entry.has("find")),
        ("sourceRef.generatorRef", generated),
    ]
    .into_iter()
    .filter_map(|(field, there)| there.then_some(field))
    .collect();
    match given[..] {
        [] if entry.has("sourceRef") => {
            let message = "reads nothing from its store; write extract or find, or remove it";
            entry.notes().warning(entry.path(), message);
        }
        [] => entry.hopeless("extract", "is missing, and find too; write what to read"),
        [_] => {}
        [first, second, ..] => {
            entry.hopeless(first, format!("does not go with {second} in one entry; write two entries"));
        }
    }
    let store = if generated { stores.generator_of(&mut entry) } else { stores.of_entry(&mut entry) };
    let path = entry.path().to_owned();
    let extract = entry.object("extract").map(|fields| remote(fields, stores.version));
    let find = entry.object("find").map(|fields| find::read(fields, stores.version));
    let rewrite = rewrite::read(&mut entry, stores.version);
    entry.close();
    // Of both, ESO serves the search.
    let (query, strategies) = match (find, extract) {
        (Some((find, strategies)), _) => (Query::Find(find), strategies),
        (None, None) if generated => (Query::Generate, Strategies::default()),
        (None, extract) => extract?.map(|(remote, strategies)| (Query::Key(remote), strategies))?,
    };
    let Strategies { conversion, decoding, null_bytes } = strategies;
    let into = Into::Every { conversion, rewrite };
    Some(Read { path, store: store?, query, into, decoding, null_bytes })
}

/// The one version of generators.
const GENERATORS: &str = "generators.external-secrets.io/v1alpha1";

/// Whether the entry asks a generator.
fn asks_generator(entry: &mut Fields<'_>) -> bool {
    let source = entry.value("sourceRef");
    source.is_some_and(|source| source.get("generatorRef").is_some_and(|found| !found.is_null()))
}

fn data(entries: Vec<Fields<'_>>, stores: &Stores<'_>, deletion: DeletionPolicy, notes: &Notes) -> Vec<Read> {
    let mut seen = BTreeSet::new();
    let mut reads = Vec::new();
    for mut entry in entries {
        let key = entry.data_key("secretKey", "a key of the Secret");
        // Under the other policies ESO lets the last entry win.
        if let Some(key) = key
            && !seen.insert(key)
            && deletion == DeletionPolicy::Retain
        {
            notes.hopeless(
                entry.path_of("secretKey"),
                format!("{key:?} is written twice; remove one of the entries"),
            );
        }
        if !entry.has("remoteRef") {
            entry.error("remoteRef", "is missing; write which key to read");
        }
        let store = stores.of_entry(&mut entry);
        let path = entry.path().to_owned();
        let remote = entry.object("remoteRef").and_then(|fields| remote(fields, stores.version));
        entry.close();
        if let (Some(key), Some(store), Some((remote, strategies))) = (key, store, remote) {
            // The key that is written is given, so there is nothing for the conversion strategy to convert.
            let Strategies { conversion: _, decoding, null_bytes } = strategies;
            let (query, into) = (Query::Key(remote), Into::Key(key.to_owned()));
            reads.push(Read { path, store, query, into, decoding, null_bytes });
        }
    }
    reads
}

/// `remoteRef` or `extract`.
fn remote(mut fields: Fields<'_>, version: Version) -> Option<(Remote, Strategies)> {
    // An empty key is one: the store's prefix may be the whole name.
    let key = fields.given("key", "the secret's name or ARN").map(str::to_owned);
    let property = fields.filled("property").map(str::to_owned);
    let of_version = fields.filled("version").map(str::to_owned);
    let metadata = fields.choice("metadataPolicy", &[("None", false), ("Fetch", true)]).unwrap_or_default();
    let strategies = Strategies::read(&mut fields, version);
    fields.close();
    Some((Remote { key: key?, property, version: of_version, metadata }, strategies))
}
