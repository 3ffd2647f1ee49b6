//! CloudTrail's records of API calls and of what the service did on its own.
//!
//! A call's record names the secret as its caller did: by name, full ARN or partial ARN. `responseElements` may be
//! null on success, or spell `arn` as `aRN` (before 2024), so nothing depends on it. Failed calls have an `errorCode`.

use super::{change, moved_with};
use crate::envelope::EventBridge;
use crate::error::Error;
use pawl_domain::{Change, Moved};
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: Option<String>,
    error_code: Option<serde::de::IgnoredAny>,
    request_parameters: Option<Request>,
    response_elements: Option<Response>,
    additional_event_data: Option<Additional>,
    service_event_details: Option<ServiceDetails>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    secret_id: Option<String>,
    name: Option<String>,
    client_request_token: Option<String>,
    version_stages: Option<Vec<String>>,
    version_stage: Option<String>,
    move_to_version_id: Option<String>,
    add_replica_regions: Option<Vec<Replica>>,
    remove_replica_regions: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Replica {
    region: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(alias = "aRN", alias = "ARN")]
    arn: Option<String>,
    version_id: Option<String>,
}

#[derive(Deserialize)]
struct Additional {
    #[serde(rename = "SecretId")]
    secret_id: Option<String>,
}

/// Seen in one report of a live service event, beside the documented `additionalEventData`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceDetails {
    secret_id: Option<String>,
}

pub(super) fn read(event: &EventBridge<'_>) -> Result<Vec<Change>, Error> {
    let record: Record = serde_json::from_str(event.detail.get())?;
    let name = record.event_name.as_deref().ok_or_else(|| Error::malformed("detail.eventName is missing"))?;
    if record.error_code.is_some() {
        return Ok(Vec::new());
    }
    let request = record.request_parameters.unwrap_or_default();
    let response = record.response_elements.unwrap_or_default();
    let moves = match name {
        "PutSecretValue" => put(&request),
        "UpdateSecret" => vec![Move { version: response.version_id.clone(), ..Move::of(Moved::Current) }],
        "UpdateSecretVersionStage" => stage(&request),
        "CreateSecret" => vec![Move { version: response.version_id.clone(), ..Move::of(Moved::Existence) }],
        "RotationSucceeded" => vec![Move::of(Moved::Current)],
        "CancelSecretVersionDelete" | "DeleteSecret" | "EndSecretVersionDelete" | "ReplicationSucceeded"
        | "RestoreSecret" | "SecretVersionDeletion" | "StartSecretVersionDelete" => vec![Move::of(Moved::Existence)],
        "RemoveRegionsFromReplication" => in_regions(request.remove_replica_regions.clone().unwrap_or_default()),
        "ReplicateSecretToRegions" => {
            let replicas = request.add_replica_regions.iter().flatten();
            in_regions(replicas.map(|replica| replica.region.clone()).collect())
        }
        name if changes_nothing(name) => Vec::new(),
        name => return Err(Error::unknown(&format!("{name} of Secrets Manager via CloudTrail"))),
    };
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    let additional = record.additional_event_data.and_then(|data| data.secret_id);
    let details = record.service_event_details.and_then(|details| details.secret_id);
    let names: BTreeSet<String> =
        [request.secret_id, request.name, response.arn, additional, details].into_iter().flatten().collect();
    if names.is_empty() {
        return Err(Error::malformed(format!("no field of {name} names the secret")));
    }
    let of_move = |each: Move| {
        let mut change = change(event, names.clone(), each.version, each.moved)?;
        change.location.region = each.region.unwrap_or(change.location.region);
        Ok(change)
    };
    moves.into_iter().map(of_move).collect()
}

/// One thing that a record says moved.
struct Move {
    moved: Moved,
    version: Option<String>,
    /// Where it moved, when that is another region than the event's.
    region: Option<String>,
}

impl Move {
    fn of(moved: Moved) -> Self {
        Self { moved, version: None, region: None }
    }
}

/// Without stages a new value becomes the current one; a rotation stages it as `AWSPENDING` first. The request's
/// token is the id of the new version (AWS API Reference, PutSecretValue).
fn put(request: &Request) -> Vec<Move> {
    let stages = request.version_stages.clone().unwrap_or_else(|| vec!["AWSCURRENT".to_owned()]);
    let moves = stages.iter().filter_map(|label| moved_with(label));
    moves.map(|moved| Move { version: request.client_request_token.clone(), ..Move::of(moved) }).collect()
}

/// A label moves to a version, or is taken away where none is named.
fn stage(request: &Request) -> Vec<Move> {
    let moved = request.version_stage.as_deref().and_then(moved_with);
    moved.map(|moved| Move { version: request.move_to_version_id.clone(), ..Move::of(moved) }).into_iter().collect()
}

fn in_regions(regions: Vec<String>) -> Vec<Move> {
    regions.into_iter().map(|region| Move { region: Some(region), ..Move::of(Moved::Existence) }).collect()
}

/// Reads, metadata, and steps of a rotation that move no label which can be read.
fn changes_nothing(event_name: &str) -> bool {
    matches!(
        event_name,
        "BatchGetSecretValue"
            | "CancelRotateSecret"
            | "DeleteResourcePolicy"
            | "DescribeSecret"
            | "GetRandomPassword"
            | "GetResourcePolicy"
            | "GetSecretValue"
            | "ListSecretVersionIds"
            | "ListSecrets"
            | "PutResourcePolicy"
            | "ReplicationFailed"
            | "ReplicationStarted"
            | "RotateSecret"
            | "RotationAbandoned"
            | "RotationFailed"
            | "RotationStarted"
            | "StopReplicationToReplica"
            | "TagResource"
            | "TestRotationFailed"
            | "TestRotationStarted"
            | "TestRotationSucceeded"
            | "UntagResource"
            | "ValidateResourcePolicy"
    )
}
