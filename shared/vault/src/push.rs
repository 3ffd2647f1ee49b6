//! Writes and deletes keys for PushSecrets: each holds an object of texts.
//!
//! In KV version 2 every write names the version that was read (check-and-set), and the mark of what is managed is custom
//! metadata. KV version 1 knows neither: there the mark is a member of the data, and of two that write at the same moment
//! the later wins. Source: ESO's Vault provider, version 2.9.

use crate::answer::{self, KeyMetadata, Latest};
use crate::call::{DELETE, MARK, METADATA, READ, WRITE};
use crate::kv::Kv;
use crate::link::Ask;
use crate::members::{self, Members};
use crate::path::{self, Branch};
use pawl_domain::push::metadata::{MANAGED_BY, MANAGER};
use pawl_domain::push::{AsText, property};
use pawl_domain::store::KvVersion;
use pawl_domain::{Kind, PushOutcome, Pushed, SecretValue};
use pawl_golang::json::{self, Html};
use pawl_ports::{Error, MOST_TRIES, OVERTAKEN};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where KV version 1 keeps the mark, and KV version 2 takes it from.
const CUSTOM: &str = "custom_metadata";

/// What is pushed, read and ready.
pub(crate) struct Object<'a> {
    key: &'a str,
    property: Option<&'a str>,
    /// The text of the property, or the whole object in Go's form.
    given: SecretValue,
}

impl<'a> Object<'a> {
    /// # Errors
    /// `Invalid` for a value that is no JSON object, where no property is named.
    pub(crate) fn of(kv: &Kv<'_>, key: &'a str, pushed: &'a Pushed) -> Result<Self, Error> {
        let call = kv.call(WRITE, key);
        let invalid = |what: &str| call.error(Kind::Invalid, what);
        let value = pushed.value(AsText::Plain).map_err(|error| call.error(Kind::Invalid, error))?;
        let property = pushed.to.property.as_deref();
        let given = match property {
            Some(CUSTOM) if kv.store.version == KvVersion::V1 => {
                return Err(invalid(
                    "KV version 1 keeps the mark of what is managed there; push to another property",
                ));
            }
            // JSON holds no other bytes.
            Some(_) if value.expose_str().is_none() => {
                return Err(invalid("the value is not UTF-8, and the store keeps texts; encode it"));
            }
            Some(_) => value,
            None => {
                let object = json::rewrite(value.expose(), Html::Escape).ok();
                let object = object.filter(|json| json.starts_with(b"{"));
                let object = object.ok_or_else(|| {
                    invalid("the store keeps objects, and the value is no JSON object; name a property to keep it in")
                })?;
                SecretValue::new(object)
            }
        };
        Ok(Self { key, property, given })
    }

    /// What stands there afterwards.
    fn over(&self, kv: &Kv<'_>, standing: Option<&Standing>) -> Result<Members, Error> {
        let call = kv.call(WRITE, self.key);
        let Some(property) = self.property else {
            let mut members = members::of(&self.given).ok_or_else(|| call.unreadable())?;
            if kv.store.version == KvVersion::V1 {
                // It would stand in the mark's place.
                members.remove(CUSTOM.as_bytes());
            }
            return Ok(members);
        };
        let mut members = standing.map(|standing| standing.members.clone()).unwrap_or_default();
        let text = SecretValue::new(json::quote(self.given.expose(), Html::Escape));
        let held = members.insert(property.as_bytes().to_vec(), text);
        if held.is_some_and(|held| !held.expose().starts_with(b"\"")) {
            let what = format_args!("property {property:?} is no text there; push to another property");
            return Err(call.error(Kind::Invalid, what));
        }
        Ok(members)
    }
}

/// What stands under a key.
struct Standing {
    /// Without the mark.
    members: Members,
    /// The number of the latest version, deleted ones included; zero where the engine knows no versions.
    version: u64,
    /// Whether there is data: of KV version 2 the latest version may be deleted.
    holds_data: bool,
    manager: Manager,
}

/// Whose a key is, by its mark.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Manager {
    PushSecrets,
    /// The mark names somebody else.
    Another,
    /// There is no mark.
    Nobody,
}

impl Standing {
    /// Whether another push may have made it a moment ago, and not marked it yet.
    fn is_new(&self) -> bool {
        self.manager == Manager::Nobody && self.version == 1 && self.holds_data
    }
}

impl Kv<'_> {
    /// Writes an object where it is not there as it should be.
    ///
    /// # Errors
    /// The inner one, `Denied`, is no answer of the server: the key is somebody else's.
    pub(crate) async fn push(&self, object: &Object<'_>) -> Result<Result<PushOutcome, Error>, Error> {
        let mut was_overtaken = false;
        for _ in 0..MOST_TRIES {
            let standing = self.standing(object.key).await?;
            let written = match &standing {
                None => self.create(object).await,
                Some(standing) if standing.manager == Manager::PushSecrets => {
                    self.update(object, standing).await
                }
                Some(standing) if standing.is_new() => {
                    if standing.members != object.over(self, None)? {
                        // It is looked at again: whoever made it may be about to mark it.
                        continue;
                    }
                    // Ours, from a push that ended before it could mark it, or as good as ours.
                    self.mark(object.key).await.map(|()| outcome(Some(standing.version)))
                }
                Some(_) => return Ok(Err(self.not_ours(object.key))),
            };
            match written {
                // Somebody else was first: what stands there now is read again.
                Err(error) if error.kind == Kind::Conflict => was_overtaken = true,
                written => return written.map(Ok),
            }
        }
        if was_overtaken {
            return Err(self.call(WRITE, object.key).error(Kind::Conflict, OVERTAKEN));
        }
        Ok(Err(self.not_ours(object.key)))
    }

    /// Whether there is such a key, with the property.
    pub(crate) async fn holds(&self, key: &str, property: Option<&str>) -> Result<bool, Error> {
        let Some(standing) = self.standing(key).await?.filter(|standing| standing.holds_data) else {
            return Ok(false);
        };
        let Some(property) = property else { return Ok(true) };
        if standing.members.contains_key(property.as_bytes()) {
            return Ok(true);
        }
        let call = self.call(READ, key);
        property::has(property, &members::object(&standing.members))
            .map_err(|error| call.error(Kind::Invalid, error))
    }

    /// Deletes what PushSecrets manage: a property, or the key with all its versions.
    pub(crate) async fn remove(&self, key: &str, property: Option<&str>) -> Result<(), Error> {
        let call = self.call(DELETE, key);
        for _ in 0..MOST_TRIES {
            let standing = self.standing(key).await?;
            let Some(mut standing) = standing.filter(|standing| standing.manager == Manager::PushSecrets)
            else {
                return Ok(());
            };
            if let Some(property) = property {
                if !standing.holds_data {
                    // Somebody deleted the latest version, and with it the property. Who wants it back finds the older ones.
                    return Ok(());
                }
                let is_there = standing.members.remove(property.as_bytes()).is_some();
                if !is_there && !standing.members.is_empty() {
                    return Ok(());
                }
                if !standing.members.is_empty() {
                    match self.write(key, &standing.members, standing.version).await {
                        Err(error) if error.kind == Kind::Conflict => continue,
                        written => return written.map(drop),
                    }
                }
            }
            let branch = if self.store.version == KvVersion::V2 { Branch::Metadata } else { Branch::Data };
            let path = path::of_key(self.store, key, branch);
            return self.ask(&call, Ask { method: Method::DELETE, ..Ask::get(&path) }, |_, _| Ok(())).await;
        }
        Err(call.error(Kind::Conflict, OVERTAKEN))
    }

    /// A new key: first its data, which only one of many can write, then the mark. Whoever is stopped between the two finds
    /// the key at its next push: unmarked, in its first version, with what it writes.
    async fn create(&self, object: &Object<'_>) -> Result<PushOutcome, Error> {
        let version = self.write(object.key, &object.over(self, None)?, 0).await?;
        if self.store.version == KvVersion::V2 {
            self.mark(object.key).await?;
        }
        Ok(outcome(version))
    }

    fn not_ours(&self, key: &str) -> Error {
        let what = format_args!(
            "it exists and PushSecrets do not manage it; push to another key, or give it the {CUSTOM} {MANAGED_BY}={MANAGER}"
        );
        self.call(WRITE, key).error(Kind::Denied, what)
    }

    async fn update(&self, object: &Object<'_>, standing: &Standing) -> Result<PushOutcome, Error> {
        let members = object.over(self, Some(standing).filter(|standing| standing.holds_data))?;
        if standing.holds_data && standing.members == members {
            return Ok(PushOutcome::Unchanged);
        }
        self.write(object.key, &members, standing.version).await.map(outcome)
    }

    /// Puts the mark beside what else the custom metadata of a key says.
    async fn mark(&self, key: &str) -> Result<(), Error> {
        let Some(known) = self.known(key).await? else { return Err(self.deleted(key)) };
        let mut custom = known.into_latest().custom.unwrap_or_default();
        custom.entry(MANAGED_BY.to_owned()).or_insert_with(|| MANAGER.into());
        let path = path::of_key(self.store, key, Branch::Metadata);
        let body = SecretValue::new(json!({ CUSTOM: custom }).to_string());
        self.ask(&self.call(MARK, key), Ask::post(&path, &body), |_, _| Ok(())).await
    }

    /// What KV version 2 knows about a key; `None` where it knows none of the name.
    async fn known(&self, key: &str) -> Result<Option<KeyMetadata>, Error> {
        match self.metadata(key).await {
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            known => known.map(Some),
        }
    }

    fn deleted(&self, key: &str) -> Error {
        self.call(METADATA, key).error(Kind::Conflict, "it was deleted in between")
    }

    /// Writes data where this version is the latest; the version that came of it.
    ///
    /// # Errors
    /// `Conflict` where it is not.
    async fn write(&self, key: &str, members: &Members, latest: u64) -> Result<Option<u64>, Error> {
        let path = path::of_key(self.store, key, Branch::Data);
        let body = match self.store.version {
            KvVersion::V2 => {
                let data = members::object(members);
                let (head, tail) = (&b"{\"data\":"[..], format!(",\"options\":{{\"cas\":{latest}}}}}"));
                SecretValue::new([head, data.expose(), tail.as_bytes()].concat())
            }
            KvVersion::V1 => {
                let mut marked = members.clone();
                let mark = json!({ MANAGED_BY: MANAGER }).to_string();
                marked.insert(CUSTOM.as_bytes().to_vec(), SecretValue::new(mark));
                members::object(&marked)
            }
        };
        self.ask(&self.call(WRITE, key), Ask::post(&path, &body), |_, reply| Ok(answer::wrote(reply))).await
    }

    /// What stands under a key; `None` where nothing is known of it.
    async fn standing(&self, key: &str) -> Result<Option<Standing>, Error> {
        let path = path::of_key(self.store, key, Branch::Data);
        let call = self.call(READ, key);
        if self.store.version == KvVersion::V1 {
            let read = match self.ask(&call, Ask::get(&path), answer::plain).await {
                Err(error) if error.kind == Kind::NotFound => return Ok(None),
                read => read?,
            };
            let mut members = members::of(&read.value).ok_or_else(|| call.unreadable())?;
            let mark = members.remove(CUSTOM.as_bytes());
            let custom = mark.and_then(|mark| serde_json::from_slice(mark.expose()).ok());
            let manager = manager(custom.as_ref());
            return Ok(Some(Standing { members, version: 0, holds_data: true, manager }));
        }
        let latest = self.ask(&call, Ask::get(&path), answer::latest).await?;
        let latest = match latest {
            Some(latest) if latest.custom.is_some() => latest,
            // There is no version, or the server tells custom metadata only by itself.
            latest => match (self.known(key).await?, latest) {
                (None, None) => return Ok(None),
                (None, Some(_)) => return Err(self.deleted(key)),
                (Some(known), None) => known.into_latest(),
                // What is written over is the version that was read, and not one that came since.
                (Some(known), Some(latest)) => Latest { custom: known.into_latest().custom, ..latest },
            },
        };
        let holds_data = latest.data.is_some();
        let members = match &latest.data {
            Some(data) => members::of(data).ok_or_else(|| call.unreadable())?,
            None => Members::new(),
        };
        let manager = manager(latest.custom.as_ref());
        Ok(Some(Standing { members, version: latest.version, holds_data, manager }))
    }
}

fn manager(custom: Option<&BTreeMap<String, Value>>) -> Manager {
    match custom.and_then(|custom| custom.get(MANAGED_BY)) {
        None => Manager::Nobody,
        Some(manager) if manager == MANAGER => Manager::PushSecrets,
        Some(_) => Manager::Another,
    }
}

fn outcome(version: Option<u64>) -> PushOutcome {
    PushOutcome::Written { version: version.map(|version| version.to_string()) }
}
