//! "Secret Label Updated": sent to the account's default bus whenever a staging label moves to another version, for
//! every label but `AWSPENDING` and `AWSPREVIOUS`. Names the version, so the value can be read without a race.

use super::{change, moved_with};
use crate::envelope::EventBridge;
use crate::error::Error;
use pawl_domain::Change;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    name: Option<String>,
    label_updated: Option<String>,
    version_id: Option<String>,
}

pub(super) fn read(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    let detail: Detail = serde_json::from_str(event.detail.get())?;
    let label = detail.label_updated.ok_or_else(|| Error::malformed("detail.labelUpdated is missing"))?;
    let Some(moved) = moved_with(&label) else { return Ok(Vec::new()) };
    let arn = event.arn("secretsmanager").map(str::to_owned);
    let names: BTreeSet<String> = detail.name.into_iter().chain(arn).collect();
    if names.is_empty() {
        return Err(Error::malformed("neither detail.name nor resources name the secret"));
    }
    Ok(vec![change(event, names, detail.version_id, moved)?])
}
