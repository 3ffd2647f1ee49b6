//! `spec.dataFrom` and `spec.data` to reads.

use super::reader::{Fields, Notes, shortened};
use pawl_domain::declaration::{Decoding, DeletionPolicy, Into, KeyConversion, NullBytes, Target};
use pawl_domain::{Home, Namespace, ObjectName, Query, Read, Remote, StoreId};
use std::collections::BTreeSet;

/// The longest key of a Secret, in bytes (Kubernetes' validation of ConfigMap keys).
const LONGEST_KEY: usize = 253;

/// Which stores the entries of one ExternalSecret may mean.
pub(super) struct Stores<'a> {
    home: &'a Home,
    namespace: &'a Namespace,
    /// `spec.secretStoreRef`.
    default: Option<StoreId>,
    /// Whether there is a `spec.secretStoreRef` at all; one that is wrong has been noted already.
    has_default: bool,
}

impl<'a> Stores<'a> {
    /// Reads `spec.secretStoreRef`.
    pub(super) fn of(spec: &mut Fields<'_>, home: &'a Home, namespace: &'a Namespace) -> Self {
        let mut stores = Self { home, namespace, default: None, has_default: spec.has("secretStoreRef") };
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
        Some(StoreId { home: self.home.clone(), namespace, name: name? })
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
        source.unsupported("generatorRef");
        if !source.has("storeRef") && !source.has("generatorRef") {
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
        spec.error("data", "is empty, and dataFrom too; write what to read");
    }
    let single = data(single, stores, target.deletion, spec.notes());
    let from = from.into_iter().filter_map(|entry| data_from(entry, stores));
    from.chain(single).collect()
}

fn data_from(mut entry: Fields<'_>, stores: &Stores<'_>) -> Option<Read> {
    entry.unsupported("find");
    if !entry.list("rewrite").is_empty() {
        entry.unsupported("rewrite");
    }
    if entry.has("find") && entry.has("extract") {
        entry.error("extract", "does not go with find in one entry; write two entries");
    }
    let generated = generator(&mut entry);
    if !entry.has("extract") && !entry.has("find") && !generated {
        entry.error("extract", "is missing; write which key to read");
    }
    let store = stores.of_entry(&mut entry);
    let path = entry.path().to_owned();
    let remote = entry.object("extract").and_then(remote);
    entry.close();
    let Entry { key, property, version, conversion } = remote?;
    let query = Query::Key(Remote { key, property, version, metadata: false });
    let into = Into::Every { conversion, rewrite: Vec::new() };
    let (decoding, null_bytes) = (Decoding::None, NullBytes::Ignore);
    Some(Read { path, store: store?, query, into, decoding, null_bytes })
}

/// Whether the entry asks a generator, which is noted where its store is read.
fn generator(entry: &mut Fields<'_>) -> bool {
    let source = entry.value("sourceRef");
    source.is_some_and(|source| source.get("generatorRef").is_some_and(|found| !found.is_null()))
}

fn data(entries: Vec<Fields<'_>>, stores: &Stores<'_>, deletion: DeletionPolicy, notes: &Notes) -> Vec<Read> {
    let mut seen = BTreeSet::new();
    let mut reads = Vec::new();
    for mut entry in entries {
        let key = entry.required("secretKey", "a key of the Secret").filter(|key| is_key(&entry, key));
        // Under the other policies ESO lets the last entry win.
        if let Some(key) = key
            && !seen.insert(key)
            && deletion == DeletionPolicy::Retain
        {
            notes.error(
                entry.path_of("secretKey"),
                format!("{key:?} is written twice; remove one of the entries"),
            );
        }
        if !entry.has("remoteRef") {
            entry.error("remoteRef", "is missing; write which key to read");
        }
        let store = stores.of_entry(&mut entry);
        let path = entry.path().to_owned();
        // The key that is written is given, so there is nothing for the conversion strategy to convert.
        let remote = entry.object("remoteRef").and_then(remote);
        entry.close();
        if let (Some(into), Some(store), Some(remote)) = (key, store, remote) {
            let Entry { key, property, version, conversion: _ } = remote;
            let query = Query::Key(Remote { key, property, version, metadata: false });
            let into = Into::Key(into.to_owned());
            let (decoding, null_bytes) = (Decoding::None, NullBytes::Ignore);
            reads.push(Read { path, store, query, into, decoding, null_bytes });
        }
    }
    reads
}

/// ESO's pattern for `secretKey`; the three last rules are the API server's, which would refuse each write.
fn is_key(entry: &Fields<'_>, key: &str) -> bool {
    let wrong = if key.len() > LONGEST_KEY {
        "is longer than 253 bytes"
    } else if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        "may only have letters, digits, '-', '_' and '.'"
    } else if key == "." || key.starts_with("..") {
        "may not be '.' nor begin with '..'"
    } else {
        return true;
    };
    entry.error("secretKey", format!("{:?} {wrong}", shortened(key)));
    false
}

/// `remoteRef` or `extract`.
struct Entry {
    key: String,
    property: Option<String>,
    version: Option<String>,
    conversion: Option<KeyConversion>,
}

fn remote(mut fields: Fields<'_>) -> Option<Entry> {
    // An empty key is one: the store's prefix may be the whole name.
    if !fields.has("key") {
        fields.error("key", "is missing; write the secret's name or ARN");
    }
    let key = fields.text("key").map(str::to_owned);
    let property = fields.filled("property").map(str::to_owned);
    let version = fields.filled("version").map(str::to_owned);
    let conversions = [("Default", KeyConversion::Default), ("Unicode", KeyConversion::Unicode)];
    let conversion = fields.choice("conversionStrategy", &conversions);
    for (field, supported, choices) in STRATEGIES {
        let choices: Vec<(&str, bool)> = choices.iter().map(|word| (*word, *word == supported)).collect();
        if fields.choice(field, &choices) == Some(false) {
            fields.error(field, format!("only {supported} is supported yet; leave this object to ESO"));
        }
    }
    fields.close();
    Some(Entry { key: key?, property, version, conversion })
}

/// Fields with one value that Pawl serves, and all that ESO knows.
const STRATEGIES: [(&str, &str, &[&str]); 3] = [
    ("metadataPolicy", "None", &["None", "Fetch"]),
    ("decodingStrategy", "None", &["Auto", "Base64", "Base64URL", "None"]),
    ("nullBytePolicy", "Ignore", &["Ignore", "Fail"]),
];
