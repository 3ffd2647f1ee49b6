//! Pawl's own change event: what senders that AWS knows nothing of become, on Pawl's bus or by HTTP.
//!
//! ```json
//! {"apiVersion": "pawl.dev/v1alpha1", "kind": "Change", "id": "…", "provider": "secrets-manager",
//!  "region": "eu-central-1", "account": "123456789012", "keys": ["app/db"], "version": "…",
//!  "moved": "current", "at": "2026-11-22T10:00:00Z"}
//! ```
//!
//! `id`, `account`, `version` and `at` may be absent. The provider `vault` has no region; its account is the address of
//! the server, its keys are `<namespace>/<mount>/<path>`. With `"extent": "under"` the event is of every key whose name begins
//! with one of `keys`, such as `/app/`; it then has no version. `moved` is `current` (the default), `existence`, `metadata`, `someLabel` or
//! `{"label": "blue"}`. In EventBridge the source is `pawl.dev`, the detail-type `Change`, and this the detail; `id`
//! and `at` are then the event's where the detail has none.

use crate::error::Error;
use crate::eventbridge::{EventBridge, checked, location};
use crate::json::object;
use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::{Change, Moved, Provider};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const API_VERSION: &str = "pawl.dev/v1alpha1";
const KIND: &str = "Change";
/// The detail-type of such events on a bus.
pub const DETAIL_TYPE: &str = KIND;
/// More names than this of one key is a mistake of its sender.
const MAX_KEYS: usize = 16;

/// What every version of every kind has.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: Option<String>,
    kind: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    api_version: String,
    kind: String,
    id: Option<String>,
    provider: Provider,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    keys: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Extent::is_key")]
    extent: Extent,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default = "current")]
    moved: Moved,
    at: Option<Timestamp>,
}

fn current() -> Moved {
    Moved::Current
}

/// A change in the form that [`crate::changes`] reads.
pub fn to_json(change: &Change) -> String {
    let wire = Wire {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        id: Some(change.id.clone()),
        provider: change.location.provider,
        region: change.location.region.clone(),
        account: change.location.account.clone(),
        keys: change.names.clone(),
        extent: change.extent,
        version: change.version.clone(),
        moved: change.moved.clone(),
        at: Some(change.at),
    };
    // Plain data with text keys always serialises.
    serde_json::to_string(&wire).unwrap_or_default()
}

pub(crate) fn read_event(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    if event.detail_type != KIND {
        return Err(Error::unknown("its detail-type is not one of pawl.dev that Pawl reads"));
    }
    change(event.detail_json(), &event.id, event.at())
}

pub(crate) fn read(body: &[u8]) -> Result<Vec<Change>, Error> {
    change(body, "", Timestamp::UNIX_EPOCH)
}

fn change(json: &[u8], id: &str, at: Timestamp) -> Result<Vec<Change>, Error> {
    let head: Head = object(json)?;
    if head.api_version.as_deref() != Some(API_VERSION) || head.kind.as_deref() != Some(KIND) {
        return Err(Error::unknown("its apiVersion and kind are not those of a change"));
    }
    let wire: Wire = object(json)?;
    if wire.keys.len() > MAX_KEYS {
        return Err(Error::malformed(format!("keys may have up to {MAX_KEYS} names of one key")));
    }
    let version = wire.version.filter(|version| !version.is_empty());
    if wire.extent == Extent::Under && version.is_some() {
        return Err(Error::malformed("it is of many keys and names a version; leave the version out"));
    }
    Ok(vec![Change {
        id: wire.id.unwrap_or_else(|| id.to_owned()),
        location: location(wire.provider, Some(&wire.region), wire.account.as_deref())?,
        names: checked(wire.keys)?,
        extent: wire.extent,
        version,
        moved: wire.moved,
        at: wire.at.unwrap_or(at),
    }])
}
