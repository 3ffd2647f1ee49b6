//! Versions without values, and where values must be read for them.

use crate::support::{
    FakeCluster, access, access_of, current, double, id, sources, sources_of, store, told_versions,
};
use pawl_domain::Kind;
use pawl_domain::store::{KvVersion, VaultStore};
use pawl_ports::Sources;
use pawl_servers::vault::CallClass;
use pawl_servers::vault::VaultClock;
use serde_json::json;
use std::time::Duration;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn versions_are_told_without_reading_a_value() {
    let double = double().await;
    for value in ["one", "two"] {
        double.put("", "secret", "app", &json!({ "value": value })).unwrap();
    }
    let (sources, access) = (sources(&double), access(&double));
    let wanted =
        [current("secret/app"), id("secret/app", "1"), id("secret/app", "9"), current("secret/none")];
    let answers = sources.versions(&access, &wanted).await;
    assert_eq!(told_versions(&answers), ["2", "1", "not-found", "not-found"]);
    assert_eq!(double.count("GET", CallClass::Data), 0);

    let fetched = sources.fetch(&access, &wanted[..1]).await;
    assert_eq!(fetched[0].as_ref().unwrap().version, *answers[0].as_ref().unwrap(), "the same with its time");
    assert!(answers[0].as_ref().unwrap().since.is_some());
}

#[tokio::test]
async fn a_version_that_will_be_deleted_is_there_until_then() {
    let double = double().await;
    let api = double.api().unwrap();
    api.must("POST", "secret/metadata/app", Some(&json!({ "delete_version_after": "1h" }))).await.unwrap();
    double.put("", "secret", "app", &json!({ "value": "one" })).unwrap();
    let (sources, access) = (sources(&double), access(&double));
    assert_eq!(told_versions(&sources.versions(&access, &[current("secret/app")]).await), ["1"]);
    double.clock().advance(Duration::from_secs(3601));
    assert_eq!(told_versions(&sources.versions(&access, &[current("secret/app")]).await), ["not-found"]);
}

#[tokio::test]
async fn who_may_not_read_metadata_reads_values() {
    let double = double().await;
    for key in ["a", "b", "c"] {
        double.put("", "secret", key, &json!({ "value": key })).unwrap();
    }
    double.put_policy("", "reader", "path \"secret/data/*\" {\n  capabilities = [\"read\"]\n}\n").unwrap();
    let token = double.make_token("", &["reader"], 3600);
    let sources = sources_of(FakeCluster::with_token(&token), double.clock());
    let access = access(&double);
    let wanted = ["secret/a", "secret/none", "secret/b"].map(current);
    for _ in 0..2 {
        assert_eq!(told_versions(&sources.versions(&access, &wanted).await), ["1", "not-found", "1"]);
    }
    assert_eq!(told_versions(&sources.versions(&access, &[current("secret/c")]).await), ["1"]);
    assert!(double.count("GET", CallClass::Metadata) <= 3, "metadata is not asked for again");
}

#[tokio::test]
async fn without_versions_a_keyed_digest_of_the_value_is_the_version() {
    let double = double().await;
    double.mount_kv("", "old", 1);
    let store =
        VaultStore { path: Some("old".to_owned()), version: KvVersion::V1, ..store(&double.address()) };
    let (sources, access) = (sources(&double), access_of(store));
    let mut seen = Vec::new();
    for value in ["hunter2", "hunter3", "hunter2"] {
        double.put("", "old", "app", &json!({ "value": value })).unwrap();
        let told = sources.versions(&access, &[current("old/app")]).await;
        let fetched = sources.fetch(&access, &[current("old/app")]).await;
        assert_eq!(fetched[0].as_ref().unwrap().version, *told[0].as_ref().unwrap());
        seen.push(told_versions(&told).remove(0));
    }
    assert!(seen[0] == seen[2] && seen[0] != seen[1], "{seen:?}");
    let mut of_others = crate::support::digest_key().parts().with(r#"{"value":"hunter2"}"#).digest();
    assert_eq!(seen[0], of_others, "under the ledger's key");
    of_others = pawl_domain::hash::of_text(r#"{"value":"hunter2"}"#);
    assert_ne!(seen[0], of_others, "and not a hash that anybody can make");
}

#[tokio::test]
async fn data_that_is_made_for_each_read_is_not_read_to_tell_its_version() {
    let server = MockServer::start().await;
    let made =
        json!({ "lease_id": "database/creds/app/1", "lease_duration": 3600, "data": { "username": "u" } });
    Mock::given(method("GET"))
        .and(path("/v1/database/creds/app"))
        .respond_with(ResponseTemplate::new(200).set_body_json(made))
        .expect(1)
        .mount(&server)
        .await;
    let store = VaultStore { path: None, version: KvVersion::V1, ..store(&server.uri()) };
    let sources = sources_of(FakeCluster::with_token("t"), VaultClock::default());
    let access = access_of(store);
    let wanted = [current("database/creds/app")];
    let fetched = sources.fetch(&access, &wanted).await;
    let written = fetched[0].as_ref().unwrap().version.id.clone();
    let told = told_versions(&sources.versions(&access, &wanted).await);
    assert_ne!(told, [written], "so that the sweep has it made anew, once");
}

#[tokio::test]
async fn what_changed_is_not_told() {
    let double = double().await;
    let error = sources(&double).changed_since(&access(&double), None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "nobody refuses it: such a store cannot");
    assert_eq!(double.calls(), [], "and nobody is asked");
}
