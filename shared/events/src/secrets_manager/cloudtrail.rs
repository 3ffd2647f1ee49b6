//! CloudTrail's records of API calls and of what the service did on its own.
//!
//! A call's record names the secret as its caller did: by name, full ARN or partial ARN. `responseElements` may be
//! null on success, or spell `arn` as `aRN` (before 2024), so nothing depends on it. Failed calls have an `errorCode`.

use super::moved_with;
use crate::error::Error;
use crate::eventbridge::{EventBridge, location};
use pawl_domain::{Change, Moved, Provider};
use serde::Deserialize;

/// More labels or regions than this in one record is no record: a secret has at most 20 labels, AWS fewer regions.
const MAX_MOVES: usize = 64;

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
    arn: Option<String>,
    #[serde(rename = "aRN")]
    arn_before_2024: Option<String>,
    name: Option<String>,
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
    let record: Record = event.detail()?;
    let name = record.event_name.as_deref().ok_or_else(|| Error::malformed("detail.eventName is missing"))?;
    if record.error_code.is_some() {
        return Ok(Vec::new());
    }
    let moves = moves(name, &record)?;
    if moves.len() > MAX_MOVES {
        return Err(Error::malformed("it names more labels or regions than a secret can have"));
    }
    let request = record.request_parameters.unwrap_or_default();
    let response = record.response_elements.unwrap_or_default();
    let additional = record.additional_event_data.and_then(|data| data.secret_id);
    let details = record.service_event_details.and_then(|details| details.secret_id);
    let asked = [request.secret_id, request.name];
    let answered = [response.arn, response.arn_before_2024, response.name];
    let names: Vec<String> =
        asked.into_iter().chain(answered).chain([additional, details]).flatten().collect();
    let of_move = |each: Move| {
        let mut change = event.change(Provider::SecretsManager, names.clone(), each.version, each.moved)?;
        if let Some(region) = each.region {
            change.location =
                location(Provider::SecretsManager, Some(&region), change.location.account.as_deref())?;
        }
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

    fn to(self, version: Option<&String>) -> Self {
        Self { version: version.cloned(), ..self }
    }
}

fn moves(event_name: &str, record: &Record) -> Result<Vec<Move>, Error> {
    let request = record.request_parameters.as_ref();
    let version = record.response_elements.as_ref().and_then(|response| response.version_id.as_ref());
    Ok(match event_name {
        "PutSecretValue" => put(request),
        // The value is not in the record. Without a version in the answer it may be new or not: look.
        "UpdateSecret" => vec![Move::of(Moved::Current).to(version)],
        "UpdateSecretVersionStage" => stage(request)?,
        "CreateSecret" => {
            let mut moves = vec![Move::of(Moved::Existence).to(version)];
            moves.extend(added_replicas(request));
            moves
        }
        "RotationSucceeded" => vec![Move::of(Moved::Current)],
        "CancelSecretVersionDelete"
        | "DeleteSecret"
        | "EndSecretVersionDelete"
        | "ReplicationSucceeded"
        | "RestoreSecret"
        | "SecretVersionDeletion"
        | "StartSecretVersionDelete" => vec![Move::of(Moved::Existence)],
        "ReplicateSecretToRegions" => added_replicas(request),
        "RemoveRegionsFromReplication" => in_regions(
            request.and_then(|request| request.remove_replica_regions.as_ref()).into_iter().flatten(),
        ),
        // Declarations may read tags (`metadataPolicy: Fetch`) and search by them.
        "TagResource" | "UntagResource" => vec![Move::of(Moved::Metadata)],
        name if changes_nothing(name) => Vec::new(),
        _ => return Err(Error::unknown("its eventName is not one of Secrets Manager that Pawl reads")),
    })
}

/// Without stages a new value becomes the current one; a rotation stages it as `AWSPENDING` first. The request's
/// token is the id of the new version (AWS API Reference, PutSecretValue).
fn put(request: Option<&Request>) -> Vec<Move> {
    let version = request.and_then(|request| request.client_request_token.as_ref());
    let stages =
        request.and_then(|request| request.version_stages.as_ref()).filter(|stages| !stages.is_empty());
    let Some(stages) = stages else { return vec![Move::of(Moved::Current).to(version)] };
    stages.iter().filter_map(|label| moved_with(label)).map(|moved| Move::of(moved).to(version)).collect()
}

/// A label moves to a version, or is taken away where none is named.
fn stage(request: Option<&Request>) -> Result<Vec<Move>, Error> {
    let label =
        request.and_then(|request| request.version_stage.as_deref()).filter(|label| !label.is_empty());
    let label = label.ok_or_else(|| Error::malformed("requestParameters.versionStage is missing"))?;
    let version = request.and_then(|request| request.move_to_version_id.as_ref());
    Ok(moved_with(label).map(|moved| Move::of(moved).to(version)).into_iter().collect())
}

fn added_replicas(request: Option<&Request>) -> Vec<Move> {
    let replicas = request.and_then(|request| request.add_replica_regions.as_ref()).into_iter().flatten();
    in_regions(replicas.map(|replica| &replica.region))
}

fn in_regions<'a>(regions: impl Iterator<Item = &'a String>) -> Vec<Move> {
    regions.map(|region| Move { region: Some(region.clone()), ..Move::of(Moved::Existence) }).collect()
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
            | "TestRotationFailed"
            | "TestRotationStarted"
            | "TestRotationSucceeded"
            | "ValidateResourcePolicy"
    )
}
