//! AWS Systems Manager Parameter Store, which reports its changes to EventBridge itself, but for tags and labels that
//! are taken away: of those only CloudTrail tells.
//!
//! Source: AWS Systems Manager User Guide, "Parameter Store events". Events carry no version number. A failed
//! operation has the same type and an `exception`. CloudTrail's records name the parameter as the API call did
//! (API reference of AddTagsToResource, RemoveTagsFromResource and UnlabelParameterVersion).

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
        "AWS API Call via CloudTrail" => called(event),
        // Expiry itself arrives as a Delete; notices change nothing.
        "Parameter Store Policy Action" => Ok(Vec::new()),
        _ => Err(Error::unknown("its detail-type is not one of Parameter Store that Pawl reads")),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: Option<String>,
    error_code: Option<serde::de::IgnoredAny>,
    request_parameters: Option<Request>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    /// Of the calls that tag: tags are had by documents, instances and others as well.
    resource_type: Option<String>,
    resource_id: Option<String>,
    /// Of UnlabelParameterVersion.
    name: Option<String>,
}

/// An API call. Those whose changes the service's own event tells count as nothing here, so that none is told twice.
fn called(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    let record: Record = event.detail()?;
    let call = record.event_name.as_deref().ok_or_else(|| Error::malformed("detail.eventName is missing"))?;
    if record.error_code.is_some() {
        return Ok(Vec::new());
    }
    let request = record.request_parameters.unwrap_or_default();
    let (moved, name) = match call {
        "AddTagsToResource" | "RemoveTagsFromResource"
            if request.resource_type.as_deref() == Some("Parameter") =>
        {
            (Moved::Metadata, request.resource_id)
        }
        "UnlabelParameterVersion" => (Moved::SomeLabel, request.name),
        "AddTagsToResource"
        | "DeleteParameter"
        | "DeleteParameters"
        | "LabelParameterVersion"
        | "PutParameter"
        | "RemoveTagsFromResource" => return Ok(Vec::new()),
        _ => return Err(Error::unknown("its eventName is not one of Parameter Store that Pawl reads")),
    };
    Ok(vec![event.change(Provider::ParameterStore, name, None, moved)?])
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
