//! ExternalSecrets and stores that live in the cluster.

use crate::pawl::{CANARY, blue, id, now, pawl};
use crate::server::Server;
use pawl_domain::cluster::{Cluster, Connection, TokenSource};
use pawl_domain::{Kind, Outcome, Step};
use pawl_pipeline::ports::Clusters;
use pawl_pipeline::{Severity, Status};
use serde_json::{Value, json};

const V1: &str = "/apis/external-secrets.io/v1";

fn cluster(server: &Server) -> Cluster {
    Cluster {
        name: blue(),
        labels: [].into(),
        connection: Connection::Url {
            url: server.url.clone(),
            ca: Some(server.ca.clone()),
            token: TokenSource::Env(server.pawl.clone()),
        },
        index: true,
    }
}

pub(crate) async fn kinds_that_are_not_served_are_a_warning(server: &Server) {
    let found = pawl(server, &server.pawl).manifests(&cluster(server)).await.unwrap();
    assert!(found.declarations.is_empty() && found.stores.is_empty());
    let problems: Vec<_> = found.problems.iter().map(|one| (one.severity, one.object.as_str())).collect();
    let kinds = ["kind ExternalSecret", "kind SecretStore", "kind ClusterSecretStore"];
    assert_eq!(problems, kinds.map(|kind| (Severity::Warning, kind)));
}

pub(crate) async fn manifests_are_read_and_a_malformed_one_hides_nothing(server: &Server) {
    server.namespace("scan").await;
    let external_secret = |name: &str, spec: Value| {
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": { "name": name, "annotations": { "pawl.dev/clusters": "green" } },
            "spec": spec,
        })
    };
    let good = json!({
        "secretStoreRef": { "name": "aws" },
        "data": [{ "secretKey": "a", "remoteRef": { "key": "k" } }],
    });
    let mut uids = Vec::new();
    for (name, spec) in [("a-good", good.clone()), ("b-bad", json!({ "target": "text" })), ("c-good", good)] {
        let path = format!("{V1}/namespaces/scan/externalsecrets");
        let made = server.create(&path, external_secret(name, spec)).await;
        uids.push(made["metadata"]["uid"].as_str().unwrap().to_owned());
    }
    let provider = json!({ "aws": { "service": "SecretsManager", "region": "eu-central-1" } });
    let store = |kind: &str, provider: &Value| {
        json!({
            "apiVersion": "external-secrets.io/v1beta1", "kind": kind,
            "metadata": { "name": "aws" }, "spec": { "provider": provider },
        })
    };
    let beta = "/apis/external-secrets.io/v1beta1";
    server.create(&format!("{beta}/namespaces/scan/secretstores"), store("SecretStore", &provider)).await;
    server
        .create(&format!("{beta}/clustersecretstores"), store("ClusterSecretStore", &json!({ "vault": {} })))
        .await;

    let found = pawl(server, &server.pawl).manifests(&cluster(server)).await.unwrap();
    let here = |id: &pawl_domain::DeclarationId| id.namespace.as_str() == "scan";
    let declarations: Vec<_> = found.declarations.iter().filter(|one| here(&one.id)).collect();
    let ids: Vec<String> = declarations.iter().map(|one| one.id.to_string()).collect();
    assert_eq!(ids, ["blue/scan/a-good", "blue/scan/c-good"]);
    assert_eq!(declarations[1].uid.as_ref(), Some(&uids[2]));
    assert!(declarations[0].annotations.is_empty());
    let stores: Vec<String> = found.stores.iter().map(|store| store.id.to_string()).collect();
    assert_eq!(stores, ["blue/SecretStore scan/aws"]);
    let errors: Vec<String> = found
        .problems
        .iter()
        .filter(|one| one.severity == Severity::Error && !one.object.contains("owners/"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        errors,
        [
            "cluster blue: ExternalSecret scan/b-bad: spec.target: expected an object with fields, found text",
            "cluster blue: ClusterSecretStore aws: spec.provider.vault.server: is missing; write the server's address, \
             such as https://vault.example.com:8200",
        ]
    );
}

pub(crate) async fn outcomes_are_published(server: &Server) {
    server.namespace("publish").await;
    let path = format!("{V1}/namespaces/publish/externalsecrets");
    let object = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "es" }, "spec": { "refreshInterval": "1h" },
    });
    server.create(&path, object).await;
    let (pawl, id) = (pawl(server, &server.pawl), id("publish", "es"));
    let status = |result| Status { at: now(), result, kind: None, target: Some("db".to_owned()) };
    let failure = pawl_pipeline::Error::new(Step::Fetch, Kind::NotFound, "no key k").to_failure(1);
    for result in
        [Ok(Outcome::Written), Ok(Outcome::Written), Err(failure.clone()), Err(failure), Ok(Outcome::Queued)]
    {
        pawl.publish(&id, &status(result)).await.unwrap();
    }
    let found = server.get(&format!("{path}/es")).await;
    let message = "could not get secret data from provider";
    let time = "2026-11-22T05:00:00Z";
    let want = json!({
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": message,
            "lastTransitionTime": time,
        }],
        "refreshTime": time,
        "syncedResourceVersion": "1-f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2",
        "binding": { "name": "db" },
    });
    assert_eq!(found["status"], want);
    assert_eq!(found["spec"], json!({ "refreshInterval": "1h" }));

    let events = server.get("/api/v1/namespaces/publish/events").await;
    let mut told: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let text =
                |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            assert_eq!(text("/involvedObject/uid"), found["metadata"]["uid"]);
            (text("/reason"), text("/type"), text("/message"), text("/source/component"))
        })
        .collect();
    told.sort();
    let event = |reason: &str, kind: &str, message: &str| {
        (reason.to_owned(), kind.to_owned(), message.to_owned(), "pawl".to_owned())
    };
    let want = [
        event("Created", "Normal", "secret created"),
        event("UpdateFailed", "Warning", "no key k"),
        event("Updated", "Normal", "secret updated"),
    ];
    assert_eq!(told, want);
    assert!(!events.to_string().contains(CANARY));
    // Nobody is left to tell.
    pawl.publish(&crate::pawl::id("publish", "gone"), &status(Ok(Outcome::Written))).await.unwrap();
}
