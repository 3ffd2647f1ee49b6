//! AWS Systems Manager Parameter Store, which reports its changes to EventBridge itself.
//!
//! Source: AWS Systems Manager User Guide, "Parameter Store events". Events carry no version number. A failed
//! operation has the same type and an `exception`.

use crate::error::Error;
use crate::eventbridge::EventBridge;
use pawl_domain::{Change, Moved, Provider};
use serde::Deserialize;

#[derive(Deserialize)]
struct Detail {
    operation: Option<String>,
    name: Option<String>,
    exception: Option<serde::de::IgnoredAny>,
}

pub(crate) fn read(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    match event.detail_type.as_str() {
        "Parameter Store Change" => changed(event),
        // Expiry itself arrives as a Delete; notices change nothing.
        "Parameter Store Policy Action" => Ok(Vec::new()),
        _ => Err(Error::unknown("its detail-type is not one of Parameter Store that Pawl reads")),
    }
}

fn changed(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    let detail: Detail = event.detail()?;
    if detail.exception.is_some() {
        return Ok(Vec::new());
    }
    let moved = match detail.operation.as_deref() {
        Some("Create" | "Delete") => Moved::Existence,
        Some("Update") => Moved::Current,
        Some("LabelParameterVersion") => Moved::SomeLabel,
        Some(_) => return Err(Error::unknown("its operation is not one of Parameter Store that Pawl reads")),
        None => return Err(Error::malformed("detail.operation is missing")),
    };
    Ok(vec![event.change(Provider::ParameterStore, detail.name, None, moved)?])
}
