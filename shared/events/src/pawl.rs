//! Pawl's own change event: what senders that AWS knows nothing of become, on Pawl's bus or by HTTP.
//!
//! ```json
//! {"apiVersion": "pawl.dev/v1alpha1", "kind": "Change", "id": "…", "provider": "secrets-manager",
//!  "region": "eu-central-1", "account": "123456789012", "keys": ["app/db"], "version": "…",
//!  "moved": "current", "at": "2026-11-22T10:00:00Z"}
//! ```
//!
//! `account`, `version` and `at` may be absent. `moved` is `current` (the default), `existence`, `someLabel` or
//! `{"label": "blue"}`. In EventBridge the source is `pawl.dev`, the detail-type `Change`, and this the detail.

use crate::envelope::EventBridge;
use crate::error::Error;
use jiff::Timestamp;
use pawl_domain::{Change, Location, Moved, Provider};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const API_VERSION: &str = "pawl.dev/v1alpha1";
/// More keys than this in one change is a mistake of its sender.
const MAX_KEYS: usize = 16;
/// The longest key that any store has.
const MAX_KEY: usize = 2048;

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    api_version: String,
    kind: String,
    #[serde(default)]
    id: String,
    provider: Provider,
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    keys: BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(default = "current")]
    moved: Moved,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

fn current() -> Moved {
    Moved::Current
}

/// A change in the form that [`crate::changes`] reads.
pub fn to_json(change: &Change) -> String {
    let wire = Wire {
        api_version: API_VERSION.to_owned(),
        kind: "Change".to_owned(),
        id: change.id.clone(),
        provider: change.location.provider,
        region: change.location.region.clone(),
        account: change.location.account.clone(),
        keys: change.names.clone(),
        version: change.version.clone(),
        moved: change.moved.clone(),
        at: Some(change.at),
    };
    // Plain data with text keys always serialises.
    serde_json::to_string(&wire).unwrap_or_default()
}

pub(crate) fn read_event(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    if event.detail_type != "Change" {
        return Err(Error::unknown(&format!("{} from pawl.dev", event.detail_type)));
    }
    read(event.detail.get().as_bytes(), API_VERSION)
}

pub(crate) fn read(body: &[u8], api_version: &str) -> Result<Vec<Change>, Error> {
    if api_version != API_VERSION {
        return Err(Error::unknown(&format!("apiVersion {api_version}")));
    }
    let wire: Wire = serde_json::from_slice(body)?;
    if wire.kind != "Change" || wire.api_version != API_VERSION {
        return Err(Error::unknown(&format!("{} of {}", wire.kind, wire.api_version)));
    }
    if wire.keys.is_empty() || wire.keys.len() > MAX_KEYS {
        return Err(Error::malformed(format!("keys must name 1 to {MAX_KEYS} names of one key")));
    }
    if wire.keys.iter().any(|key| key.is_empty() || key.len() > MAX_KEY) {
        return Err(Error::malformed(format!("each of keys must have 1 to {MAX_KEY} bytes")));
    }
    Ok(vec![Change {
        id: wire.id,
        location: Location { provider: wire.provider, region: wire.region, account: wire.account },
        names: wire.keys,
        version: wire.version,
        moved: wire.moved,
        at: wire.at.unwrap_or(Timestamp::UNIX_EPOCH),
    }])
}
