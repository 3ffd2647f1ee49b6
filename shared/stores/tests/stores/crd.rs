//! Stores of objects of any kind, on the embedded API and on a real API server: ConfigMaps, and namespaces, which are in none.

use crate::cluster::{CANARY, Cluster, access, bounds, clock, own};
use pawl_devcluster::{Fault, Rule};
use pawl_domain::store::{CrdResource, CrdRule, CrdStore};
use pawl_domain::{Access, Fetched, Find, Keep, Kind, Provider, SecretValue, Step, VersionSelector};
use pawl_ports::{Error, Part, Sources, Wanted};
use pawl_stores::CrdSources;
use pawl_world::FakeClusters;
use pawl_world::contract::sources::{Held, suite};
use serde_json::{Value, json};
use std::sync::Arc;

const MAPS: &str = "/api/v1/namespaces/shop/configmaps";

struct World<'c> {
    cluster: &'c Cluster,
    sources: CrdSources<FakeClusters>,
    access: Access,
}

fn resource(group: &str, version: &str, kind: &str) -> CrdResource {
    CrdResource { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
}

/// A store of ConfigMaps: a SecretStore of `shop`, or a ClusterSecretStore.
fn store(namespace: Option<&str>) -> CrdStore {
    CrdStore {
        api: own(),
        resource: resource("", "v1", "ConfigMap"),
        whitelist: Vec::new(),
        namespace: namespace.map(|name| name.parse().unwrap()),
    }
}

fn world<'c>(cluster: &'c Cluster, token: &str, store: CrdStore) -> World<'c> {
    let sources = CrdSources::new(cluster.seen(token), Arc::new(clock())).bounded(bounds());
    World { cluster, sources, access: access(store.into()) }
}

fn wanted(key: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value }
}

fn by_name(pattern: &str) -> Find {
    Find { name: Some(pattern.to_owned()), ..Find::default() }
}

impl World<'_> {
    async fn answer(&self, key: &str) -> Result<Fetched, Error> {
        self.sources.fetch(&self.access, &[wanted(key)]).await.remove(0)
    }

    async fn kind(&self, key: &str) -> Option<Kind> {
        self.answer(key).await.err().map(|error| error.kind)
    }

    async fn found(&self, find: &Find) -> Result<Vec<String>, Error> {
        let keep = Keep::everything(Provider::Crd);
        Ok(self.sources.find(&self.access, find, &keep).await?.into_keys().collect())
    }
}

impl Held for World<'_> {
    type Sources = CrdSources<FakeClusters>;

    fn sources(&self) -> &Self::Sources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        let object = self.cluster.put(MAPS, key, json!({ "data": { "value": value } })).await;
        let text = |at: &str| object.pointer(at).unwrap().as_str().unwrap().to_owned();
        format!("{}/{}", text("/metadata/uid"), text("/metadata/resourceVersion"))
    }

    async fn label(&self, _: &str, _: &str, _: &str) {
        panic!("objects have no versions that could be labelled");
    }

    async fn delete(&self, key: &str) {
        self.cluster.delete(&format!("{MAPS}/{key}")).await;
    }

    fn unknown_version(&self) -> &'static str {
        "0/0"
    }

    fn key(&self, name: &str) -> String {
        format!("shop/{name}")
    }

    fn text(&self, value: &SecretValue) -> String {
        let object: Value = serde_json::from_slice(value.expose()).unwrap();
        object["data"]["value"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_api_is_a_source() {
    let cluster = Cluster::embedded().await;
    suite(&world(&cluster, &cluster.reader, store(Some("shop")))).await;
    cases(&Cluster::embedded().await).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn a_real_api_server_is_a_source() {
    let cluster = Cluster::real().await;
    suite(&world(&cluster, &cluster.reader, store(Some("shop")))).await;
    cases(&Cluster::real().await).await;
}

async fn cases(cluster: &Cluster) {
    a_value_is_the_object_as_clients_write_it(cluster).await;
    keys_say_the_namespace_where_the_store_has_none(cluster).await;
    searches_name_objects_as_keys_do(cluster).await;
    kinds_that_are_not_served_are_an_error(cluster).await;
    rights_are_those_of_the_identity(cluster).await;
}

async fn a_value_is_the_object_as_clients_write_it(cluster: &Cluster) {
    cluster.put(MAPS, "whole", json!({ "data": { "b": "<1&2>", "a": "é" } })).await;
    let value = world(cluster, &cluster.reader, store(None)).answer("shop/whole").await.unwrap().value;
    let text = value.expose_str().unwrap();
    assert!(
        text.starts_with(
            r#"{"apiVersion":"v1","data":{"a":"é","b":"\u003c1\u00262\u003e"},"kind":"ConfigMap","#
        ),
        "{text}"
    );
}

async fn keys_say_the_namespace_where_the_store_has_none(cluster: &Cluster) {
    cluster.put(MAPS, "keyed", json!({})).await;
    cluster.put("/api/v1/namespaces/other/configmaps", "theirs", json!({})).await;
    let own = world(cluster, &cluster.reader, store(Some("shop")));
    for (key, kind) in [
        ("shop/keyed", None),
        ("shop/gone", Some(Kind::NotFound)),
        ("shop/theirs", Some(Kind::NotFound)),
        ("shop/other/theirs", Some(Kind::Invalid)),
        ("shop/", Some(Kind::Invalid)),
        ("other/theirs", Some(Kind::Invalid)),
    ] {
        assert_eq!(own.kind(key).await, kind, "{key}");
    }
    let all = world(cluster, &cluster.reader, store(None));
    for (key, kind) in [
        ("shop/keyed", None),
        ("other/theirs", None),
        ("shop/theirs", Some(Kind::NotFound)),
        ("keyed", Some(Kind::Invalid)),
        ("/keyed", Some(Kind::Invalid)),
        ("shop/", Some(Kind::Invalid)),
        ("shop/keyed/a", Some(Kind::Invalid)),
    ] {
        assert_eq!(all.kind(key).await, kind, "{key}");
    }
    let of_none = |namespace| CrdStore { resource: resource("", "v1", "Namespace"), ..store(namespace) };
    let namespaces = world(cluster, &cluster.reader, of_none(None));
    for (key, kind) in [("shop", None), ("gone", Some(Kind::NotFound)), ("shop/shop", Some(Kind::Invalid))] {
        assert_eq!(namespaces.kind(key).await, kind, "{key}");
    }
    assert_eq!(world(cluster, &cluster.reader, of_none(Some("shop"))).kind("shop/other").await, None);
}

async fn searches_name_objects_as_keys_do(cluster: &Cluster) {
    for (place, name) in [("shop", "find-a"), ("shop", "find-b"), ("other", "find-a")] {
        cluster.put(&format!("/api/v1/namespaces/{place}/configmaps"), name, json!({})).await;
    }
    let rule = |name: Option<&str>, namespace: Option<&str>, properties: &[&str]| CrdRule {
        name: name.map(str::to_owned),
        namespace: namespace.map(str::to_owned),
        properties: properties.iter().map(|&each| each.to_owned()).collect(),
    };
    for (namespace, whitelist, pattern, want) in [
        (Some("shop"), vec![], "^find", &["find-a", "find-b"][..]),
        (None, vec![], "find", &["other/find-a", "shop/find-a", "shop/find-b"]),
        (None, vec![], "^shop/find", &["shop/find-a", "shop/find-b"]),
        (None, vec![rule(Some("-a$"), None, &[])], "find", &["other/find-a", "shop/find-a"]),
        (None, vec![rule(None, Some("^oth"), &[])], "find", &["other/find-a"]),
        (
            None,
            vec![rule(Some("a"), Some("shop"), &[]), rule(Some("b"), None, &[])],
            "find",
            &["shop/find-a", "shop/find-b"],
        ),
        (None, vec![rule(Some("find"), None, &["data"])], "find", &[]),
    ] {
        let store = CrdStore { whitelist, ..store(namespace) };
        let world = world(cluster, &cluster.reader, store);
        assert_eq!(world.found(&by_name(pattern)).await.unwrap(), want, "{namespace:?} {pattern}");
    }
    let all = world(cluster, &cluster.reader, store(Some("shop")));
    assert!(all.found(&Find::default()).await.unwrap().len() >= 2, "without a name, everything");
    let tagged = Find { tags: [("a".to_owned(), "b".to_owned())].into(), ..by_name("a") };
    for refused in [tagged, by_name("a(")] {
        assert_eq!(all.found(&refused).await.unwrap_err().kind, Kind::Invalid);
    }
}

async fn kinds_that_are_not_served_are_an_error(cluster: &Cluster) {
    for (group, version, kind) in [
        ("", "v1", "Configmap"),
        ("", "v2", "ConfigMap"),
        ("nobody.example.com", "v1", "ConfigMap"),
        ("core", "v1", "ConfigMap"),
        ("", "v1", "NamespaceStatus"),
    ] {
        let store = CrdStore { resource: resource(group, version, kind), ..store(Some("shop")) };
        let world = world(cluster, &cluster.reader, store);
        let error = world.answer("shop/a").await.unwrap_err();
        assert_eq!(
            (error.step, error.kind),
            (Step::Fetch, Kind::Invalid),
            "{group} {version} {kind}: {error}"
        );
        assert!(error.message().contains("does not serve it"), "{error}");
        assert_eq!(world.sources.validate(&world.access).await.unwrap_err().kind, Kind::Invalid);
        assert_eq!(world.sources.changed_since(&world.access, None).await.unwrap_err().kind, Kind::Invalid);
    }
}

async fn rights_are_those_of_the_identity(cluster: &Cluster) {
    cluster.put(MAPS, "mine", json!({})).await;
    let weak = world(cluster, &cluster.weak, store(Some("shop")));
    assert_eq!(weak.kind("shop/mine").await, None);
    assert!(weak.sources.validate(&weak.access).await.is_ok());
    assert_eq!(weak.sources.changed_since(&weak.access, None).await.unwrap_err().kind, Kind::Denied);
    assert_eq!(weak.found(&by_name("mine")).await.unwrap_err().kind, Kind::Denied);
    // A ClusterSecretStore reads where the identity may, and is told that it may not everywhere.
    let weak = world(cluster, &cluster.weak, store(None));
    assert_eq!(weak.kind("shop/mine").await, None);
    assert_eq!(weak.kind("other/theirs").await, Some(Kind::Denied));
    let error = weak.sources.validate(&weak.access).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Authenticate, Kind::Denied));
    assert!(error.message().contains("get configmaps of the core group in the whole cluster"), "{error}");
}

/// A kind that goes while it is read is no missing object.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_gone_is_no_missing_object() {
    let cluster = Cluster::embedded().await;
    cluster.put(MAPS, "a", json!({})).await;
    let world = world(&cluster, &cluster.reader, store(Some("shop")));
    assert_eq!(world.kind("shop/a").await, None);
    cluster.dev().faults().add(Rule::new(Fault::Answer {
        code: 404,
        reason: "NotFound".to_owned(),
        message: CANARY.to_owned(),
        retry_after: None,
    }));
    let error = world.answer("shop/a").await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
    assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
}
