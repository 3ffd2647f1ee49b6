//! ExternalSecrets and stores that live in the cluster.

use crate::pawl::{CANARY, cluster, id, now, pawl};
use crate::server::Server;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::reconcile::Deed;
use pawl_domain::{Failure, Kind, Outcome, Severity, Step};
use pawl_ports::{Clusters, Status, StoreStatus, Validity};
use serde_json::{Value, json};

const V1: &str = "/apis/external-secrets.io/v1";

pub(crate) async fn kinds_that_are_not_served_are_a_warning(server: &Server) {
    let found = pawl(server, &server.pawl).manifests(&cluster(server)).await.unwrap();
    assert!(found.declarations.is_empty() && found.stores.is_empty());
    let problems: Vec<_> = found.problems.iter().map(|one| (one.severity, one.object.as_str())).collect();
    let kinds = ["kind ExternalSecret", "kind SecretStore", "kind ClusterSecretStore"];
    assert_eq!(problems, kinds.map(|kind| (Severity::Warning, kind)));
}

pub(crate) async fn generators_are_read_where_something_names_their_kind(server: &Server) {
    server.namespace("makes").await;
    let of = |kind: &str, spec: Value| {
        json!({
            "apiVersion": "generators.external-secrets.io/v1alpha1", "kind": kind,
            "metadata": { "name": "db" }, "spec": spec,
        })
    };
    let group = "/apis/generators.external-secrets.io/v1alpha1";
    let password = json!({ "length": 12, "digits": 3, "symbols": 0, "noUpper": false, "allowRepeat": true });
    server.create(&format!("{group}/namespaces/makes/passwords"), of("Password", password)).await;
    server.create(&format!("{group}/namespaces/makes/uuids"), of("UUID", json!({}))).await;
    let wide = json!({ "kind": "UUID", "generator": { "uuidSpec": {} } });
    server.create(&format!("{group}/clustergenerators"), of("ClusterGenerator", wide)).await;
    let unnamed = pawl(server, &server.pawl).manifests(&cluster(server)).await.unwrap();
    assert!(unnamed.stores.iter().all(|store| store.id.generator.is_none()), "{:?}", unnamed.stores);

    let made_by = |kind: &str| json!({ "sourceRef": { "generatorRef": { "kind": kind, "name": "db" } } });
    let declared = |name: &str, spec: Value| {
        json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": name }, "spec": spec,
        })
    };
    let external_secrets = format!("{V1}/namespaces/makes/externalsecrets");
    let both = json!({ "dataFrom": [made_by("Password"), made_by("ClusterGenerator")] });
    server.create(&external_secrets, declared("good", both)).await;
    // What it was before it became unusable is still carried out, and needs its generator.
    let unusable = json!({ "refreshInterval": "soon", "dataFrom": [made_by("UUID")] });
    server.create(&external_secrets, declared("unusable", unusable)).await;
    let found = pawl(server, &server.pawl).manifests(&cluster(server)).await.unwrap();
    let made = found.stores.iter().filter(|store| store.id.generator.is_some());
    let ids: Vec<String> = made.map(|store| store.id.to_string()).collect();
    assert_eq!(ids, ["blue/ClusterGenerator db", "blue/Password makes/db", "blue/UUID makes/db"]);
    assert!(found.standing.keys().all(|id| id.generator.is_none()), "{:?}", found.standing.keys());
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
    let synced = declarations[0].synced.as_ref().unwrap();
    assert!(synced.starts_with("1-") && synced.len() == 58, "{synced}");
    assert_eq!(declarations[1].uid.as_ref(), Some(&uids[2]));
    assert!(declarations[0].annotations.is_empty());
    let stores: Vec<String> = found.stores.iter().map(|store| store.id.to_string()).collect();
    assert_eq!(stores, ["blue/SecretStore scan/aws"]);
    assert!(found.standing.keys().map(ToString::to_string).eq(stores));
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
    let made = server.create(&path, object).await;
    let uid = made["metadata"]["uid"].as_str().unwrap();
    let (pawl, id) = (pawl(server, &server.pawl), id("publish", "es"));
    let mut before = None;
    let mut second = 0;
    let mut tell = async |result: Result<Outcome, Failure>, deed: Deed| {
        second += 1;
        let at = now() + SignedDuration::from_secs(second);
        let status = status(at, uid, result, deed);
        let told = status.told();
        pawl.publish(&id, &Status { before: before.clone(), ..status }).await.unwrap();
        before = told.or_else(|| before.clone());
    };
    let failure = pawl_ports::Error::new(Step::Fetch, Kind::NotFound, "no key k").to_failure(1);
    tell(Ok(Outcome::Written), Deed::Created).await;
    tell(Ok(Outcome::Written), Deed::Updated).await;
    tell(Err(failure.clone()), Deed::Nothing).await;
    tell(Err(failure), Deed::Nothing).await;
    tell(Ok(Outcome::Queued), Deed::Nothing).await;
    // What was done before somebody else told how it stands is told by an Event alone.
    let late = status(now() + SignedDuration::from_secs(6), uid, Ok(Outcome::Written), Deed::Updated);
    pawl.publish(&id, &Status { overtaken: true, ..late }).await.unwrap();
    let found = server.get(&format!("{path}/es")).await;
    let message = "could not get secret data from provider";
    let want = json!({
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": message,
            "lastTransitionTime": "2026-11-22T05:00:03Z",
        }],
        "refreshTime": "2026-11-22T05:00:02Z",
        "syncedResourceVersion": "1-hash",
        "binding": { "name": "db" },
    });
    assert_eq!(found["status"], want);
    assert_eq!(found["spec"], json!({ "refreshInterval": "1h" }));
    let want = [
        "Created Normal secret created pawl 2026-11-22T05:00:01Z",
        "UpdateFailed Warning no key k pawl 2026-11-22T05:00:04Z",
        "Updated Normal secret updated pawl 2026-11-22T05:00:02Z",
        "Updated Normal secret updated pawl 2026-11-22T05:00:06Z",
    ];
    assert_eq!(events(server, "publish", uid).await, want);
    // Nobody is left to tell.
    let status = status(now(), uid, Ok(Outcome::Written), Deed::Updated);
    pawl.publish(&crate::pawl::id("publish", "gone"), &status).await.unwrap();
}

pub(crate) async fn a_status_that_somebody_else_wrote_is_read_first(server: &Server) {
    server.namespace("others").await;
    let path = format!("{V1}/namespaces/others/externalsecrets");
    let object = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": "es" }, "spec": {},
    });
    let made = server.create(&path, object).await;
    let uid = made["metadata"]["uid"].as_str().unwrap();
    let theirs = |status: &str| {
        json!({ "status": {
            "conditions": [
                { "type": "Deleted", "status": "False" },
                { "type": "Ready", "status": status, "reason": "x", "message": "y", "lastTransitionTime": "2020-01-01T00:00:00Z" },
            ],
            "binding": { "name": "former" },
        } })
    };
    let (pawl, id) = (pawl(server, &server.pawl), id("others", "es"));
    let status = status(now(), uid, Ok(Outcome::Unchanged), Deed::Nothing);
    let failed = pawl_ports::Error::new(Step::Fetch, Kind::NotFound, "no key k").to_failure(1);
    let told = Status { result: Err(failed), ..status.clone() }.told();
    for before in [None, told] {
        server.merge(&format!("{path}/es/status"), theirs("True")).await;
        pawl.publish(&id, &Status { before, ..status.clone() }).await.unwrap();
        let found = server.get(&format!("{path}/es")).await;
        let ready = json!({
            "type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced",
            "lastTransitionTime": "2020-01-01T00:00:00Z",
        });
        assert_eq!(found["status"]["conditions"], json!([{ "type": "Deleted", "status": "False" }, ready]));
        assert_eq!(found["status"]["binding"]["name"], "db");
    }
    // Another object has taken its name, of which nothing is known yet.
    let other = Status { uid: Some("of the former".to_owned()), ..status };
    let before = server.get(&format!("{path}/es")).await;
    pawl.publish(&id, &other).await.unwrap();
    assert_eq!(server.get(&format!("{path}/es")).await, before);
}

fn status(at: Timestamp, uid: &str, result: Result<Outcome, Failure>, deed: Deed) -> Status {
    Status {
        at,
        uid: Some(uid.to_owned()),
        synced: Some("1-hash".to_owned()),
        kind: None,
        target: "db".to_owned(),
        result,
        deed,
        retired: false,
        overtaken: false,
        before: None,
    }
}

pub(crate) async fn stores_are_told_how_they_were_validated(server: &Server) {
    server.namespace("stores").await;
    let spec = json!({ "provider": { "fake": { "data": [] } } });
    let store = |kind: &str| {
        json!({
            "apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": { "name": "told" }, "spec": spec,
        })
    };
    let paths = [format!("{V1}/namespaces/stores/secretstores"), format!("{V1}/clustersecretstores")];
    server.create(&paths[0], store("SecretStore")).await;
    server.create(&paths[1], store("ClusterSecretStore")).await;
    let pawl = pawl(server, &server.pawl);
    let tell = async |validity: Validity, second: i64, edited: bool| {
        let mut found = pawl.manifests(&cluster(server)).await.unwrap();
        found.stores.retain(|store| store.id.generator.is_none());
        // Whoever asks for stores alone gets the same ones, and nothing else.
        let alone = pawl.stores(&cluster(server)).await.unwrap();
        assert_eq!((&alone.stores, &alone.standing), (&found.stores, &found.standing));
        assert!(alone.declarations.is_empty());
        let here = found.standing.into_iter().filter(|(id, _)| id.name.as_str() == "told");
        let mut uids = Vec::new();
        for (id, standing) in here {
            let (at, validity) = (now() + SignedDuration::from_secs(second), validity.clone());
            uids.push(standing.uid.clone());
            pawl.publish_store(&id, &StoreStatus { at, standing, validity, edited }).await.unwrap();
        }
        uids
    };
    let uids = tell(Validity::Valid, 1, true).await;
    assert_eq!(uids.len(), 2);
    tell(Validity::Valid, 2, false).await;
    for path in &paths {
        let want = json!({
            "capabilities": "ReadWrite",
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Valid", "message": "store validated",
                "lastTransitionTime": "2026-11-22T05:00:01Z",
            }],
        });
        assert_eq!(server.get(&format!("{path}/told")).await["status"], want);
    }
    tell(Validity::Refused("unable to validate".to_owned()), 3, true).await;
    let found = server.get(&format!("{}/told", paths[0])).await;
    let want = json!([{
        "type": "Ready", "status": "False", "reason": "InvalidProviderConfig",
        "message": "unable to validate store", "lastTransitionTime": "2026-11-22T05:00:03Z",
    }]);
    assert_eq!(found["status"]["conditions"], want);
    let unmaintained = "StoreUnmaintained Warning store isn't currently maintained. Please plan and prepare accordingly. \
                        pawl 2026-11-22T05:00:03Z";
    let want = [
        "InvalidProviderConfig Warning unable to validate pawl 2026-11-22T05:00:03Z",
        unmaintained,
        "Valid Normal store validated pawl 2026-11-22T05:00:01Z",
    ];
    let mut told = events(server, "stores", found["metadata"]["uid"].as_str().unwrap()).await;
    assert_eq!(told, want);
    let wide = server.get(&format!("{}/told", paths[1])).await;
    told = events(server, "default", wide["metadata"]["uid"].as_str().unwrap()).await;
    assert_eq!(told, want);
}

/// What Events of a namespace say about the object with this uid, in the order of text.
async fn events(server: &Server, namespace: &str, uid: &str) -> Vec<String> {
    let events = server.get(&format!("/api/v1/namespaces/{namespace}/events")).await;
    assert!(!events.to_string().contains(CANARY));
    let text =
        |event: &Value, at: &str| event.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let items = events["items"].as_array().unwrap().iter();
    let mut told: Vec<String> = items
        .filter(|event| text(event, "/involvedObject/uid") == uid)
        .map(|event| {
            ["/reason", "/type", "/message", "/source/component", "/lastTimestamp"]
                .map(|at| text(event, at))
                .join(" ")
        })
        .collect();
    told.sort();
    told
}
