//! What is done in Secrets Manager.

use crate::{Action, Error, Result};
use pawl_servers::{Aws, Service};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The region of the store that all sequences share.
pub(crate) const REGION: &str = "eu-west-1";

/// Performs one operation on the action's key.
///
/// # Errors
/// [`Error::Refused`] when the store refuses it; [`Error::Form`] for an operation that is not known.
pub(crate) async fn perform(operation: &str, action: &Action, aws: &Aws) -> Result<()> {
    let key = action.key.as_str();
    match operation {
        "put" => put(action, aws).await,
        "delete" => {
            let mut body = json!({ "SecretId": key });
            if action.force {
                body["ForceDeleteWithoutRecovery"] = json!(true);
            }
            call(aws, "DeleteSecret", body).await.map(drop)
        }
        "restore" => call(aws, "RestoreSecret", json!({ "SecretId": key })).await.map(drop),
        "tag" => call(aws, "TagResource", json!({ "SecretId": key, "Tags": tags(action) })).await.map(drop),
        "rollback" => move_stage(aws, key, "AWSCURRENT", Some("AWSPREVIOUS")).await,
        "label" => {
            let label = action.label.as_deref().unwrap_or_default();
            move_stage(aws, key, label, action.to.as_deref()).await
        }
        other => Err(Error::Form(format!("the store does not know how to {other}"))),
    }
}

/// A secret that is there gets a new version, else it is made.
async fn put(action: &Action, aws: &Aws) -> Result<()> {
    let key = action.key.as_str();
    let mut body = json!({});
    match (&action.string, &action.binary_b64) {
        (Some(text), _) => body["SecretString"] = json!(text),
        (None, binary) => body["SecretBinary"] = json!(binary),
    }
    let mut create = body.clone();
    create["Name"] = json!(key);
    if action.tags.is_some() {
        create["Tags"] = tags(action);
    }
    let made = match call(aws, "CreateSecret", create).await {
        Err(Error::Refused { message, .. }) if message.contains("ResourceExistsException") => None,
        made => Some(made?),
    };
    if let Some(made) = made {
        // A first version is AWSCURRENT whatever is asked for; other stages are given to it afterwards.
        let others = action.stages.iter().flatten().filter(|stage| *stage != "AWSCURRENT");
        for stage in others {
            let version = &made["VersionId"];
            let body = json!({ "SecretId": key, "VersionStage": stage, "MoveToVersionId": version });
            call(aws, "UpdateSecretVersionStage", body).await?;
        }
        return Ok(());
    }
    body["SecretId"] = json!(key);
    if let Some(stages) = &action.stages {
        body["VersionStages"] = json!(stages);
    }
    call(aws, "PutSecretValue", body).await?;
    if action.stages.as_ref().is_none_or(|stages| stages.iter().any(|it| it == "AWSCURRENT")) {
        take_labels_away(aws, key).await?;
    }
    if action.tags.is_some() {
        call(aws, "TagResource", json!({ "SecretId": key, "Tags": tags(action) })).await?;
    }
    Ok(())
}

/// The recordings were made on an emulator that takes the labels of users from a version when another one comes into force.
/// AWS leaves them, and so does the emulator here; but what was recorded is what came of it.
async fn take_labels_away(aws: &Aws, key: &str) -> Result<()> {
    let described = call(aws, "DescribeSecret", json!({ "SecretId": key })).await?;
    let Some(former) = holder(&described, "AWSPREVIOUS") else { return Ok(()) };
    let stages = described["VersionIdsToStages"][&former].as_array().into_iter().flatten();
    for label in stages.filter(|stage| *stage != "AWSPREVIOUS") {
        let body = json!({ "SecretId": key, "VersionStage": label, "RemoveFromVersionId": former });
        call(aws, "UpdateSecretVersionStage", body).await?;
    }
    Ok(())
}

/// Moves a stage to the version that has the stage `to`, or takes it away.
async fn move_stage(aws: &Aws, key: &str, stage: &str, to: Option<&str>) -> Result<()> {
    let described = call(aws, "DescribeSecret", json!({ "SecretId": key })).await?;
    let mut body = json!({ "SecretId": key, "VersionStage": stage });
    if let Some(holder) = holder(&described, stage) {
        body["RemoveFromVersionId"] = json!(holder);
    }
    if let Some(to) = to {
        let target = holder(&described, to);
        body["MoveToVersionId"] =
            json!(target.ok_or_else(|| Error::Form(format!("no version of {key} has {to}")))?);
    }
    call(aws, "UpdateSecretVersionStage", body).await.map(drop)
}

/// Every secret under this name, with what it is: value, tags, description, and how many versions.
///
/// # Errors
/// [`Error::Refused`] when the store does not tell.
pub(crate) async fn held(name: &str, aws: &Aws) -> Result<BTreeMap<String, Value>> {
    let filter = json!([{ "Key": "name", "Values": [format!("{name}/")] }]);
    let body = json!({ "IncludePlannedDeletion": true, "Filters": filter });
    let listed = call(aws, "ListSecrets", body).await?;
    let mut held = BTreeMap::new();
    for secret in listed["SecretList"].as_array().into_iter().flatten() {
        let key = secret["Name"].as_str().unwrap_or_default();
        let value = match call(aws, "GetSecretValue", json!({ "SecretId": key })).await {
            Ok(value) if value["SecretString"].is_string() => value["SecretString"].clone(),
            Ok(value) => json!({ "binary_b64": value["SecretBinary"] }),
            Err(Error::Refused { message, .. }) => {
                let refused: Value = serde_json::from_str(&message).unwrap_or_default();
                json!({ "error": refused["__type"] })
            }
            Err(error) => return Err(error),
        };
        let tags = secret["Tags"].as_array().into_iter().flatten();
        let tag = |tag: &Value| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].clone()));
        let tags: Map<String, Value> = tags.filter_map(tag).collect();
        let body = json!({ "SecretId": key, "IncludeDeprecated": true });
        let versions = call(aws, "ListSecretVersionIds", body).await?;
        let versions = versions["Versions"].as_array().map_or(0, Vec::len);
        let mut seen = json!({ "value": value, "tags": tags, "versions": versions });
        if let Some(description) = secret["Description"].as_str().filter(|text| !text.is_empty()) {
            seen["description"] = json!(description);
        }
        held.insert(key.to_owned(), seen);
    }
    Ok(held)
}

/// The version that has a stage.
fn holder(described: &Value, stage: &str) -> Option<String> {
    let versions = described["VersionIdsToStages"].as_object()?;
    let has = |stages: &Value| stages.as_array().is_some_and(|all| all.iter().any(|one| one == stage));
    versions.iter().find(|(_, stages)| has(stages)).map(|(id, _)| id.clone())
}

fn tags(action: &Action) -> Value {
    let tag = |(key, value): (&String, &String)| json!({ "Key": key, "Value": value });
    action.tags.iter().flatten().map(tag).collect()
}

async fn call(aws: &Aws, operation: &str, body: Value) -> Result<Value> {
    match aws.call(REGION, Service::SECRETS_MANAGER, operation, &body).await {
        Ok(answer) => Ok(answer),
        Err(pawl_servers::Error::Refused { status, body, .. }) => {
            Err(Error::Refused { what: operation.to_owned(), status, message: body })
        }
        Err(error) => Err(error.into()),
    }
}
