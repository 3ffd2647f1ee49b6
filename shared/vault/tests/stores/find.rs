//! Searches.

use crate::support::{FakeCluster, access, access_of, double, sources, sources_of, store};
use pawl_domain::store::{KvVersion, VaultStore};
use pawl_domain::{Find, Keep, Kind, Provider};
use pawl_ports::Sources;
use pawl_servers::vault::VaultDouble;
use serde_json::json;

#[tokio::test]
async fn searches_find_what_eso_finds_under_the_same_names() {
    let double = keys().await;
    let sources = sources(&double);
    let all = ["app/db", "app/deep/er/key", "app/web", "other", "secret/x"];
    for (path, pattern, tags, want) in [
        (None, None, &[][..], &all[..]),
        (None, Some("^app/[dw]"), &[], &["app/db", "app/deep/er/key", "app/web"]),
        (None, Some("b$"), &[], &["app/db", "app/web"]),
        (Some("app"), Some("^app/d"), &[], &["app/db", "app/deep/er/key"]),
        (Some("app"), None, &[], &["app/db", "app/deep/er/key", "app/web"]),
        (Some("/app"), Some("web"), &[], &["/app/web"]),
        (Some("app/"), Some("web"), &[], &["app//web"]),
        (Some("app/deep"), None, &[], &["app/deep/er/key"]),
        (Some("nowhere"), None, &[], &[]),
        (None, None, &[("team", "shop")], &["app/db", "app/web"]),
        (None, None, &[("team", "shop"), ("tier", "1")], &["app/db"]),
        (None, None, &[("current_version", "2")], &["app/web"]),
        (Some("app"), None, &[("team", "bank")], &[]),
        // With a name ESO does not look at tags.
        (None, Some("other"), &[("team", "shop")], &["other"]),
    ] {
        let find = criteria(path, pattern, tags);
        let found = sources.find(&access(&double), &find, &Keep::everything(Provider::Vault)).await.unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), want, "{find:?}");
    }
    let found = sources
        .find(&access(&double), &criteria(None, Some("web"), &[]), &Keep::everything(Provider::Vault))
        .await
        .unwrap();
    let web = &found["app/web"];
    assert_eq!((web.value.expose_str(), web.version.id.as_str()), (Some(r#"{"value":"app/web 2"}"#), "2"));
}

#[tokio::test]
async fn unversioned_engines_and_namespaces_are_searched_as_well() {
    let double = double().await;
    double.mount_kv("", "old", 1);
    double.mount_kv("ns1", "kv", 2);
    for key in ["a", "b/c"] {
        double.put("", "old", key, &json!({ "value": key })).unwrap();
        double.put("ns1", "kv", key, &json!({ "value": key })).unwrap();
    }
    let sources = sources(&double);
    let old = VaultStore { path: Some("old".to_owned()), version: KvVersion::V1, ..store(&double.address()) };
    let kv = VaultStore {
        path: Some("kv".to_owned()),
        namespace: Some("ns1".to_owned()),
        ..store(&double.address())
    };
    for store in [old.clone(), kv] {
        let found = sources
            .find(&access_of(store), &Find::default(), &Keep::everything(Provider::Vault))
            .await
            .unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b/c"]);
    }
    let error = sources
        .find(&access_of(old), &criteria(None, Some("a"), &[("a", "b")]), &Keep::everything(Provider::Vault))
        .await
        .unwrap_err();
    assert!(
        error.kind == Kind::Invalid && error.message().ends_with("KV version 1 has no tags; search by name"),
        "{error}"
    );
}

#[tokio::test]
async fn without_a_mount_in_the_store_a_search_begins_with_it() {
    let double = double().await;
    // ESO replaces the first `data` of the path, and misses such a mount.
    double.mount_kv("", "my_data", 2);
    double.mount_kv("", "old", 1);
    for mount in ["my_data", "old"] {
        for key in ["apps/db", "apps/deep/data/web", "other"] {
            double.put("", mount, key, &json!({ "value": key })).unwrap();
        }
    }
    let sources = sources(&double);
    for (version, path, want) in [
        (
            KvVersion::V2,
            "my_data/data/apps",
            &["my_data/data/apps/db", "my_data/data/apps/deep/data/web"][..],
        ),
        (
            KvVersion::V2,
            "my_data/data",
            &["my_data/data/apps/db", "my_data/data/apps/deep/data/web", "my_data/data/other"],
        ),
        (KvVersion::V1, "old/apps", &["old/apps/db", "old/apps/deep/data/web"]),
    ] {
        let store = VaultStore { path: None, version, ..store(&double.address()) };
        let found = sources
            .find(&access_of(store), &criteria(Some(path), None, &[]), &Keep::everything(Provider::Vault))
            .await
            .unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), want, "{path}");
        let value = found.values().next().unwrap().value.expose_str();
        assert_eq!(value, Some(r#"{"value":"apps/db"}"#), "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_searched_says_so() {
    let double = keys().await;
    double.put_policy("", "reader", "path \"secret/data/*\" {\n  capabilities = [\"read\"]\n}\n").unwrap();
    let token = double.make_token("", &["reader"], 3600);
    let pathless = VaultStore { path: None, ..store(&double.address()) };
    for (token, store, find, kind, want) in [
        (
            token.as_str(),
            store(&double.address()),
            Find::default(),
            Kind::Denied,
            "allow list on secret/metadata",
        ),
        (
            double.root_token(),
            pathless,
            Find::default(),
            Kind::Invalid,
            "write find.path as <mount>/data/<folder>, or set the store's path",
        ),
        (
            double.root_token(),
            store(&double.address()),
            criteria(None, Some("("), &[]),
            Kind::Invalid,
            "find.name.regexp",
        ),
    ] {
        let sources = sources_of(FakeCluster::with_token(token), double.clock());
        let error =
            sources.find(&access_of(store), &find, &Keep::everything(Provider::Vault)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message().contains(want), "{error}");
    }
}

async fn keys() -> VaultDouble {
    let double = double().await;
    let api = double.api().unwrap();
    for key in ["app/db", "app/web", "app/web", "app/deep/er/key", "other", "secret/x", "gone"] {
        let value = if key == "app/web" { "app/web 2" } else { key };
        double.put("", "secret", key, &json!({ "value": value })).unwrap();
    }
    api.must("DELETE", "secret/data/gone", None).await.unwrap();
    for (key, tags) in
        [("app/db", json!({ "team": "shop", "tier": "1" })), ("app/web", json!({ "team": "shop" }))]
    {
        let body = json!({ "custom_metadata": tags });
        api.must("POST", &format!("secret/metadata/{key}"), Some(&body)).await.unwrap();
    }
    double
}

fn criteria(path: Option<&str>, pattern: Option<&str>, tags: &[(&str, &str)]) -> Find {
    Find {
        path: path.map(str::to_owned),
        name: pattern.map(str::to_owned),
        tags: tags.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}
