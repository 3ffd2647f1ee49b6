//! One key: its value, its metadata, its version.

use crate::answer::{self, KeyMetadata};
use crate::call::{METADATA, READ};
use crate::link::Ask;
use crate::members;
use crate::path::{self, Branch};
use crate::rules::Rules;
use crate::session::Session;
use jiff::Timestamp;
use pawl_domain::store::{Backend, KvVersion, VaultStore};
use pawl_domain::{DigestKey, Fetched, Kind, SecretValue, Step, Version, VersionSelector};
use pawl_ports::{Error, Part, Wanted};
use pawl_stores::kit::{Call, Reply};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

/// One store, asked with a proven identity.
#[derive(Clone, Debug)]
pub(crate) struct Kv<'a> {
    pub(crate) backend: &'a Backend,
    pub(crate) store: &'a VaultStore,
    pub(crate) rules: &'static Rules,
    pub(crate) session: Arc<Session>,
    pub(crate) digest_key: &'a DigestKey,
    pub(crate) now: Timestamp,
    /// The step of the flow that it is asked in.
    pub(crate) step: Step,
}

/// The version of data that is made anew for each read: never the one that was written.
const EVER_NEW: &str = "ever-new";

impl Kv<'_> {
    /// A key's value or metadata.
    pub(crate) async fn fetch(&self, wanted: &Wanted) -> Result<Fetched, Error> {
        let part = if self.rules.metadata { wanted.part } else { Part::Value };
        let (value, version) = match (part, self.store.version) {
            (Part::Value, KvVersion::V1)
                if !self.rules.ignores_version && wanted.selector != VersionSelector::Current =>
            {
                return Err(self.no_versions(&wanted.key));
            }
            (Part::Metadata, KvVersion::V1) => return Err(self.no_metadata(&wanted.key)),
            (Part::Metadata, KvVersion::V2) => self.metadata_value(&wanted.key).await?,
            (Part::Value, KvVersion::V1) => self.plain(&wanted.key).await?,
            (Part::Value, KvVersion::V2) => self.versioned(&wanted.key, &wanted.selector).await?,
        };
        Ok(Fetched { provider: self.rules.provider, value, version, labels: Vec::new() })
    }

    /// A key's version.
    ///
    /// KV version 2 tells it without the value, to identities that may read metadata; for others, and in KV version 1, the
    /// value is read and dropped.
    pub(crate) async fn version(&self, wanted: &Wanted) -> Result<Version, Error> {
        match (wanted.part, self.store.version) {
            (Part::Value, KvVersion::V2) if !self.session.no_metadata.load(Ordering::Relaxed) => {
                match self.told(wanted).await {
                    Err(error) if error.step == Step::Fetch && error.kind == Kind::Denied => {
                        self.session.no_metadata.store(true, Ordering::Relaxed);
                    }
                    told => return told,
                }
            }
            // To look whether such data changed would make it change.
            (Part::Value, KvVersion::V1)
                if self.is_leased(&path::of_key(self.store, &wanted.key, Branch::Data)) =>
            {
                return Ok(Version { id: EVER_NEW.to_owned(), since: None });
            }
            _ => {}
        }
        self.fetch(wanted).await.map(|fetched| fetched.version)
    }

    /// What the metadata says of a version.
    async fn told(&self, wanted: &Wanted) -> Result<Version, Error> {
        let metadata = self.metadata(&wanted.key).await?;
        let told = match &wanted.selector {
            VersionSelector::Current => metadata.in_force(self.now),
            VersionSelector::Id(id) => metadata.version(id, self.now).map(|since| (id.clone(), since)),
            // Vault has no labels.
            VersionSelector::Label(_) => None,
        };
        let (id, since) = told.ok_or_else(|| self.call(METADATA, &wanted.key).missing())?;
        Ok(Version { id, since })
    }

    async fn versioned(
        &self,
        key: &str,
        selector: &VersionSelector,
    ) -> Result<(SecretValue, Version), Error> {
        let path = path::of_key(self.store, key, Branch::Data);
        let call = self.call(READ, key);
        let query = match selector {
            VersionSelector::Current => Vec::new(),
            VersionSelector::Id(id) => vec![("version", id.as_str())],
            VersionSelector::Label(_) => return Err(call.missing()),
        };
        let ask = Ask { query, ..Ask::get(&path) };
        let read = self.ask(&call, ask, answer::versioned).await?;
        Ok((read.value, Version { id: read.version.to_string(), since: read.created }))
    }

    /// Of what has no versions, a keyed digest of the value is the version: it is remembered, and must not tell the value.
    async fn plain(&self, key: &str) -> Result<(SecretValue, Version), Error> {
        let path = path::of_key(self.store, key, Branch::Data);
        let read = self.ask(&self.call(READ, key), Ask::get(&path), answer::plain).await?;
        if read.leased {
            self.session.leased.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
        }
        let version = self.digest(&read.value);
        Ok((read.value, version))
    }

    async fn metadata_value(&self, key: &str) -> Result<(SecretValue, Version), Error> {
        let value = members::texts(self.metadata(key).await?.facts());
        let version = self.digest(&value);
        Ok((value, version))
    }

    /// What KV version 2 knows about a key.
    pub(crate) async fn metadata(&self, key: &str) -> Result<KeyMetadata, Error> {
        let path = path::of_key(self.store, key, Branch::Metadata);
        self.ask(&self.call(METADATA, key), Ask::get(&path), answer::key_metadata).await
    }

    /// Asks with this identity, in the store's namespace, and reads the answer.
    pub(crate) async fn ask<T>(
        &self,
        call: &Call<'_>,
        ask: Ask<'_>,
        read: impl FnOnce(&Call<'_>, &Reply) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (namespace, token) = (self.store.key_namespace(), self.session.token.as_ref());
        let reply = self.session.link.send(call, &Ask { namespace, token, ..ask }).await;
        call.counted(reply.and_then(|reply| read(call, &reply)))
    }

    pub(crate) fn call<'c>(&'c self, action: &'static str, subject: &'c str) -> Call<'c> {
        Call { step: self.step, server: self.rules.server(self.store), action, subject }
    }

    fn no_metadata(&self, key: &str) -> Error {
        let what = "KV version 1 knows nothing about its keys; leave metadataPolicy out";
        self.call(METADATA, key).error(Kind::Invalid, what)
    }

    fn no_versions(&self, key: &str) -> Error {
        let what = "KV version 1 has no versions; leave version out, or use an engine of version 2";
        self.call(READ, key).error(Kind::Invalid, what)
    }

    fn is_leased(&self, path: &str) -> bool {
        self.session.leased.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }

    fn digest(&self, value: &SecretValue) -> Version {
        Version { id: self.digest_key.parts().with(value.expose()).digest(), since: None }
    }
}
