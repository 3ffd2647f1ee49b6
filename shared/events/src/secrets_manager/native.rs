//! "Secret Label Updated": sent to the account's default bus whenever a staging label moves to another version, for
//! every label but `AWSPENDING` and `AWSPREVIOUS`. Names the version, so the value can be read without a race.

use super::moved_with;
use crate::error::Error;
use crate::eventbridge::EventBridge;
use pawl_domain::{Change, Provider};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    name: Option<String>,
    label_updated: Option<String>,
    version_id: Option<String>,
}

pub(super) fn read(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    let detail: Detail = event.detail()?;
    let label = detail.label_updated.filter(|label| !label.is_empty());
    let label = label.ok_or_else(|| Error::malformed("detail.labelUpdated is missing"))?;
    let Some(moved) = moved_with(&label) else { return Ok(Vec::new()) };
    Ok(vec![event.change(Provider::SecretsManager, detail.name, detail.version_id, moved)?])
}
