//! What `infra` deploys into clusters, on a real API server: it is taken, it grants what it says, and no more.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use pawl_servers::{ApiServer, Error, Result};
use serde_json::Value;
use std::time::Duration;

const SERVE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/kubernetes/serve");
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/kubernetes/example");

#[tokio::test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn the_server_is_taken_where_pods_are_restricted() -> Result<()> {
    let server = ApiServer::start().await?;
    let namespace = format!("{SERVE}/namespace.yaml");
    server.kubectl(&["apply", "--filename", &namespace]).await?;
    let taken = ["apply", "--dry-run=server", "--output", "json", "--kustomize", SERVE];
    let taken = parsed(&server.kubectl(&taken).await?);
    let items = taken["items"].as_array().cloned().unwrap_or_default();
    let kinds: Vec<&str> = items.iter().filter_map(|one| one["kind"].as_str()).collect();
    for kind in ["ServiceAccount", "Service", "StatefulSet", "NetworkPolicy", "PodDisruptionBudget"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }

    // A StatefulSet is taken whatever its pods are; only they themselves are looked at.
    let set = items.iter().find(|one| one["kind"] == "StatefulSet").cloned().unwrap_or_default();
    assert_eq!(set["spec"]["replicas"], 1, "two servers with one file each would both sweep");
    let mut spec = set["spec"]["template"]["spec"].clone();
    let volumes = spec["volumes"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let claim =
        serde_json::json!({ "name": "state", "persistentVolumeClaim": { "claimName": "state-pawl-0" } });
    spec["volumes"] = volumes.into_iter().chain([claim]).collect();
    assert_eq!(admitted(&server, &spec).await, Ok(()));
    spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
    let refused = admitted(&server, &spec).await.unwrap_err();
    assert!(refused.contains("violates PodSecurity \"restricted"), "{refused}");
    Ok(())
}

#[tokio::test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn profiles_grant_namespaces_that_are_named_and_no_others() -> Result<()> {
    let server = ApiServer::builder().user("pawl", &["pawl"]).start().await?;
    for namespace in ["shop", "till", "other"] {
        server.kubectl(&["create", "namespace", namespace]).await?;
    }
    server.kubectl(&["apply", "--kustomize", EXAMPLE]).await?;
    let secrets = ["get", "list", "watch", "create", "patch", "delete"].map(|verb| (verb, "secrets"));
    for (verb, resource) in secrets {
        for (namespace, granted) in [("shop", true), ("till", true), ("other", false), ("kube-system", false)]
        {
            assert_eq!(may(&server, verb, resource, namespace).await, granted, "{verb} in {namespace}");
        }
    }
    for (verb, resource, namespace, granted) in [
        ("list", "externalsecrets.external-secrets.io", "shop", true),
        ("patch", "externalsecrets.external-secrets.io/status", "shop", true),
        ("list", "externalsecrets.external-secrets.io", "till", false),
        ("list", "externalsecrets.external-secrets.io", "other", false),
        ("update", "secrets", "shop", false),
        ("create", "serviceaccounts/token", "shop", false),
        ("list", "clustersecretstores.external-secrets.io", "", true),
        ("patch", "externalsecrets.external-secrets.io", "shop", false),
        ("create", "pods", "shop", false),
        ("patch", "rolebindings.rbac.authorization.k8s.io", "shop", false),
    ] {
        assert_eq!(
            may(&server, verb, resource, namespace).await,
            granted,
            "{verb} {resource} in {namespace}"
        );
    }

    // Its requests are counted at its own level as soon as the server has taken the schema in.
    let counted =
        "apiserver_flowcontrol_dispatched_requests_total{flow_schema=\"pawl\",priority_level=\"pawl\"}";
    for _ in 0..100 {
        let token = format!("--token={}", server.token_of("pawl").unwrap_or_default());
        server.kubectl(&[&token, "get", "secrets", "--namespace", "shop"]).await?;
        if server.kubectl(&["get", "--raw", "/metrics"]).await?.contains(counted) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no request of Pawl was dispatched at its own level");
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Whether a pod of this spec would be let into the namespace of the server; with what is said against it.
async fn admitted(server: &ApiServer, spec: &Value) -> std::result::Result<(), String> {
    let pod = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "try", "namespace": "pawl" }, "spec": spec
    });
    let file = written(&pod);
    let create = ["create", "--dry-run=server", "--filename", &*file.path().to_string_lossy()];
    server.kubectl(&create).await.map(drop).map_err(|error: Error| error.to_string())
}

/// Whether the group `pawl` may do this, as the server's authorizer answers. A resource is `<plural>.<group>/<part>`.
async fn may(server: &ApiServer, verb: &str, resource: &str, namespace: &str) -> bool {
    let (resource, part) = resource.split_once('/').unwrap_or((resource, ""));
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let review = serde_json::json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": { "user": "pawl", "groups": ["pawl"], "resourceAttributes": {
            "namespace": namespace, "verb": verb, "group": group, "resource": resource, "subresource": part
        } },
    });
    let file = written(&review);
    let path = file.path().to_string_lossy();
    let said = server.kubectl(&["create", "--output", "json", "--filename", &path]).await.unwrap();
    parsed(&said)["status"]["allowed"] == true
}

fn written(object: &Value) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), object.to_string()).unwrap();
    file
}
