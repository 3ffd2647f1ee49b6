//! Stores of OpenBao: the same engines under the rules of ESO's own provider for them.

use crate::support::{
    FakeCluster, access_of, current, double, failure, id, metadata, secret, sources, sources_of, store, told,
};
use pawl_domain::store::{KvVersion, OpenBaoStore, RoleId, VaultAuth, VaultStore};
use pawl_domain::{Access, Find, Keep, Kind, Provider, Step};
use pawl_ports::Sources;
use pawl_servers::vault::{VaultClock, VaultDouble};
use serde_json::json;

fn bao(store: VaultStore) -> Access {
    Access { backend: OpenBaoStore::new(store.clone()).into(), ..access_of(store) }
}

async fn keys() -> VaultDouble {
    let double = double().await;
    double.mount_kv("", "kv", 2);
    double.mount_kv("", "old", 1);
    for mount in ["kv", "old"] {
        for key in ["app", "deep/app", "kv/app"] {
            double.put("", mount, key, &json!({ "a.b": key, "n": 7 })).unwrap();
        }
    }
    double
}

#[tokio::test]
async fn keys_are_read_at_the_default_mount_as_they_are_declared() {
    let double = keys().await;
    let access = bao(VaultStore { path: None, ..store(&double.address()) });
    let wanted = ["kv/app", "kv/deep/app", "kv/kv/app", "kv/gone"].map(current);
    let answers = sources(&double).fetch(&access, &wanted).await;
    let value = |key: &str| format!(r#"{{"a.b":"{key}","n":7}}@1"#);
    assert_eq!(told(&answers), [value("app"), value("deep/app"), value("kv/app"), "not-found".to_owned()]);
    assert!(answers.iter().flatten().all(|fetched| fetched.provider == Provider::OpenBao));
    let error = answers.into_iter().find_map(Result::err).unwrap();
    assert!(error.message().starts_with(&format!("openbao at {}: kv/gone: ", double.address())), "{error}");
}

#[tokio::test]
async fn versions_are_those_of_version_2() {
    let double = keys().await;
    double.put("", "kv", "app", &json!({ "a": "new" })).unwrap();
    let sources = sources(&double);
    let access = bao(VaultStore { path: None, ..store(&double.address()) });
    let answers = sources.fetch(&access, &[id("kv/app", "2"), id("kv/app", "9")]).await;
    assert_eq!(told(&answers), [r#"{"a":"new"}@2"#, "not-found"]);
    let old = VaultStore { path: Some("old".to_owned()), version: KvVersion::V1, ..store(&double.address()) };
    let error = failure(sources.fetch(&bao(old), &[id("old/app", "1")]).await);
    assert_eq!(error.kind, Kind::Invalid);
    assert!(error.message().contains("KV version 1 has no versions"), "{error}");
}

/// ESO's provider does not look at `metadataPolicy`.
#[tokio::test]
async fn metadata_is_the_value() {
    let double = keys().await;
    let sources = sources(&double);
    for (path, version) in [("kv", KvVersion::V2), ("old", KvVersion::V1)] {
        let access = bao(VaultStore { path: Some(path.to_owned()), version, ..store(&double.address()) });
        let key = format!("{path}/app");
        let answers = sources.fetch(&access, &[current(&key), metadata(&key)]).await;
        let answers = told(&answers);
        assert_eq!(answers[0], answers[1]);
    }
}

#[tokio::test]
async fn searches_see_the_keys_of_one_folder() {
    let double = keys().await;
    let sources = sources(&double);
    for (mount, version) in [("kv", KvVersion::V2), ("old", KvVersion::V1)] {
        let access = bao(VaultStore { path: Some(mount.to_owned()), version, ..store(&double.address()) });
        for (path, pattern, want) in [
            (None, "a", &["app"][..]),
            (None, ".", &["app"]),
            (Some(""), "app", &["app"]),
            (Some("deep"), "app$", &["deep/app"]),
            (Some("/kv/"), "^kv/", &["kv/app"]),
            (Some("gone"), ".", &[]),
        ] {
            let find = Find { path: path.map(str::to_owned), ..named(pattern) };
            let found = sources.find(&access, &find, &Keep::everything(Provider::OpenBao)).await.unwrap();
            assert_eq!(found.keys().collect::<Vec<_>>(), want, "{mount} {path:?} {pattern}");
            for (key, fetched) in found {
                let value = format!(r#"{{"a.b":"{key}","n":7}}"#);
                assert_eq!(fetched.value.expose_str(), Some(value.as_str()));
            }
        }
        for find in [Find::default(), Find { tags: [("a".into(), "b".into())].into(), ..named("a") }] {
            let refused = sources.find(&access, &find, &Keep::everything(Provider::OpenBao)).await;
            assert_eq!(refused.unwrap_err().kind, Kind::Invalid, "{find:?}");
        }
    }
}

fn named(pattern: &str) -> Find {
    Find { name: Some(pattern.to_owned()), ..Find::default() }
}

#[tokio::test]
async fn an_identity_is_proven_in_the_namespace_that_auth_names() {
    let auth = VaultAuth::AppRole {
        path: "approle".to_owned(),
        role_id: RoleId::Given("nobody".to_owned()),
        secret_id: secret("vault", "token"),
    };
    let double = double().await;
    let store =
        VaultStore { auth: Some(auth), auth_namespace: Some("gone".to_owned()), ..store(&double.address()) };
    let sources = sources_of(FakeCluster::with_token("wrong"), VaultClock::default());
    let error = failure(sources.fetch(&bao(store), &[current("secret/a")]).await);
    assert_eq!(error.step, Step::Authenticate);
    assert!(error.message().starts_with("openbao at "), "{error}");
}
