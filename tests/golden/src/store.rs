//! Content of stores put in place.

use crate::{Case, Entry, Error, Result};
use pawl_servers::{Aws, Service};
use serde_json::{Value, json};

/// The region of both AWS stores.
pub(crate) const REGION: &str = "eu-central-1";

/// The two stores that all cases share.
pub(crate) fn shared() -> [Value; 2] {
    let store = |name: &str, service: &str| {
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ClusterSecretStore",
            "metadata": { "name": name },
            "spec": { "provider": { "aws": { "service": service, "region": REGION } } },
        })
    };
    [store("aws-sm", "SecretsManager"), store("aws-ps", "ParameterStore")]
}

/// The store of a case whose content stands in its manifest.
pub(crate) fn fake(case: &Case) -> Option<Value> {
    if case.store.kind != "fake" {
        return None;
    }
    let mut data = Vec::new();
    for entry in &case.store.entries {
        if let Some(string) = &entry.string {
            data.push(json!({ "key": entry.key, "value": string }));
        }
        for version in entry.versions.iter().flatten() {
            data.push(json!({ "key": entry.key, "value": version.string, "version": version.version }));
        }
    }
    let namespace = &case.external_secret["metadata"]["namespace"];
    Some(json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": { "name": case.name, "namespace": namespace },
        "spec": { "provider": { "fake": { "data": data } } },
    }))
}

/// Puts the keys of a case into AWS.
pub(crate) async fn fill(case: &Case, aws: &Aws) -> Result<()> {
    for entry in &case.store.entries {
        match case.store.kind.as_str() {
            "SecretsManager" => secret(case, entry, aws).await?,
            "ParameterStore" => parameter(case, entry, aws).await?,
            "fake" => {}
            other => return Err(failed(case, format!("store kind {other} is not known"))),
        }
    }
    Ok(())
}

async fn secret(case: &Case, entry: &Entry, aws: &Aws) -> Result<()> {
    let call = async |operation: &str, body: Value| {
        let answer = aws.call(REGION, Service::SECRETS_MANAGER, operation, &body).await;
        answer.map_err(|error| failed(case, format!("{operation} {}: {error}", entry.key)))
    };
    let mut create = json!({ "Name": entry.key, "Tags": tags(entry) });
    let mut versions = entry.versions.iter().flatten();
    match (versions.next(), &entry.binary_b64) {
        (Some(first), _) => {
            create["SecretString"] = json!(first.string);
            create["ClientRequestToken"] = json!(first.id);
        }
        (None, Some(binary)) => create["SecretBinary"] = json!(binary),
        (None, None) => create["SecretString"] = json!(entry.string),
    }
    call("CreateSecret", create).await?;
    for version in versions {
        let body = json!({
            "SecretId": entry.key,
            "SecretString": version.string,
            "ClientRequestToken": version.id,
            "VersionStages": ["PAWL_STAGING"],
        });
        call("PutSecretValue", body).await?;
    }
    // When AWSCURRENT moves, AWSPREVIOUS follows it by itself.
    let staged = |current: bool| {
        let versions = entry.versions.iter().flatten();
        let each =
            versions.flat_map(|version| version.stages.iter().flatten().map(move |stage| (stage, version)));
        each.filter(move |(stage, _)| (*stage == "AWSCURRENT") == current)
    };
    for (stage, version) in staged(true).chain(staged(false)) {
        let described = call("DescribeSecret", json!({ "SecretId": entry.key })).await?;
        let mut body = json!({ "SecretId": entry.key, "VersionStage": stage, "MoveToVersionId": version.id });
        match holder(&described, stage) {
            Some(holder) if Some(&holder) == version.id.as_ref() => continue,
            Some(holder) => body["RemoveFromVersionId"] = json!(holder),
            None => {}
        }
        call("UpdateSecretVersionStage", body).await?;
    }
    Ok(())
}

/// The version that has a stage.
fn holder(described: &Value, stage: &str) -> Option<String> {
    let versions = described["VersionIdsToStages"].as_object()?;
    let has = |stages: &Value| stages.as_array().is_some_and(|all| all.iter().any(|one| one == stage));
    versions.iter().find(|(_, stages)| has(stages)).map(|(id, _)| id.clone())
}

async fn parameter(case: &Case, entry: &Entry, aws: &Aws) -> Result<()> {
    let single = entry.string.iter();
    let values = single.chain(entry.versions.iter().flatten().map(|version| &version.string));
    for (index, value) in values.enumerate() {
        let mut body = json!({
            "Name": entry.key,
            "Value": value,
            "Type": entry.kind.as_deref().unwrap_or("String"),
            "Overwrite": index > 0,
        });
        // AWS takes tags with the first version only.
        if index == 0 && entry.tags.is_some() {
            body["Tags"] = tags(entry);
        }
        let answer = aws.call(REGION, Service::SSM, "PutParameter", &body).await;
        answer.map_err(|error| failed(case, format!("PutParameter {}: {error}", entry.key)))?;
    }
    Ok(())
}

fn tags(entry: &Entry) -> Value {
    let tag = |(key, value): (&String, &String)| json!({ "Key": key, "Value": value });
    entry.tags.iter().flatten().map(tag).collect()
}

fn failed(case: &Case, reason: String) -> Error {
    Error::Setup { case: case.name.clone(), reason }
}
