//! What runs in a namespace, and the Secrets that it uses.

use crate::pawl::{CANARY, blue, pawl, with};
use crate::server::Server;
use pawl_domain::Kind;
use pawl_domain::cluster::{Connection, TokenSource};
use pawl_ports::{Clusters, Workload};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const LISTS: [&str; 7] = [
    "/apis/apps/v1/namespaces/shop/deployments",
    "/apis/apps/v1/namespaces/shop/statefulsets",
    "/apis/apps/v1/namespaces/shop/daemonsets",
    "/apis/apps/v1/namespaces/shop/replicasets",
    "/apis/batch/v1/namespaces/shop/cronjobs",
    "/apis/batch/v1/namespaces/shop/jobs",
    "/api/v1/namespaces/shop/pods",
];

/// The lists of a namespace, in the order of [`LISTS`]; the rest of them is empty.
async fn workloads(lists: &[Value]) -> Result<Vec<Workload>, pawl_ports::Error> {
    let server = MockServer::start().await;
    for (at, list) in LISTS.iter().enumerate() {
        let items = lists.get(at).cloned().unwrap_or_else(|| json!([]));
        let answer = match items.as_u64() {
            Some(status) => ResponseTemplate::new(u16::try_from(status).unwrap()),
            None => ResponseTemplate::new(200).set_body_json(json!({ "metadata": {}, "items": items })),
        };
        Mock::given(method("GET")).and(path(*list)).respond_with(answer).expect(0..=1).mount(&server).await;
    }
    let connection = Connection::Url { url: server.uri(), ca: None, token: TokenSource::Env("t".to_owned()) };
    with(connection).workloads(&blue(), &"shop".parse().unwrap()).await
}

fn told(workloads: &[Workload]) -> BTreeMap<String, String> {
    let uses = |each: &Workload| {
        let of = each.secrets.iter().map(|(secret, usages)| {
            let usages: Vec<_> = usages.iter().map(|usage| usage.as_str()).collect();
            format!("{secret}: {}", usages.join(" "))
        });
        (format!("{} {}", each.kind, each.name), of.collect::<Vec<_>>().join(", "))
    };
    workloads.iter().map(uses).collect()
}

/// An object with this spec, made by that controller.
fn made(name: &str, by: Option<(&str, &str)>, spec: &Value) -> Value {
    let owners = by.map(|(kind, name)| {
        json!([
            { "apiVersion": "v1", "kind": "Other", "name": "other", "uid": "1" },
            { "apiVersion": "v1", "kind": kind, "name": name, "uid": "2", "controller": true },
        ])
    });
    json!({ "metadata": { "name": name, "namespace": "shop", "ownerReferences": owners }, "spec": spec })
}

fn pods(volume: &str) -> Value {
    json!({ "containers": [{ "name": "a" }], "volumes": [{ "name": "v", "secret": { "secretName": volume } }] })
}

fn template(spec: &Value) -> Value {
    json!({ "replicas": 0, "template": { "metadata": { "labels": {} }, "spec": spec } })
}

#[tokio::test]
async fn every_way_in_which_a_pod_uses_a_secret_is_seen() {
    let spec = json!({
        "initContainers": [{ "name": "i", "envFrom": [{ "secretRef": { "name": "init" } }, { "configMapRef": { "name": "no" } }] }],
        "containers": [
            {
                "name": "c",
                "env": [
                    { "name": "A", "valueFrom": { "secretKeyRef": { "name": "one", "key": "a" } } },
                    { "name": "B", "value": CANARY },
                    { "name": "C", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
                ],
                "envFrom": [{ "prefix": "P", "secretRef": { "name": "one", "optional": true } }],
            },
        ],
        "ephemeralContainers": [{ "name": "e", "env": [{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "eph", "key": "a" } } }] }],
        "volumes": [
            { "name": "a", "secret": { "secretName": "one" } },
            { "name": "b", "projected": { "sources": [{ "secret": { "name": "part" } }, { "configMap": { "name": "no" } }, {}] } },
            { "name": "c", "csi": { "driver": "d", "nodePublishSecretRef": { "name": "csi" } } },
            { "name": "d", "emptyDir": {} },
        ],
        "imagePullSecrets": [{ "name": "pull" }, {}],
        "nodeName": null,
    });
    let found = workloads(&[json!([made("web", None, &template(&spec))])]).await.unwrap();
    let want = "csi: volumes, eph: env, init: envFrom, one: env envFrom volumes, part: volumes, pull: imagePullSecrets";
    assert_eq!(told(&found), BTreeMap::from([("Deployment web".to_owned(), want.to_owned())]));
    assert!(!format!("{found:?}").contains(CANARY));
}

#[tokio::test]
async fn each_is_named_by_what_people_know_it_by() {
    let job = template(&pods("c"));
    let found = workloads(&[
        // One that an operator made is known by its own name.
        json!([made("web", Some(("Shop", "web")), &template(&pods("a")))]),
        json!([made("db", None, &template(&pods("b")))]),
        json!([made("agent", None, &template(&pods("b")))]),
        json!([
            made("web-1", Some(("Deployment", "web")), &template(&pods("old"))),
            made("rolled-1", Some(("Rollout", "rolled")), &template(&pods("d"))),
            made("rolled-2", Some(("Rollout", "rolled")), &template(&pods("e"))),
        ]),
        json!([made("nightly", None, &json!({ "jobTemplate": { "spec": job } }))]),
        json!([made("nightly-1", Some(("CronJob", "nightly")), &job), made("once", None, &job)]),
        json!([
            made("web-1-x", Some(("ReplicaSet", "web-1")), &pods("old")),
            made("nightly-1-x", Some(("Job", "nightly-1")), &pods("c")),
            made("alone", None, &pods("f")),
            made("made", Some(("Shop", "shop")), &pods("f")),
            made("uses-nothing", None, &json!({ "containers": [] })),
        ]),
    ])
    .await
    .unwrap();
    let want = [
        ("CronJob nightly", "c: volumes"),
        ("DaemonSet agent", "b: volumes"),
        ("Deployment web", "a: volumes"),
        ("Job once", "c: volumes"),
        ("Pod alone", "f: volumes"),
        ("Pod uses-nothing", ""),
        ("Rollout rolled", "d: volumes, e: volumes"),
        ("Shop shop", "f: volumes"),
        ("StatefulSet db", "b: volumes"),
    ];
    assert_eq!(told(&found), want.map(|(name, uses)| (name.to_owned(), uses.to_owned())).into());
}

#[tokio::test]
async fn a_part_does_not_pass_for_the_whole() {
    for (status, kind) in [(403, Kind::Denied), (500, Kind::Transient)] {
        let lists = [json!([]), json!([]), json!([]), json!([]), json!(status)];
        let problem = workloads(&lists).await.unwrap_err();
        assert_eq!(problem.kind, kind);
        assert!(problem.to_string().contains("cronjobs") || kind != Kind::Denied, "{problem}");
    }
    assert!(workloads(&[]).await.unwrap().is_empty());
}

/// With the rights that the documentation names, in the one namespace where they are bound.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_real_api_server_lists_them_to_who_has_the_documented_rights() {
    let server = Server::bare().await;
    for namespace in ["shop", "other"] {
        server.namespace(namespace).await;
    }
    let documented = include_str!("../../../../docs/clusters.md");
    let role = documented.split("```yaml\n").find(|block| block.contains("name: pawl-workloads")).unwrap();
    server.apply(&serde_saphyr::from_str(role.split("```").next().unwrap()).unwrap()).await;
    server
        .apply(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": { "name": "pawl-workloads", "namespace": "shop" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "pawl-workloads" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "pawl" }],
        }))
        .await;
    let template = json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": {
            "restartPolicy": "Always",
            "containers": [{
                "name": "c", "image": "i",
                "env": [{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "db", "key": "a" } } }],
                "envFrom": [{ "secretRef": { "name": "db" } }],
            }],
            "volumes": [{ "name": "v", "projected": { "sources": [{ "secret": { "name": "db" } }] } }],
            "imagePullSecrets": [{ "name": "registry" }],
        },
    });
    let selector = json!({ "matchLabels": { "app": "web" } });
    for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
        let mut spec = json!({ "selector": selector, "template": template });
        if kind == "StatefulSet" {
            spec["serviceName"] = json!("web");
        }
        let metadata = json!({ "name": "web", "namespace": "shop" });
        server
            .apply(&json!({ "apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec }))
            .await;
    }
    let mut once = template;
    once["spec"]["restartPolicy"] = json!("Never");
    let job = json!({ "template": once });
    let metadata = json!({ "name": "nightly", "namespace": "shop" });
    let spec = json!({ "schedule": "0 0 * * *", "jobTemplate": { "spec": job } });
    server
        .apply(&json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec }))
        .await;
    let metadata = json!({ "name": "once", "namespace": "shop" });
    server
        .apply(&json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": job }))
        .await;
    let pawl = pawl(&server, &server.pawl);
    let found = told(&pawl.workloads(&blue(), &"shop".parse().unwrap()).await.unwrap());
    let uses = "db: env envFrom volumes, registry: imagePullSecrets";
    let want = ["CronJob nightly", "DaemonSet web", "Deployment web", "Job once", "StatefulSet web"];
    assert_eq!(found, want.map(|name| (name.to_owned(), uses.to_owned())).into());
    let refused = pawl.workloads(&blue(), &"other".parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Denied);
}
