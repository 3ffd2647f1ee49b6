//! Watches beyond what kube.rs shows: bookmarks, dry runs that tell nobody, plain HTTP, two versions of one object.

#![allow(clippy::unwrap_used, reason = "a test fails where its helpers do")]

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use pawl_devcluster::{DevCluster, Options};
use serde_json::json;

use crate::common::{client, secret};

#[tokio::test]
async fn bookmarks_carry_the_version_to_resume_from() {
    let options = Options { bookmark_every: Duration::from_millis(20), ..Options::default() };
    let cluster = DevCluster::start(options).await.unwrap();
    let api: Api<Secret> = Api::namespaced(client(&cluster).await, "default");
    let mut events = api.watch(&WatchParams::default().timeout(20), "0").await.unwrap().boxed();
    // What happens elsewhere moves the bookmark and nothing else.
    let elsewhere =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "other"}});
    cluster.put(elsewhere).unwrap();
    let expected = cluster.resource_version().to_string();
    let reached = async {
        loop {
            match events.next().await.unwrap().unwrap() {
                WatchEvent::Bookmark(mark) if mark.metadata.resource_version == expected => break,
                WatchEvent::Bookmark(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reached).await.unwrap();
}

#[tokio::test]
async fn a_dry_run_answers_as_if_and_changes_nothing() {
    let cluster = DevCluster::start(Options { tls: false, ..Options::default() }).await.unwrap();
    assert!(cluster.url().starts_with("http://"));
    let api: Api<Secret> = Api::namespaced(client(&cluster).await, "default");
    let before = cluster.resource_version();
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let created = api.create(&dry, &secret("db", &[("a", "1")])).await.unwrap();
    assert!(created.metadata.uid.is_some());
    assert_eq!(created.metadata.resource_version, None);
    let patch = Patch::Apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}}));
    let dry = PatchParams { dry_run: true, ..PatchParams::apply("pawl") };
    api.patch("db", &dry, &patch).await.unwrap();
    assert_eq!(cluster.secret("default", "db"), None);
    assert_eq!(cluster.resource_version(), before);
}

#[tokio::test]
async fn a_watch_of_the_other_version_sees_the_same_objects_under_its_label() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let gvk = GroupVersionKind::gvk("external-secrets.io", "v1beta1", "ExternalSecret");
    let api: Api<DynamicObject> = Api::all_with(client(&cluster).await, &ApiResource::from_gvk(&gvk));
    cluster
        .put(json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "es"}}))
        .unwrap();
    let mut events = api.watch(&WatchParams::default().timeout(20), "0").await.unwrap().boxed();
    let Some(Ok(WatchEvent::Added(object))) = events.next().await else { panic!("nothing was told") };
    assert_eq!(object.types.unwrap().api_version, "external-secrets.io/v1beta1");
}

#[tokio::test]
async fn a_watch_ends_with_its_time_and_with_the_cluster() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let api: Api<Secret> = Api::all(client(&cluster).await);
    let short = api.watch(&WatchParams::default().timeout(1).disable_bookmarks(), "0").await.unwrap();
    assert_eq!(tokio::time::timeout(Duration::from_secs(10), short.count()).await.unwrap(), 0);

    let mut long = api.watch(&WatchParams::default().timeout(280), "0").await.unwrap().boxed();
    cluster.cut_off().await.unwrap();
    let last = tokio::time::timeout(Duration::from_secs(10), long.next()).await.unwrap();
    assert!(!matches!(last, Some(Ok(_))), "{last:?}");
}
