use super::ApiServer;
use crate::{Error, Result};
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep};

pub(super) async fn apply(server: &ApiServer, yaml: &str) -> Result<()> {
    let definitions: Vec<Value> =
        serde_saphyr::from_multiple(yaml).map_err(|error| Error::Manifest(error.to_string()))?;
    let old = server.minor_version().await? < FIRST_WITH_ALL;
    let mut paths = Vec::new();
    for mut definition in definitions.into_iter().filter(|document| !document.is_null()) {
        if definition["kind"] != "CustomResourceDefinition" {
            return Err(Error::Manifest(format!(
                "a {} is not a CustomResourceDefinition",
                definition["kind"]
            )));
        }
        let name = definition["metadata"]["name"]
            .as_str()
            .ok_or_else(|| Error::Manifest("a definition without a name".to_owned()))?;
        let path = format!("{COLLECTION}/{name}");
        if old {
            level_down(&mut definition);
        }
        server.apply(&path, &definition).await?;
        paths.push(path);
    }
    for path in paths {
        established(server, &path).await?;
    }
    Ok(())
}

const COLLECTION: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// `selectableFields` came last, on by default with Kubernetes 1.31.
const FIRST_WITH_ALL: u32 = 31;

fn level_down(definition: &mut Value) {
    for version in definition["spec"]["versions"].as_array_mut().into_iter().flatten() {
        if let Some(version) = version.as_object_mut() {
            version.remove("selectableFields");
        }
        level_down_schema(&mut version["schema"]);
    }
}

/// A property that is itself called `default` has a schema for a value, never a string, so it stays.
fn level_down_schema(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("x-kubernetes-validations");
            if fields.get("default").is_some_and(|default| default == "") {
                fields.remove("default");
            }
            fields.values_mut().for_each(level_down_schema);
        }
        Value::Array(items) => items.iter_mut().for_each(level_down_schema),
        _ => {}
    }
}

/// Established is not enough: the resource must be in the list that clients discover, which follows a moment later.
async fn established(server: &ApiServer, path: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let definition = server.get(path).await?;
        if served(server, &definition).await {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Error::Refused {
                call: format!("GET {path}"),
                status: 200,
                body: format!("not served yet: {}", definition["status"]["conditions"]),
            });
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn served(server: &ApiServer, definition: &Value) -> bool {
    let spec = &definition["spec"];
    let (Some(group), Some(plural)) = (spec["group"].as_str(), spec["names"]["plural"].as_str()) else {
        return false;
    };
    let versions =
        spec["versions"].as_array().into_iter().flatten().filter(|version| version["served"] == true);
    for version in versions.filter_map(|version| version["name"].as_str()) {
        let Ok(list) = server.get(&format!("/apis/{group}/{version}")).await else { return false };
        if !list["resources"].as_array().into_iter().flatten().any(|resource| resource["name"] == plural) {
            return false;
        }
        if server.get(&format!("/apis/{group}/{version}/{plural}?limit=1")).await.is_err() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn old_servers_get_what_they_can_take_and_nothing_else_changes() {
        let mut definition = json!({
            "kind": "CustomResourceDefinition",
            "spec": { "versions": [{
                "name": "v1",
                "selectableFields": [{ "jsonPath": ".spec.a" }],
                "schema": { "openAPIV3Schema": {
                    "x-kubernetes-validations": [{ "rule": "true" }],
                    "properties": {
                        "default": { "type": "string", "default": "" },
                        "selectableFields": { "type": "string", "default": "x" },
                        "list": { "items": { "x-kubernetes-validations": [], "default": {} } },
                    },
                } },
            }] },
        });
        level_down(&mut definition);
        let expected = json!({
            "kind": "CustomResourceDefinition",
            "spec": { "versions": [{
                "name": "v1",
                "schema": { "openAPIV3Schema": {
                    "properties": {
                        "default": { "type": "string" },
                        "selectableFields": { "type": "string", "default": "x" },
                        "list": { "items": { "default": {} } },
                    },
                } },
            }] },
        });
        assert_eq!(definition, expected);
    }
}
