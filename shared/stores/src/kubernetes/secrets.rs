//! What of a Secret is read, and what a search finds. Source: ESO's Kubernetes provider, version 2.9.

use super::api::{Api, Collection, Form, Metadata};
use super::watch::Watch;
use crate::kit::Reply;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::entries::Entries;
use pawl_domain::store::KubernetesStore;
use pawl_domain::{DigestKey, Fetched, Find, Keep, Kind, SecretValue, Version};
use pawl_ports::{Error, Listed, Listing, Part, Wanted};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The Secrets of one store.
pub(super) struct Secrets {
    pub(super) api: Api,
    pub(super) store: KubernetesStore,
    pub(super) digest_key: DigestKey,
}

#[derive(Deserialize)]
struct Wire {
    data: Option<BTreeMap<String, Packed>>,
}

/// A value in base64.
struct Packed(SecretValue);

impl Secrets {
    /// The values of these, one answer for each, in order.
    ///
    /// # Errors
    /// When the credentials are refused.
    pub(super) async fn values(&self, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        self.api.each(wanted.iter().map(|one| self.value(one)).collect()).await
    }

    /// The same of their versions.
    ///
    /// # Errors
    /// When the credentials are refused.
    pub(super) async fn versions(&self, wanted: &[Wanted]) -> Result<Vec<Result<Version, Error>>, Error> {
        self.api.each(wanted.iter().map(|one| self.version(one)).collect()).await
    }

    /// Every Secret that has the labels, or where none are asked for, the name. Its name is what ESO calls it.
    ///
    /// # Errors
    /// `Invalid` for criteria that cannot be served.
    pub(super) async fn find(&self, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = self.api.call("list", "find");
        if let Some(refusal) = self.store.refuses(find) {
            return Err(call.error(Kind::Invalid, refusal));
        }
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let labels: Vec<_> = find.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let listed = self.api.list(self.collection(), &labels.join(",")).await?;
        let is_found = |name: &String| {
            (!labels.is_empty() || pattern.is_match(name)) && keep.allows(&key_of(&self.store, name))
        };
        let names: Vec<String> = listed.into_iter().map(|metadata| metadata.name).filter(is_found).collect();
        let values = self.api.each(names.iter().map(|name| self.named(name)).collect()).await?;
        let mut found = BTreeMap::new();
        for (name, value) in names.into_iter().zip(values) {
            match value {
                Ok(fetched) => drop(found.insert(name, fetched)),
                // It went meanwhile.
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// All Secrets, with their labels and versions.
    pub(super) async fn listing(&self) -> Result<Listing, Error> {
        let listed = |metadata: Metadata| Listed {
            names: BTreeSet::from([key_of(&self.store, &metadata.name)]),
            version: Some(metadata.version()),
            changed: None,
            labels: Some(BTreeMap::new()),
            tags: Some(self.tags(&metadata)),
        };
        let all = self.api.list(self.collection(), "").await?;
        Ok(Listing { keys: all.into_iter().map(listed).collect(), complete: true })
    }

    /// Begins to watch all of them, as [`Api::watch`] says.
    pub(super) async fn watch(self, from: Option<String>) -> Result<Option<Watch>, Error> {
        let Self { api, store, .. } = self;
        api.watch(collection(&store), from).await
    }

    /// Whether the identity may get Secrets. Source: ESO's check of a store.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let at = self.collection();
        match self.api.rules_let("get", at).await? || self.api.may("get", at).await? {
            true => Ok(()),
            false => Err(self.api.not_allowed("get", at)),
        }
    }

    async fn value(&self, wanted: &Wanted) -> Result<Fetched, Error> {
        let name = self.name_of(&wanted.key)?;
        match wanted.part {
            Part::Value => self.named(name).await,
            Part::Metadata => {
                let metadata = self.about(name).await?;
                let (labels, annotations) = (metadata.labels.as_ref(), metadata.annotations.as_ref());
                let value = Entries::about(labels, annotations).to_value();
                Ok(self.fetched(value, self.version_of_tags(&metadata)))
            }
        }
    }

    async fn version(&self, wanted: &Wanted) -> Result<Version, Error> {
        let metadata = self.about(self.name_of(&wanted.key)?).await?;
        let id = match wanted.part {
            Part::Value => metadata.version(),
            Part::Metadata => self.version_of_tags(&metadata),
        };
        Ok(Version { id, since: None })
    }

    /// The value of a Secret: all of its entries.
    async fn named(&self, name: &str) -> Result<Fetched, Error> {
        let at = self.collection();
        let reply = self.present(name, Form::Whole).await?;
        let metadata = self.api.metadata(at, name, &reply)?;
        let entries = entries(&reply).ok_or_else(|| self.api.call("get", name).unreadable())?;
        Ok(self.fetched(entries.to_value(), metadata.version()))
    }

    async fn about(&self, name: &str) -> Result<Metadata, Error> {
        let reply = self.present(name, Form::Metadata).await?;
        self.api.metadata(self.collection(), name, &reply)
    }

    async fn present(&self, name: &str, form: Form) -> Result<Reply, Error> {
        let reply = self.api.object(self.collection(), name, form).await?;
        reply.ok_or_else(|| self.api.call("get", &format!("Secret {}", key_of(&self.store, name))).missing())
    }

    /// What is remembered of labels and annotations. Labels are no secrets; of annotations, which may hold a copy of all values,
    /// a digest under the ledger's key, by a name that no label can have.
    fn tags(&self, metadata: &Metadata) -> BTreeMap<String, String> {
        let mut tags = metadata.labels.clone().unwrap_or_default();
        if let Some(annotations) = metadata.annotations.as_ref().filter(|all| !all.is_empty()) {
            let parts = annotations
                .iter()
                .fold(self.digest_key.parts(), |parts, (name, text)| parts.with(name).with(text));
            tags.insert(format!("{}/", Entries::ANNOTATIONS), parts.digest());
        }
        tags
    }

    fn version_of_tags(&self, metadata: &Metadata) -> String {
        Version::id_of_tags(&self.tags(metadata))
    }

    fn fetched(&self, value: SecretValue, id: String) -> Fetched {
        let provider = self.api.session.provider;
        Fetched { provider, value, version: Version { id, since: None }, labels: Vec::new() }
    }

    fn name_of<'k>(&self, key: &'k str) -> Result<&'k str, Error> {
        let outside = || {
            let call = self.api.call("get", key);
            call.error(Kind::Invalid, "it is no Secret of the store's remoteNamespace; correct the key")
        };
        self.store.name_of(key).filter(|name| !name.is_empty() && !name.contains('/')).ok_or_else(outside)
    }

    fn collection(&self) -> Collection<'_> {
        collection(&self.store)
    }
}

/// The key of a Secret.
pub(super) fn key_of(store: &KubernetesStore, name: &str) -> String {
    format!("{}/{name}", store.remote_namespace)
}

pub(super) fn collection(store: &KubernetesStore) -> Collection<'_> {
    let namespace = Some(store.remote_namespace.as_str());
    Collection { group: "", version: "v1", plural: "secrets", namespace }
}

/// `None` where the answer is no Secret.
fn entries(reply: &Reply) -> Option<Entries> {
    let Wire { data } = reply.object()?;
    Some(Entries(data.unwrap_or_default().into_iter().map(|(name, packed)| (name, packed.0)).collect()))
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;
        impl Visitor<'_> for Base64 {
            type Value = Packed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Packed, E> {
                let bytes = STANDARD.decode(text).map_err(|_| E::custom("no base64"))?;
                Ok(Packed(SecretValue::new(bytes)))
            }

            // Some servers send null for an empty value.
            fn visit_unit<E: serde::de::Error>(self) -> Result<Packed, E> {
                Ok(Packed(SecretValue::new("")))
            }
        }
        deserializer.deserialize_any(Base64)
    }
}
