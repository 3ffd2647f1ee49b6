//! AWS Systems Manager Parameter Store, which reports its changes to EventBridge itself.
//!
//! Source: AWS Systems Manager User Guide, "Parameter Store events". Events carry no version number. A failed
//! operation has the same type and an `exception`.

use crate::envelope::EventBridge;
use crate::error::Error;
use pawl_domain::key::Arn;
use pawl_domain::{Change, Location, Moved, Provider};
use serde::Deserialize;
use std::collections::BTreeSet;

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
        other => Err(Error::unknown(&format!("{other} from aws.ssm"))),
    }
}

fn changed(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    let detail: Detail = serde_json::from_str(event.detail.get())?;
    if detail.exception.is_some() {
        return Ok(Vec::new());
    }
    let moved = match detail.operation.as_deref() {
        Some("Create" | "Delete") => Moved::Existence,
        Some("Update") => Moved::Current,
        Some("LabelParameterVersion") => Moved::SomeLabel,
        Some(other) => return Err(Error::unknown(&format!("Parameter Store Change with operation {other}"))),
        None => return Err(Error::malformed("detail.operation is missing")),
    };
    let arn = event.arn("ssm");
    let names: BTreeSet<String> = detail.name.into_iter().chain(arn.map(str::to_owned)).collect();
    if names.is_empty() {
        return Err(Error::malformed("detail.name is missing"));
    }
    let of_arn = arn.and_then(Arn::parse).map(|arn| arn.account.to_owned());
    let location = Location {
        provider: Provider::ParameterStore,
        region: event.region(arn)?,
        account: of_arn.or_else(|| event.account.clone()),
    };
    Ok(vec![Change { id: event.id.clone(), location, names, version: None, moved, at: event.at() }])
}
