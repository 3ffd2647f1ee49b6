//! `sweep` and `index` as they are called: by their schedules, and by hand.

use crate::told::{Told, nothing_watched};
use pawl_ports::Ports;
use pawl_world::{Fault, declaration};

/// What EventBridge Scheduler and rules send when nothing else is said.
const SCHEDULED: &str = r#"{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events",
    "account":"123456789012","time":"2026-11-22T10:00:00Z","region":"eu-central-1","resources":[],"detail":{}}"#;

#[tokio::test(start_paused = true)]
async fn a_scheduled_sweep_makes_a_lost_event_good() {
    let told = Told::new();
    told.world.declare(declaration("blue/shop/db").reads("app/db"));
    told.world.rotate("app/db", told.value(1));
    let request: pawl_sweep::Request = serde_json::from_str(SCHEDULED).unwrap();
    let summary = pawl_sweep::handle(&told.pipeline, request).await.unwrap();
    assert_eq!((summary.listed, summary.written, summary.failed), (1, 1, 0), "{summary:?}");
    assert_eq!(told.world.value("blue/shop/db", "value"), Some(told.value(1)));
    told.end();
}

#[tokio::test(start_paused = true)]
async fn manifests_are_indexed_by_a_direct_call_and_delivered_by_the_queue() {
    let told = Told::new();
    let clusters = told.world.clusters();
    clusters.ensure_namespace(&"blue".parse().unwrap(), &"shop".parse().unwrap());
    let manifests = "
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: db, namespace: shop}
spec:
  secretStoreRef: {name: aws, kind: ClusterSecretStore}
  data:
    - secretKey: password
      remoteRef: {key: app/db, property: password}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: broken, namespace: shop}
spec:
  secretStoreRef: {name: aws, kind: ClusterSecretStore}
  data:
    - secretKey: password
      remoteRef: {kee: app/db}
";
    told.world.rotate("app/db", format!(r#"{{"password":"{}"}}"#, told.value(1)));
    let request = pawl_index::Request {
        manifests: Some(manifests.to_owned()),
        clusters: vec!["blue".parse().unwrap()],
        ..Default::default()
    };
    let summary = pawl_index::handle(&told.pipeline, &nothing_watched(), request).await.unwrap();
    assert_eq!((summary.changed, summary.failed.len()), (1, 0), "{summary:?}");
    assert!(summary.problems.iter().any(|problem| problem.object == "ExternalSecret shop/broken"));
    assert_eq!(told.work_off().await, 0);
    assert_eq!(told.world.value("blue/shop/db", "password"), Some(told.value(1)));
    told.end();
}

#[tokio::test(start_paused = true)]
async fn index_takes_no_clusters_and_prunes_within_a_set() {
    let told = Told::new();
    told.world.rotate("app/db", told.value(1));
    let secret = |name: &str| {
        format!(
            "---\napiVersion: external-secrets.io/v1\nkind: ExternalSecret\n\
             metadata: {{ name: {name}, namespace: shop }}\nspec:\n  \
             secretStoreRef: {{ name: aws, kind: ClusterSecretStore }}\n  \
             data: [{{ secretKey: password, remoteRef: {{ key: app/db }} }}]\n"
        )
    };
    let request = |manifests: String, set: &str, prune: bool| pawl_index::Request {
        manifests: Some(manifests),
        clusters: vec!["blue".parse().unwrap()],
        set: Some(set.parse().unwrap()),
        prune,
        ..Default::default()
    };
    let evil = "apiVersion: pawl.dev/v1alpha1\nkind: Cluster\nmetadata: { name: blue }\n\
                spec: { url: { url: 'https://evil', tokenSecret: pawl/clusters/blue } }\n";
    let both = request(format!("{evil}{}", secret("theirs")), "bank", false);
    let summary = pawl_index::handle(&told.pipeline, &nothing_watched(), both).await.unwrap();
    assert_eq!((summary.changed, summary.failed.len()), (1, 1), "{summary:?}");
    assert!(summary.failed[0].starts_with("Cluster blue: "), "{summary:?}");

    let own = request(secret("own"), "shop", true);
    let summary = pawl_index::handle(&told.pipeline, &nothing_watched(), own).await.unwrap();
    assert_eq!((summary.changed, summary.removed), (1, 0), "{summary:?}");
    let nameless = pawl_index::Request { set: None, ..request(secret("own"), "shop", true) };
    assert!(pawl_index::handle(&told.pipeline, &nothing_watched(), nameless).await.is_err());
    let summary =
        pawl_index::handle(&told.pipeline, &nothing_watched(), request(String::new(), "shop", true))
            .await
            .unwrap();
    assert_eq!(summary.removed, 1, "{summary:?}");
    told.end();
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_cannot_be_read_is_in_the_summary() {
    let told = Told::new();
    told.world.add_cluster(pawl_world::cluster("blue").indexed());
    told.world.inject(Fault::down("blue"));
    let request: pawl_index::Request = serde_json::from_str(SCHEDULED).unwrap();
    let summary = pawl_index::handle(&told.pipeline, &nothing_watched(), request).await.unwrap();
    assert_eq!(summary.failed.len(), 1, "{summary:?}");
    assert!(summary.failed[0].starts_with("cluster blue: "), "{summary:?}");
}
