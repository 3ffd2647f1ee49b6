//! Reads the JSON of Vault's answers.
//!
//! Values are kept as the text that the server sent until `pawl_golang` writes them anew; nothing of them is decoded here.

use jiff::Timestamp;
use pawl_domain::{Kind, SecretValue};
use pawl_golang::json::{self, Html};
use pawl_ports::Error;
use pawl_stores::kit::{Call, Reply};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The frame of every answer.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    lease_id: Option<String>,
}

/// A plain read: of KV version 1, or of any other engine.
pub(crate) struct Plain {
    /// The data as JSON in Go's form.
    pub(crate) value: SecretValue,
    /// Whether it was made for this read and lives under a lease.
    pub(crate) leased: bool,
}

/// A read of KV version 2.
pub(crate) struct Versioned {
    /// The data as JSON in Go's form.
    pub(crate) value: SecretValue,
    /// The version's number.
    pub(crate) version: u64,
    /// When the version came to be.
    pub(crate) created: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Kv2<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    metadata: Option<VersionMetadata>,
}

#[derive(Deserialize)]
struct VersionMetadata {
    version: u64,
    #[serde(default)]
    created_time: String,
    #[serde(default)]
    custom_metadata: Option<BTreeMap<String, serde_json::Value>>,
}

/// What stands under a key of KV version 2, for who writes there.
#[derive(Default)]
pub(crate) struct Latest {
    /// The data as JSON in Go's form; `None` where the latest version was deleted.
    pub(crate) data: Option<SecretValue>,
    /// The number of the latest version.
    pub(crate) version: u64,
    /// Custom metadata; `None` where there is none, and from servers that do not tell it with the data.
    pub(crate) custom: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct Wrote {
    #[serde(default)]
    version: Option<u64>,
}

/// What KV version 2 knows about a key.
#[derive(Deserialize)]
pub(crate) struct KeyMetadata {
    #[serde(default)]
    created_time: Option<String>,
    #[serde(default)]
    current_version: u64,
    #[serde(default)]
    delete_version_after: Option<String>,
    #[serde(default)]
    custom_metadata: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    versions: Option<BTreeMap<String, VersionState>>,
}

#[derive(Deserialize)]
struct VersionState {
    #[serde(default)]
    created_time: String,
    #[serde(default)]
    deletion_time: String,
    #[serde(default)]
    destroyed: bool,
}

/// A login, or the renewal of its token.
#[derive(Deserialize)]
struct LoggedIn {
    auth: Option<Auth>,
}

/// The token that a login gave. Debug output is not derived: it would hold the token.
#[derive(Deserialize)]
pub(crate) struct Auth {
    #[serde(default)]
    pub(crate) client_token: String,
    /// Seconds; zero for a token without an end.
    #[serde(default)]
    pub(crate) lease_duration: u64,
    #[serde(default)]
    pub(crate) renewable: bool,
    #[serde(default)]
    pub(crate) token_type: String,
    #[serde(default)]
    mfa_requirement: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Keys {
    #[serde(default)]
    keys: Vec<String>,
}

/// # Errors
/// `NotFound` when there is no data.
pub(crate) fn plain(call: &Call<'_>, reply: &Reply) -> Result<Plain, Error> {
    let frame = frame(call, reply)?;
    let data = filled(frame.data).ok_or_else(|| call.missing())?;
    let leased = frame.lease_id.is_some_and(|id| !id.is_empty());
    Ok(Plain { value: written(call, data)?, leased })
}

/// # Errors
/// `NotFound` when the version does not exist, or its data was deleted or destroyed.
pub(crate) fn versioned(call: &Call<'_>, reply: &Reply) -> Result<Versioned, Error> {
    let outer = filled(frame(call, reply)?.data).ok_or_else(|| call.missing())?;
    let inner: Kv2<'_> = object(outer.get().as_bytes()).ok_or_else(|| call.unreadable())?;
    let Some(metadata) = inner.metadata else {
        return Err(call.error(Kind::Invalid, "this is not KV version 2; set the store's version to v1"));
    };
    let data = filled(inner.data).ok_or_else(|| call.missing())?;
    let created = metadata.created_time.parse().ok();
    Ok(Versioned { value: written(call, data)?, version: metadata.version, created })
}

/// The latest version, deleted ones included; `None` where there is no version.
pub(crate) fn latest(call: &Call<'_>, reply: &Reply) -> Result<Option<Latest>, Error> {
    let outer = match frame(call, reply) {
        Err(error) if error.kind == Kind::NotFound => return Ok(None),
        frame => filled(frame?.data),
    };
    let Some(outer) = outer else { return Ok(None) };
    let inner: Kv2<'_> = object(outer.get().as_bytes()).ok_or_else(|| call.unreadable())?;
    let Some(metadata) = inner.metadata else {
        return Err(call.error(Kind::Invalid, "this is not KV version 2; set the store's version to v1"));
    };
    let data = filled(inner.data).map(|data| written(call, data)).transpose()?;
    Ok(Some(Latest { data, version: metadata.version, custom: metadata.custom_metadata }))
}

/// The number of the version that a write made, where the engine has versions.
pub(crate) fn wrote(reply: &Reply) -> Option<u64> {
    let frame: Frame<'_> = object(&reply.body)?;
    object::<Wrote>(filled(frame.data)?.get().as_bytes())?.version
}

/// # Errors
/// `NotFound` when the key does not exist.
pub(crate) fn key_metadata(call: &Call<'_>, reply: &Reply) -> Result<KeyMetadata, Error> {
    let data = filled(frame(call, reply)?.data).ok_or_else(|| call.missing())?;
    object(data.get().as_bytes()).ok_or_else(|| call.unreadable())
}

/// The names in a folder, those of folders with a slash behind them. A folder that does not exist has none.
pub(crate) fn keys(call: &Call<'_>, reply: &Reply) -> Result<Vec<String>, Error> {
    if reply.status == StatusCode::NOT_FOUND {
        return Ok(Vec::new());
    }
    let Some(data) = filled(frame(call, reply)?.data) else { return Ok(Vec::new()) };
    let listed: Keys = object(data.get().as_bytes()).ok_or_else(|| call.unreadable())?;
    Ok(listed.keys)
}

/// # Errors
/// `Invalid` when the login wants a second factor.
pub(crate) fn auth(call: &Call<'_>, reply: &Reply) -> Result<Auth, Error> {
    let said: LoggedIn = object(&reply.body).ok_or_else(|| call.unreadable())?;
    match said.auth {
        Some(auth) if !auth.client_token.is_empty() => Ok(auth),
        Some(Auth { mfa_requirement: Some(_), .. }) => {
            Err(call.error(Kind::Invalid, "the login wants a second factor; use an auth method without"))
        }
        _ => Err(call.unreadable()),
    }
}

impl KeyMetadata {
    /// The number of the latest version, and custom metadata.
    pub(crate) fn into_latest(self) -> Latest {
        Latest { data: None, version: self.current_version, custom: self.custom_metadata }
    }

    /// The version that is in force, with the time of its making; `None` when there is none, or when it was deleted.
    pub(crate) fn in_force(&self, now: Timestamp) -> Option<(String, Option<Timestamp>)> {
        let number = self.current_version.to_string();
        let since = self.version(&number, now)?;
        Some((number, since))
    }

    /// When a version came to be; `None` unless it exists and its data is still there.
    pub(crate) fn version(&self, number: &str, now: Timestamp) -> Option<Option<Timestamp>> {
        let state = self.versions.as_ref()?.get(number)?;
        // With delete_version_after a version knows from its beginning when it will be deleted.
        let deleted = !state.deletion_time.is_empty()
            && state.deletion_time.parse::<Timestamp>().map_or(true, |deleted| deleted <= now);
        (!deleted && !state.destroyed).then(|| state.created_time.parse().ok())
    }

    /// What `metadataPolicy: Fetch` gives. Source: ESO's Vault provider: three facts of the key's, over which custom
    /// metadata is laid, all of them texts.
    pub(crate) fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::from([("current_version".to_owned(), self.current_version.to_string())]);
        let texts =
            [("created_time", &self.created_time), ("delete_version_after", &self.delete_version_after)];
        facts.extend(texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text.clone()?))));
        let custom = self.custom_metadata.iter().flatten();
        facts.extend(custom.map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        }));
        facts
    }
}

/// # Errors
/// `NotFound` for a 404 without a frame.
fn frame<'a>(call: &Call<'_>, reply: &'a Reply) -> Result<Frame<'a>, Error> {
    match object(&reply.body) {
        Some(frame) => Ok(frame),
        None if reply.status == StatusCode::NOT_FOUND => Err(call.missing()),
        None => Err(call.unreadable()),
    }
}

/// A JSON object; a list is not taken for its members in order.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    let is_object = json.trim_ascii_start().starts_with(b"{");
    is_object.then(|| serde_json::from_slice(json).ok()).flatten()
}

fn filled(data: Option<&RawValue>) -> Option<&RawValue> {
    data.filter(|data| data.get() != "null")
}

/// Source: ESO gives out what Go's `json.Marshal` makes of the data, read with `UseNumber`.
fn written(call: &Call<'_>, data: &RawValue) -> Result<SecretValue, Error> {
    if !data.get().starts_with('{') {
        return Err(call.error(Kind::Invalid, "its data is no JSON object"));
    }
    json::rewrite(data.get(), Html::Escape).map(SecretValue::new).map_err(|_| call.unreadable())
}
