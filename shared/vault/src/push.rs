//! Writes and deletes keys for PushSecrets: each holds an object of texts.
//!
//! In KV version 2 every write names the version that was read (check-and-set), and the mark of what is managed is custom
//! metadata. KV version 1 knows neither: there the mark is a member of the data, and of two that write at the same moment
//! the later wins. Source: ESO's Vault provider, version 2.9.

use crate::answer::{self, Latest};
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
use pawl_ports::Error;
use reqwest::Method;
use std::collections::BTreeMap;

/// Where KV version 1 keeps the mark, and KV version 2 takes it from.
const CUSTOM: &str = "custom_metadata";

/// How often a push starts again, where somebody else wrote in between.
const MOST_TRIES: usize = 4;

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
    is_managed: bool,
}

impl Kv<'_> {
    /// Writes an object where it is not there as it should be.
    pub(crate) async fn push(&self, object: &Object<'_>) -> Result<PushOutcome, Error> {
        let call = self.call(WRITE, object.key);
        for _ in 0..MOST_TRIES {
            let standing = self.standing(object.key).await?;
            if standing.as_ref().is_some_and(|standing| !standing.is_managed) {
                let what = format_args!(
                    "it exists and PushSecrets do not manage it; push to another key, or give it the {CUSTOM} \
                     {MANAGED_BY}={MANAGER}"
                );
                return Err(call.error(Kind::Denied, what));
            }
            let members = object.over(self, standing.as_ref().filter(|standing| standing.holds_data))?;
            if standing.as_ref().is_some_and(|standing| standing.holds_data && standing.members == members) {
                return Ok(PushOutcome::Unchanged);
            }
            let written = match &standing {
                None => self.create(object.key, &members).await,
                Some(standing) => self.write(object.key, &members, standing.version).await,
            };
            match written {
                // Somebody else was first: what stands there now is read again.
                Err(error) if error.kind == Kind::Conflict => {}
                written => return written.map(|version| PushOutcome::Written { version }),
            }
        }
        Err(call.error(Kind::Conflict, "others write it all the time; it is tried again"))
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
        property::has(property, &members::object(&standing.members)).map_err(|error| call.error(Kind::Invalid, error))
    }

    /// Deletes what PushSecrets manage: a property, or the key with all its versions.
    pub(crate) async fn remove(&self, key: &str, property: Option<&str>) -> Result<(), Error> {
        let call = self.call(DELETE, key);
        for _ in 0..MOST_TRIES {
            let Some(mut standing) = self.standing(key).await?.filter(|standing| standing.is_managed) else {
                return Ok(());
            };
            if let Some(property) = property
                && standing.holds_data
            {
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
        Err(call.error(Kind::Conflict, "others write it all the time; it is tried again"))
    }

    /// A new key, marked first: what is not marked is not written a second time. Where somebody else made it at the same
    /// moment, the mark is taken back.
    async fn create(&self, key: &str, members: &Members) -> Result<Option<String>, Error> {
        if self.store.version == KvVersion::V1 {
            return self.write(key, members, 0).await;
        }
        self.mark(key, &format!("{{\"{MANAGED_BY}\":\"{MANAGER}\"}}")).await?;
        let written = self.write(key, members, 0).await;
        if written.as_ref().is_err_and(|error| error.kind == Kind::Conflict) {
            // A write whose answer was lost looks the same, and is ours.
            let is_ours = self.standing(key).await?.is_none_or(|standing| standing.members == *members);
            if !is_ours {
                self.mark(key, "{}").await?;
            }
        }
        written
    }

    /// Sets the custom metadata of a key, in place of what it has.
    async fn mark(&self, key: &str, custom: &str) -> Result<(), Error> {
        let path = path::of_key(self.store, key, Branch::Metadata);
        let body = SecretValue::new(format!("{{\"{CUSTOM}\":{custom}}}"));
        self.ask(&self.call(MARK, key), Ask::post(&path, &body), |_, _| Ok(())).await
    }

    /// Writes data where this version is the latest; the version that came of it.
    ///
    /// # Errors
    /// `Conflict` where it is not.
    async fn write(&self, key: &str, members: &Members, latest: u64) -> Result<Option<String>, Error> {
        let path = path::of_key(self.store, key, Branch::Data);
        let body = match self.store.version {
            KvVersion::V2 => {
                let data = members::object(members);
                let (head, tail) = (&b"{\"data\":"[..], format!(",\"options\":{{\"cas\":{latest}}}}}"));
                SecretValue::new([head, data.expose(), tail.as_bytes()].concat())
            }
            KvVersion::V1 => {
                let mut marked = members.clone();
                let mark = format!("{{\"{MANAGED_BY}\":\"{MANAGER}\"}}");
                marked.insert(CUSTOM.as_bytes().to_vec(), SecretValue::new(mark));
                members::object(&marked)
            }
        };
        let version = self
            .ask(&self.call(WRITE, key), Ask::post(&path, &body), |_, reply| Ok(answer::wrote(reply)))
            .await?;
        Ok(version.map(|version| version.to_string()))
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
            let is_managed =
                mark.is_some_and(|mark| is_managed(serde_json::from_slice(mark.expose()).ok().as_ref()));
            return Ok(Some(Standing { members, version: 0, holds_data: true, is_managed }));
        }
        let latest = self.ask(&call, Ask::get(&path), answer::latest).await?;
        let latest = match latest {
            Some(latest) if latest.custom.is_some() => latest,
            // There is no version, or the server tells custom metadata only by itself.
            latest => match self.metadata(key).await {
                Err(error) if error.kind == Kind::NotFound && latest.is_none() => return Ok(None),
                Err(error) if error.kind == Kind::NotFound => {
                    return Err(self.call(METADATA, key).error(Kind::Conflict, "it was deleted in between"));
                }
                metadata => {
                    let known = metadata?.into_latest();
                    // What is written over is the version that was read, and not one that came since.
                    Latest { custom: known.custom.clone(), ..latest.unwrap_or(known) }
                }
            },
        };
        let holds_data = latest.data.is_some();
        let members = match &latest.data {
            Some(data) => members::of(data).ok_or_else(|| call.unreadable())?,
            None => Members::new(),
        };
        Ok(Some(Standing {
            members,
            version: latest.version,
            holds_data,
            is_managed: is_managed(latest.custom.as_ref()),
        }))
    }
}

fn is_managed(custom: Option<&BTreeMap<String, serde_json::Value>>) -> bool {
    custom.and_then(|custom| custom.get(MANAGED_BY)).is_some_and(|manager| manager == MANAGER)
}
