//! The cluster as kube-rs sees it.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, ResourceExt as _};
use pawl_devcluster::{DevCluster, Options, User, tally};
use serde_json::{Value, json};

use crate::common::{client, client_with, secret, status_of};

#[tokio::test]
async fn a_secret_lives_its_life() {
    let cluster = DevCluster::start(Options::named("one")).await.unwrap();
    let api: Api<Secret> = Api::namespaced(client(&cluster).await, "default");

    let created = api.create(&PostParams::default(), &secret("db", &[("password", "one")])).await.unwrap();
    assert_eq!(created.type_.as_deref(), Some("Opaque"));
    assert_eq!(cluster.secret_value("default", "db", "password").unwrap(), b"one");

    let mut changed = created.clone();
    changed.data.as_mut().unwrap().insert("password".into(), ByteString(b"two".to_vec()));
    let updated = api.replace("db", &PostParams::default(), &changed).await.unwrap();
    assert_ne!(updated.resource_version(), created.resource_version());

    let stale = status_of(api.replace("db", &PostParams::default(), &changed).await);
    assert_eq!((stale.code, stale.reason.as_str()), (409, "Conflict"));
    assert_eq!(
        stale.message,
        "Operation cannot be fulfilled on secrets \"db\": the object has been modified; please apply your changes to \
         the latest version and try again"
    );

    let same = api.replace("db", &PostParams::default(), &updated).await.unwrap();
    assert_eq!(same.resource_version(), updated.resource_version(), "a write that changes nothing is none");

    api.delete("db", &DeleteParams::default()).await.unwrap();
    assert_eq!(status_of(api.get("db").await).code, 404);
}

#[tokio::test]
async fn a_merge_patch_with_a_resource_version_is_conditional() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let api: Api<Secret> = Api::namespaced(client(&cluster).await, "default");
    let first = api.create(&PostParams::default(), &secret("db", &[("a", "1"), ("b", "2")])).await.unwrap();
    let patch = |version: &str, value: Value| {
        Patch::Merge(json!({"metadata": {"resourceVersion": version}, "data": value}))
    };
    let version = first.resource_version().unwrap();
    api.patch("db", &PatchParams::default(), &patch(&version, json!({"a": "Mw==", "b": null})))
        .await
        .unwrap();
    assert_eq!(cluster.secret("default", "db").unwrap()["data"], json!({"a": "Mw=="}));

    let refused = api.patch("db", &PatchParams::default(), &patch(&version, json!({"a": "NA=="}))).await;
    assert_eq!(status_of(refused).code, 409);
    assert_eq!(tally(&cluster.calls()), [("create secrets".into(), 1), ("patch secrets".into(), 2)].into());
}

#[tokio::test]
async fn server_side_apply_owns_merges_conflicts_and_removes() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let api: Api<Secret> = Api::namespaced(client(&cluster).await, "default");
    let config = |data: Value| {
        Patch::Apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": data}))
    };
    let (pawl, other) = (PatchParams::apply("pawl"), PatchParams::apply("other"));
    let first = api.patch("db", &pawl, &config(json!({"a": "MQ==", "b": "Mg=="}))).await.unwrap();
    let again = api.patch("db", &pawl, &config(json!({"a": "MQ==", "b": "Mg=="}))).await.unwrap();
    assert_eq!(again.resource_version(), first.resource_version());

    let conflict = status_of(api.patch("db", &other, &config(json!({"a": "eA=="}))).await);
    assert_eq!((conflict.code, conflict.reason.as_str()), (409, "Conflict"));
    assert_eq!(conflict.message, "Apply failed with 1 conflict: conflict with \"pawl\": .data.a");

    api.patch("db", &other.clone().force(), &config(json!({"a": "eA=="}))).await.unwrap();
    api.patch("db", &pawl, &config(json!({}))).await.unwrap();
    let left = cluster.secret("default", "db").unwrap();
    assert_eq!(left["data"], json!({"a": "eA=="}), "b went with its only owner, a has a new one");
    let owners = left["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(owners[0]["manager"], "other");
    assert_eq!(owners[0]["fieldsV1"], json!({"f:data": {"f:a": {}}}));
    assert_eq!((&owners[1]["manager"], &owners[1]["fieldsV1"]), (&json!("pawl"), &json!({"f:data": {}})));
    assert_eq!(owners.len(), 2);
}

#[tokio::test]
async fn updates_move_the_ownership_of_fields() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let api: Api<Secret> = Api::namespaced(client(&cluster).await, "default");
    let one = PostParams { field_manager: Some("one".into()), ..PostParams::default() };
    api.create(&one, &secret("db", &[("a", "1"), ("b", "2"), ("c", "3")])).await.unwrap();
    let two = PatchParams { field_manager: Some("two".into()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"data": {"a": "eA==", "b": "Mg==", "c": null}}));
    api.patch("db", &two, &patch).await.unwrap();
    let stored = cluster.secret("default", "db").unwrap();
    let fields = |manager: &str| {
        let entries = stored["metadata"]["managedFields"].as_array().unwrap();
        entries.iter().find(|e| e["manager"] == manager).unwrap()["fieldsV1"].clone()
    };
    assert_eq!(fields("one"), json!({"f:data": {".": {}, "f:b": {}}, "f:type": {}}));
    assert_eq!(fields("two"), json!({"f:data": {"f:a": {}}}));
}

#[tokio::test]
async fn refusals_read_as_the_real_servers() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let api: Api<Secret> = Api::namespaced(client(&cluster).await, "default");
    api.create(&PostParams::default(), &secret("db", &[])).await.unwrap();
    let elsewhere: Api<Secret> = Api::namespaced(client(&cluster).await, "nowhere");
    let typed = |kind: &str| Secret { type_: Some(kind.into()), ..secret("db", &[]) };
    let frozen = Secret { immutable: Some(true), ..secret("frozen", &[("a", "1")]) };
    api.create(&PostParams::default(), &frozen).await.unwrap();
    let thawed = Patch::Merge(json!({"data": {"a": "Mg=="}}));
    let post = PostParams::default();
    for (answer, code, reason, message) in [
        (api.get("none").await, 404, "NotFound", "secrets \"none\" not found"),
        (api.create(&post, &secret("db", &[])).await, 409, "AlreadyExists", "secrets \"db\" already exists"),
        (
            elsewhere.create(&post, &secret("db", &[])).await,
            404,
            "NotFound",
            "namespaces \"nowhere\" not found",
        ),
        (
            api.replace("db", &post, &typed("other")).await,
            422,
            "Invalid",
            "Secret \"db\" is invalid: type: Invalid value: \"other\": field is immutable",
        ),
        (
            api.create(&post, &typed("kubernetes.io/tls")).await,
            422,
            "Invalid",
            "Secret \"db\" is invalid: [data[tls.crt]: Required value, data[tls.key]: Required value]",
        ),
        (
            api.patch("frozen", &PatchParams::default(), &thawed).await,
            422,
            "Invalid",
            "Secret \"frozen\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
        ),
        (
            api.create(&post, &secret("big", &[("a", &"x".repeat(1024 * 1024 + 1))])).await,
            422,
            "Invalid",
            "Secret \"big\" is invalid: data: Too long: may not be more than 1048576 bytes",
        ),
    ] {
        let status = status_of(answer);
        assert_eq!((status.code, status.reason.as_str(), status.message.as_str()), (code, reason, message));
    }
}

#[tokio::test]
async fn tokens_decide_who_may_do_what() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    cluster.add_token("narrow", User::new("narrow").allow(&["get", "patch"], &["secrets"], &["default"]));
    cluster.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}})).unwrap();
    let narrow = client_with(&cluster, "narrow").await;
    let here: Api<Secret> = Api::namespaced(narrow.clone(), "default");
    here.get("db").await.unwrap();
    let status = status_of(here.list(&ListParams::default()).await);
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    assert_eq!(
        status.message,
        "secrets is forbidden: User \"narrow\" cannot list resource \"secrets\" in API group \"\" in the namespace \
         \"default\""
    );
    let everywhere: Api<Secret> = Api::all(narrow);
    assert!(
        status_of(everywhere.list(&ListParams::default()).await).message.ends_with("at the cluster scope")
    );

    assert!(cluster.expire_token("narrow"));
    let status = status_of(here.get("db").await);
    assert_eq!((status.code, status.message.as_str()), (401, "Unauthorized"));

    cluster.set_verifier(|token| token.strip_prefix("k8s-aws-v1.").map(User::admin));
    let verified: Api<Secret> = Api::namespaced(client_with(&cluster, "k8s-aws-v1.role").await, "default");
    verified.get("db").await.unwrap();
    assert_eq!(cluster.calls().last().unwrap().user, "role");
}

#[tokio::test]
async fn service_accounts_give_tokens_for_an_audience() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let api: Api<ServiceAccount> = Api::namespaced(client(&cluster).await, "default");
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "eso"}});
    cluster.put(account).unwrap();
    let request = serde_json::from_value(json!({
        "spec": {"audiences": ["sts.amazonaws.com"], "expirationSeconds": 900},
    }));
    let answer = api.create_token_request("eso", &PostParams::default(), &request.unwrap()).await.unwrap();
    let token = answer.status.unwrap().token;
    assert_eq!(token.split('.').count(), 3);
    assert!(cluster.calls().iter().any(|call| call.what() == "create serviceaccounts/token"));
}

#[tokio::test]
async fn custom_kinds_have_two_versions_a_status_and_a_generation() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let client = client(&cluster).await;
    let dynamic = |version: &str| {
        let gvk = GroupVersionKind::gvk("external-secrets.io", version, "ExternalSecret");
        Api::<DynamicObject>::namespaced_with(client.clone(), "default", &ApiResource::from_gvk(&gvk))
    };
    let body = |version: &str, spec: Value| {
        serde_json::from_value::<DynamicObject>(json!({
            "apiVersion": format!("external-secrets.io/{version}"), "kind": "ExternalSecret",
            "metadata": {"name": "es"}, "spec": spec, "status": {"ignored": true},
        }))
        .unwrap()
    };
    dynamic("v1beta1").create(&PostParams::default(), &body("v1beta1", json!({"a": 1}))).await.unwrap();
    let read = dynamic("v1").get("es").await.unwrap();
    assert_eq!(read.types.as_ref().unwrap().api_version, "external-secrets.io/v1");
    assert_eq!((read.metadata.generation, read.data.get("status")), (Some(1), None));

    let unconditional =
        dynamic("v1").replace("es", &PostParams::default(), &body("v1", json!({"a": 2}))).await;
    assert_eq!(status_of(unconditional).code, 422);

    let status = Patch::Merge(json!({"status": {"refreshTime": "2026-01-01T00:00:00Z"}, "spec": {"a": 9}}));
    let after = dynamic("v1").patch_status("es", &PatchParams::default(), &status).await.unwrap();
    assert_eq!((after.data["spec"].clone(), after.metadata.generation), (json!({"a": 1}), Some(1)));
    let spec = Patch::Merge(json!({"spec": {"a": 2}, "status": null}));
    let after = dynamic("v1").patch("es", &PatchParams::default(), &spec).await.unwrap();
    assert_eq!(after.metadata.generation, Some(2));
    assert_eq!(after.data["status"], json!({"refreshTime": "2026-01-01T00:00:00Z"}));
}

#[tokio::test]
async fn what_an_owner_owned_goes_with_it() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let owner = cluster
        .put(json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "es"}}))
        .unwrap();
    let owned = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "ownerReferences": [{
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "es",
        "uid": owner["metadata"]["uid"], "controller": true,
    }]}});
    cluster.put(owned.clone()).unwrap();
    assert!(cluster.delete("externalsecrets", "default", "es"));
    assert_eq!(cluster.secret("default", "db"), None);
    cluster.put(owned).unwrap();
    assert_eq!(cluster.secret("default", "db"), None, "what comes when its owner has gone goes as well");
}

#[tokio::test]
async fn a_namespace_takes_its_content_along() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let held = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "held", "namespace": "team", "finalizers": ["pawl.dev/test"]},
    });
    cluster.put(held).unwrap();
    cluster
        .put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "free", "namespace": "team"}}))
        .unwrap();
    let client = client(&cluster).await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.delete("team", &DeleteParams::default()).await.unwrap();
    assert_eq!(namespaces.get("team").await.unwrap().status.unwrap().phase.as_deref(), Some("Terminating"));
    assert_eq!(cluster.list("secrets", "team").len(), 1);

    let api: Api<Secret> = Api::namespaced(client, "team");
    let refused = status_of(api.create(&PostParams::default(), &secret("late", &[])).await);
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (
            403,
            "secrets \"late\" is forbidden: unable to create new content in namespace team because it is being terminated"
        )
    );
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    api.patch("held", &PatchParams::default(), &release).await.unwrap();
    assert_eq!(status_of(namespaces.get("team").await).code, 404);
}

#[tokio::test]
async fn lists_come_in_pages_and_by_selector() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    for n in 0..5 {
        let meta = json!({"name": format!("s{n}"), "labels": {"odd": (n % 2 == 1).to_string()}});
        cluster.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta})).unwrap();
    }
    let api: Api<Secret> = Api::all(client(&cluster).await);
    let mut names = Vec::new();
    let mut params = ListParams::default().limit(2);
    loop {
        let page = api.list(&params).await.unwrap();
        names.extend(page.items.iter().map(|s| s.name_any()));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    assert_eq!(names, ["s0", "s1", "s2", "s3", "s4"]);
    let odd = api.list(&ListParams::default().labels("odd=true")).await.unwrap();
    assert_eq!(odd.items.len(), 2);
    let one = api.list_metadata(&ListParams::default().fields("metadata.name=s3")).await.unwrap();
    assert_eq!(one.items[0].name_any(), "s3");

    cluster.compact();
    let stale = api.list(&params).await;
    assert_eq!(status_of(stale).code, 410);
}

#[tokio::test]
async fn a_watch_tells_every_change_and_says_when_it_cannot() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    let api: Api<Secret> = Api::all(client(&cluster).await);
    let from = cluster.resource_version().to_string();
    let db = |value: &str, label: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "data": {"a": value},
            "metadata": {"name": "db", "labels": {"on": label}},
        })
    };
    cluster.put(db("MQ==", "yes")).unwrap();
    let params = WatchParams::default().labels("on=yes").timeout(20);
    let events = api.watch(&params, &from).await.unwrap();
    cluster.put(db("Mg==", "yes")).unwrap();
    cluster.put(db("Mg==", "no")).unwrap();
    cluster.put(db("Mg==", "yes")).unwrap();
    assert!(cluster.delete("secrets", "default", "db"));
    let kinds: Vec<&str> = events
        .map_ok(|event| match event {
            WatchEvent::Added(_) => "added",
            WatchEvent::Modified(_) => "modified",
            WatchEvent::Deleted(_) => "deleted",
            WatchEvent::Bookmark(_) => "bookmark",
            WatchEvent::Error(_) => "error",
        })
        .take(5)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(kinds, ["added", "modified", "deleted", "added", "deleted"]);

    cluster.compact();
    let mut late = api.watch(&params, &from).await.unwrap().boxed();
    let Some(Ok(WatchEvent::Error(status))) = late.next().await else { panic!("an old version was served") };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
}

#[tokio::test]
async fn a_thousand_patches_at_once_are_quick() {
    let cluster = DevCluster::start(Options::default()).await.unwrap();
    for n in 0..100 {
        let meta = json!({"name": format!("s{n}")});
        cluster.put(json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta})).unwrap();
    }
    let api: Api<Secret> = Api::namespaced(client(&cluster).await, "default");
    let started = std::time::Instant::now();
    stream::iter(0..1000)
        .map(|n| {
            let api = api.clone();
            async move {
                let patch = Patch::Merge(json!({"stringData": {"n": n.to_string()}}));
                api.patch(&format!("s{}", n % 100), &PatchParams::default(), &patch).await.unwrap();
            }
        })
        .buffer_unordered(32)
        .collect::<Vec<()>>()
        .await;
    let took = started.elapsed();
    println!("1,000 patches took {took:?}");
    assert_eq!(tally(&cluster.calls()), [("patch secrets".into(), 1000)].into());
    // A generous bound: the client shares the two cores, and others test too.
    assert!(took.as_secs() < 10, "{took:?}");
}
