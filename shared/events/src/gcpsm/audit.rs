//! Entries of the Admin Activity log. Source: Cloud Logging's reference of `LogEntry` and `AuditLog`, and Secret Manager's list
//! of methods.

use super::{Named, UPDATED};
use crate::error::Error;
use crate::json::object;
use jiff::Timestamp;
use pawl_domain::{Change, Moved};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    insert_id: String,
    #[serde(default)]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    resource: Resource,
    proto_payload: Option<Payload>,
}

#[derive(Default, Deserialize)]
struct Resource {
    #[serde(default)]
    labels: Labels,
}

#[derive(Default, Deserialize)]
struct Labels {
    project_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    service_name: String,
    #[serde(default)]
    method_name: String,
    #[serde(default)]
    resource_name: String,
    #[serde(default)]
    status: Status,
    #[serde(default)]
    response: Response,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    code: i64,
}

#[derive(Default, Deserialize)]
struct Response {
    name: Option<String>,
}

const SERVICE: &str = "secretmanager.googleapis.com";

/// Reads one entry.
pub(crate) fn read(json: &[u8]) -> Result<Vec<Change>, Error> {
    let entry: Entry = object(json)?;
    let Some(payload) = entry.proto_payload.filter(|payload| payload.service_name == SERVICE) else {
        return Err(Error::unknown("it is no entry of Secret Manager's audit log"));
    };
    let method = payload.method_name.rsplit('.').next().unwrap_or_default();
    let moved: &[Moved] = match method {
        "AddSecretVersion" => &[Moved::Current],
        "EnableSecretVersion"
        | "DisableSecretVersion"
        | "DestroySecretVersion"
        | "CreateSecret"
        | "DeleteSecret" => &[Moved::Existence],
        "UpdateSecret" => &UPDATED,
        // Reads, and who may do what.
        _ => &[],
    };
    if moved.is_empty() || payload.status.code != 0 {
        return Ok(Vec::new());
    }
    // What is made is named by the answer: the request names only what it is made in.
    let of_answer = payload.response.name.as_deref().filter(|name| name.contains("/secrets/"));
    let mut named = Named::of(of_answer.unwrap_or(&payload.resource_name))?;
    let id = entry.resource.labels.project_id.as_deref();
    named.project = named.project.or(id.filter(|id| !id.bytes().all(|byte| byte.is_ascii_digit())));
    let at = entry.timestamp.unwrap_or(Timestamp::UNIX_EPOCH);
    moved.iter().map(|moved| named.change(&entry.insert_id, at, moved.clone())).collect()
}
