//! Where keys are read, and what their values are.

use crate::support::{
    FakeCluster, access, access_of, current, double, failure, id, metadata, sources, sources_of, store, told,
    told_versions,
};
use pawl_domain::Kind;
use pawl_domain::store::{KvVersion, VaultStore};
use pawl_ports::Sources;
use pawl_servers::vault::VaultClock;
use serde_json::json;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

/// As Go writes what Go has read with `UseNumber`. OpenBao itself rounds numbers when they are put; Vault keeps them.
#[tokio::test]
async fn values_are_the_json_that_go_writes() {
    let server = MockServer::start().await;
    let data =
        r#"{"z":"<&>","a":{"n":12345678901234567890, "f":1.50,"e":1e3},"l":[1,null,true],"u":"\u00e9"}"#;
    let versioned = format!(r#"{{"data":{{"data":{data},"metadata":{{"version":7}}}}}}"#);
    for (path, body) in
        [("/v1/secret/data/app", versioned), ("/v1/old/app", format!(r#"{{"lease_id":"","data":{data}}}"#))]
    {
        let answer = ResponseTemplate::new(200).set_body_raw(body, "application/json");
        Mock::given(matchers::path(path)).respond_with(answer).mount(&server).await;
    }
    let want = r#"{"a":{"e":1e3,"f":1.50,"n":12345678901234567890},"l":[1,null,true],"u":"é","z":"\u003c\u0026\u003e"}"#;
    let old = VaultStore { path: Some("old".to_owned()), version: KvVersion::V1, ..store(&server.uri()) };
    for (store, key) in [(store(&server.uri()), "secret/app"), (old, "old/app")] {
        let sources = sources_of(FakeCluster::with_token("t"), VaultClock::default());
        let answers = sources.fetch(&access_of(store), &[current(key)]).await;
        assert_eq!(answers[0].as_ref().unwrap().value.expose_str(), Some(want), "{key}");
    }
}

#[tokio::test]
async fn keys_are_read_where_eso_reads_them() {
    let double = double().await;
    double.mount_kv("", "team/kv", 2);
    double.mount_kv("ns1", "kv", 2);
    for (namespace, mount, key) in [
        ("", "secret", "a/b c"),
        ("", "team/kv", "a"),
        ("ns1", "kv", "a"),
        ("", "secret", "data/a"),
        ("", "secret", "ä?#%2f"),
    ] {
        double.put(namespace, mount, key, &json!({ "at": format!("{namespace}/{mount}/{key}") })).unwrap();
    }
    let sources = sources(&double);
    for (namespace, path, key, want) in [
        (None, Some("secret"), "secret/a/b c", "/secret/a/b c"),
        (None, Some("secret"), "secret/data/a", "/secret/data/a"),
        (None, Some("team/kv"), "team/kv/a", "/team/kv/a"),
        (None, None, "team/kv/data/a", "/team/kv/a"),
        (None, None, "secret/a/b c", "/secret/a/b c"),
        (Some("ns1"), Some("kv"), "ns1/kv/a", "ns1/kv/a"),
        (Some("/ns1/"), None, "ns1/kv/a", "ns1/kv/a"),
        (None, Some("secret"), "secret/ä?#%2f", "/secret/ä?#%2f"),
    ] {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let store = VaultStore { namespace: text(namespace), path: text(path), ..store(&double.address()) };
        let answers = sources.fetch(&access_of(store), &[current(key)]).await;
        assert_eq!(told(&answers), [format!("{}@1", json!({ "at": want }))], "{namespace:?} {path:?} {key}");
    }
}

#[tokio::test]
async fn no_key_leads_out_of_its_mount() {
    let double = double().await;
    double.mount_kv("", "other", 2);
    double.put("", "other", "a", &json!({ "a": 1 })).unwrap();
    for key in ["secret/../../other/data/a", "secret/./a", "secret/a/.."] {
        let error = failure(sources(&double).fetch(&access(&double), &[current(key)]).await);
        assert_eq!(error.kind, Kind::Invalid, "{key}");
        assert!(error.message().ends_with("a part of the path is . or ..; write the path out"), "{error}");
    }
    assert_eq!(double.calls(), [], "nothing was asked");
}

#[tokio::test]
async fn a_missing_mount_is_no_missing_key() {
    let double = double().await;
    let (sources, address) = (sources(&double), double.address());
    for store in [
        VaultStore { path: Some("nowhere".to_owned()), ..store(&address) },
        VaultStore { path: Some("nowhere".to_owned()), version: KvVersion::V1, ..store(&address) },
        VaultStore { namespace: Some("nowhere".to_owned()), ..store(&address) },
        // A plain read of a versioned engine.
        VaultStore { version: KvVersion::V1, ..store(&address) },
    ] {
        let key = match store.key_namespace() {
            Some(namespace) => format!("{namespace}/secret/a"),
            None => format!("{}/a", store.mount().unwrap()),
        };
        let error = failure(sources.fetch(&access_of(store), &[current(&key)]).await);
        assert!(matches!(error.kind, Kind::Invalid | Kind::Denied), "{}: {error}", error.kind);
        assert!(error.message().contains("check the store's path, version and namespace"), "{error}");
    }
}

#[tokio::test]
async fn versions_are_read_by_number_and_metadata_as_eso_tells_it() {
    let double = double().await;
    let api = double.api().unwrap();
    for value in ["one", "two"] {
        double.put("", "secret", "app", &json!({ "value": value })).unwrap();
    }
    let custom = json!({ "custom_metadata": { "team": "<shop>", "created_time": "never" }, "delete_version_after": "3h25m" });
    api.must("POST", "secret/metadata/app", Some(&custom)).await.unwrap();
    let (sources, access) = (sources(&double), access(&double));

    let wanted = [current("secret/app"), id("secret/app", "1"), id("secret/app", "2"), id("secret/app", "3")];
    let want = [r#"{"value":"two"}@2"#, r#"{"value":"one"}@1"#, r#"{"value":"two"}@2"#, "not-found"];
    assert_eq!(told(&sources.fetch(&access, &wanted).await), want);

    let answers = sources.fetch(&access, &[metadata("secret/app"), metadata("secret/none")]).await;
    let want = r#"{"created_time":"never","current_version":"2","delete_version_after":"3h25m0s","team":"\u003cshop\u003e"}"#;
    assert_eq!(answers[0].as_ref().unwrap().value.expose_str(), Some(want));
    assert_eq!(answers[1].as_ref().unwrap_err().kind, Kind::NotFound);

    double.mount_kv("", "old", 1);
    let old = VaultStore { path: Some("old".to_owned()), version: KvVersion::V1, ..store(&double.address()) };
    let error = failure(sources.fetch(&access_of(old), &[metadata("old/app")]).await);
    let want = "old/app: KV version 1 knows nothing about its keys; leave metadataPolicy out";
    assert!(error.kind == Kind::Invalid && error.message().ends_with(want), "{error}");
}

#[tokio::test]
async fn deleted_and_destroyed_versions_do_not_exist() {
    let double = double().await;
    let api = double.api().unwrap();
    for key in ["deleted", "destroyed", "purged", "restored"] {
        double.put("", "secret", key, &json!({ "value": key })).unwrap();
    }
    api.must("DELETE", "secret/data/deleted", None).await.unwrap();
    api.must("POST", "secret/destroy/destroyed", Some(&json!({ "versions": [1] }))).await.unwrap();
    api.must("DELETE", "secret/metadata/purged", None).await.unwrap();
    api.must("DELETE", "secret/data/restored", None).await.unwrap();
    api.must("POST", "secret/undelete/restored", Some(&json!({ "versions": [1] }))).await.unwrap();
    let (sources, access) = (sources(&double), access(&double));
    let wanted = ["secret/deleted", "secret/destroyed", "secret/purged", "secret/restored"].map(current);
    let want = ["not-found", "not-found", "not-found", r#"{"value":"restored"}@1"#];
    assert_eq!(told(&sources.fetch(&access, &wanted).await), want);
    let versions = told_versions(&sources.versions(&access, &wanted).await);
    assert_eq!(versions, ["not-found", "not-found", "not-found", "1"]);
}
