//! The real Kubernetes API: who may do what, which definitions it takes, and what its audit log says of it.

#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use pawl_servers::{ApiRequest, ApiServer, Error};

/// One cluster for all: a start takes seconds, and each part looks at its own namespace.
#[tokio::test]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_cluster_serves_its_users() {
    let server = ApiServer::builder().user("writer", &["writers"]).controllers().start().await.unwrap();
    rights_come_from_rbac(&server).await;
    definitions_are_served_when_applied(&server).await;
    controllers_finish_namespaces(&server).await;
}

async fn rights_come_from_rbac(server: &ApiServer) {
    server.kubectl(&["create", "namespace", "a"]).await.unwrap();
    assert_eq!(create_secret(server, "nobodys-token").await, 401);
    assert_eq!(create_secret(server, server.token_of("writer").unwrap()).await, 403);
    server
        .kubectl(&["-n", "a", "create", "role", "writer", "--verb=create", "--resource=secrets"])
        .await
        .unwrap();
    server
        .kubectl(&["-n", "a", "create", "rolebinding", "writer", "--role=writer", "--group=writers"])
        .await
        .unwrap();
    assert_eq!(create_secret(server, server.token_of("writer").unwrap()).await, 201);
    assert_eq!(create_secret(server, server.token()).await, 409);

    let request = |status| ApiRequest {
        verb: "create".into(),
        resource: "secrets".into(),
        namespace: "a".into(),
        name: String::new(),
        status,
    };
    let mut seen = server.requests_of("writer");
    seen.iter_mut().for_each(|request| request.name.clear());
    assert_eq!(seen, [request(403), request(201)]);
}

async fn definitions_are_served_when_applied(server: &ApiServer) {
    server.apply_crds(WIDGETS).await.unwrap();
    server.apply_crds(WIDGETS).await.unwrap();
    let manifest = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(manifest.path(), r#"{"apiVersion":"test.dev/v1","kind":"Widget","metadata":{"name":"w","namespace":"a"},"spec":{"size":3}}"#).unwrap();
    server.kubectl(&["apply", "-f", manifest.path().to_str().unwrap()]).await.unwrap();
    assert_eq!(
        server.kubectl(&["-n", "a", "get", "widgets", "w", "-o", "jsonpath={.spec.size}"]).await.unwrap(),
        "3"
    );

    let error = server.apply_crds("apiVersion: v1\nkind: Secret\n").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"cannot read the manifest: a "Secret" is not a CustomResourceDefinition"#
    );
    assert!(
        matches!(server.kubectl(&["get", "gadgets"]).await, Err(Error::Refused { body, .. }) if body.contains("gadgets"))
    );
}

/// Without the controller manager this deletion would never end.
async fn controllers_finish_namespaces(server: &ApiServer) {
    server.kubectl(&["delete", "namespace", "a", "--timeout=30s"]).await.unwrap();
}

async fn create_secret(server: &ApiServer, token: &str) -> u16 {
    let certificate = reqwest::Certificate::from_pem(server.ca_pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap();
    let request = client.post(format!("{}/api/v1/namespaces/a/secrets", server.url())).bearer_auth(token);
    let body = serde_json::json!({ "metadata": { "name": "s" }, "stringData": { "a": "b" } });
    request.json(&body).send().await.unwrap().status().as_u16()
}

const WIDGETS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.test.dev }
spec:
  group: test.dev
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget, listKind: WidgetList }
  versions:
    - name: v1
      served: true
      storage: true
      selectableFields: [{ jsonPath: .spec.unit }]
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              x-kubernetes-validations: [{ rule: "self.size > 0" }]
              properties:
                size: { type: integer }
                unit: { type: string, default: "" }
"#;
