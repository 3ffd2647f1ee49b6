//! Stores of kinds that CustomResourceDefinitions define, which only a real API server serves.

use crate::cluster::{Cluster, access, bounds, clock, own};
use pawl_domain::store::{CrdResource, CrdStore};
use pawl_domain::{Access, Find, Keep, Kind, Moved, Provider, VersionSelector};
use pawl_ports::{Error, Part, Sources, StoreSighting, Wanted};
use pawl_stores::CrdSources;
use pawl_world::FakeClusters;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

const GROUP: &str = "example.com";
const LIMIT: Duration = Duration::from_secs(20);

/// A kind in two versions with a default, a status and what it prunes; and one of no namespace.
const DEFINITIONS: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: accounts.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { plural: accounts, singular: account, kind: Account, listKind: AccountList }
  versions:
    - &version
      name: v1
      served: true
      storage: true
      subresources: { status: {} }
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                password: { type: string }
                port: { type: integer, default: 5432 }
            status: { type: object, x-kubernetes-preserve-unknown-fields: true }
    - { <<: *version, name: v1beta1, storage: false }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: realms.example.com }
spec:
  group: example.com
  scope: Cluster
  names: { plural: realms, singular: realm, kind: Realm, listKind: RealmList }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
"#;

const ACCOUNTS: &str = "/apis/example.com/v1/namespaces/shop/accounts";

struct World {
    sources: CrdSources<FakeClusters>,
    access: Access,
}

fn world(cluster: &Cluster, kind: &str, version: &str, namespace: Option<&str>) -> World {
    let resource =
        CrdResource { group: GROUP.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
    let namespace = namespace.map(|name| name.parse().unwrap());
    let store = CrdStore { api: own(), resource, whitelist: Vec::new(), namespace };
    let sources = CrdSources::new(cluster.seen(&cluster.watcher), Arc::new(clock())).bounded(bounds());
    World { sources, access: access(store.into()) }
}

impl World {
    async fn answer(&self, key: &str) -> Result<Value, Error> {
        let wanted = Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value };
        let fetched = self.sources.fetch(&self.access, &[wanted]).await.remove(0)?;
        Ok(serde_json::from_slice(fetched.value.expose()).unwrap())
    }

    async fn kind(&self, key: &str) -> Option<Kind> {
        self.answer(key).await.err().map(|error| error.kind)
    }

    async fn found(&self) -> Vec<String> {
        let find = Find { name: Some("a".to_owned()), ..Find::default() };
        let keep = Keep::everything(Provider::Crd);
        self.sources.find(&self.access, &find, &keep).await.unwrap().into_keys().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs KUBEBUILDER_ASSETS"]
async fn defined_kinds_are_read_as_they_are_served() {
    let cluster = Cluster::real().await;
    let early = world(&cluster, "Account", "v1", Some("shop"));
    assert_eq!(early.kind("shop/ada").await, Some(Kind::Invalid), "the kind is not served yet");
    cluster.server().apply_crds(DEFINITIONS).await.unwrap();
    let rules = json!([{ "apiGroups": [GROUP], "resources": ["accounts", "realms"], "verbs": ["get", "list", "watch"] }]);
    cluster.grant("", "ClusterRole", "watcher", &rules).await;
    objects_are_read_in_the_version_of_the_store(&cluster).await;
    objects_of_no_namespace_are_named_alone(&cluster).await;
    a_watch_tells_of_the_objects_and_of_their_status(&cluster).await;
    a_kind_that_goes_is_no_missing_object(&cluster).await;
}

async fn objects_are_read_in_the_version_of_the_store(cluster: &Cluster) {
    let object = |spec: Value| json!({ "apiVersion": "example.com/v1", "kind": "Account", "spec": spec });
    cluster.put(ACCOUNTS, "ada", object(json!({ "password": "one", "unknown": "pruned" }))).await;
    cluster
        .put("/apis/example.com/v1/namespaces/other/accounts", "ana", object(json!({ "password": "two" })))
        .await;
    for version in ["v1", "v1beta1"] {
        let own = world(cluster, "Account", version, Some("shop"));
        own.sources.validate(&own.access).await.unwrap();
        let value = own.answer("shop/ada").await.unwrap();
        assert_eq!(value["apiVersion"], format!("example.com/{version}"));
        assert_eq!(value["spec"], json!({ "password": "one", "port": 5432 }), "defaulted and pruned");
        assert_eq!(own.kind("shop/ana").await, Some(Kind::NotFound));
        assert_eq!(own.found().await, ["ada"]);
        let all = world(cluster, "Account", version, None);
        assert_eq!(all.answer("other/ana").await.unwrap()["spec"]["password"], "two");
        assert_eq!(all.found().await, ["other/ana", "shop/ada"]);
    }
    assert_eq!(world(cluster, "Account", "v2", None).kind("shop/ada").await, Some(Kind::Invalid));
    assert_eq!(world(cluster, "Accounts", "v1", None).kind("shop/ada").await, Some(Kind::Invalid));
}

async fn objects_of_no_namespace_are_named_alone(cluster: &Cluster) {
    let realm = json!({ "apiVersion": "example.com/v1", "kind": "Realm", "secret": "three" });
    cluster.put("/apis/example.com/v1/realms", "main", realm).await;
    let realms = world(cluster, "Realm", "v1", None);
    assert_eq!(realms.answer("main").await.unwrap()["secret"], "three");
    assert_eq!(realms.kind("gone").await, Some(Kind::NotFound));
    assert_eq!(realms.kind("shop/main").await, Some(Kind::Invalid));
    let listed = realms.sources.changed_since(&realms.access, None).await.unwrap();
    assert!(listed.complete && listed.keys.len() == 1);
}

async fn a_watch_tells_of_the_objects_and_of_their_status(cluster: &Cluster) {
    let World { sources, access } = world(cluster, "Account", "v1beta1", None);
    let (tell, mut told) = mpsc::channel(64);
    let watching = tokio::spawn(async move {
        let mut from = None;
        sources.watch(&access, &mut from, &tell).await
    });
    let mut next = async || timeout(LIMIT, told.recv()).await.unwrap().unwrap();
    assert_eq!(next().await, StoreSighting::Begun { anew: true });
    let object = json!({ "apiVersion": "example.com/v1", "kind": "Account", "spec": { "password": "four" } });
    cluster.put("/apis/example.com/v1/namespaces/other/accounts", "new", object).await;
    cluster
        .put(
            "/apis/example.com/v1/namespaces/other/accounts",
            "new/status",
            json!({ "status": { "ready": true } }),
        )
        .await;
    cluster.delete("/apis/example.com/v1/namespaces/other/accounts/new").await;
    for moved in [Moved::Existence, Moved::Current, Moved::Existence] {
        let StoreSighting::Changed(change) = next().await else { panic!("it is a change") };
        assert_eq!((change.key(), &change.moved), ("other/new", &moved));
    }
    watching.abort();
}

async fn a_kind_that_goes_is_no_missing_object(cluster: &Cluster) {
    let accounts = world(cluster, "Account", "v1", Some("shop"));
    assert_eq!(accounts.kind("shop/ada").await, None);
    cluster.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/accounts.example.com").await;
    // The server deletes the objects first, and they are missing then; what stays is that the kind is unknown.
    let gone = async {
        while accounts.kind("shop/ada").await != Some(Kind::Invalid) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LIMIT, gone).await.unwrap();
    let error = accounts.sources.changed_since(&accounts.access, None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "{error}");
}
