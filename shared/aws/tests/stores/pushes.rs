//! What PushSecrets write, read back from moto: the port's contract, and what is particular to each service.

pub(super) mod place;
mod races;

use crate::stores::support::{FakeCluster, sources_of};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::{AwsDeletion, AwsService, Home, StoreId};
use pawl_domain::{Access, Kind, PushOutcome, Pushed, SecretValue, Step};
use pawl_ports::Sink;
use pawl_servers::{Asked, Moto};
use pawl_world::contract::sinks::{Kept, enveloped, remote, suite, whole};
use place::{Place, is, property, pushed};
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn secrets_manager_is_a_sink() {
    suite(&Place::of(AwsService::SecretsManager).await).await;
}

#[tokio::test]
async fn parameter_store_is_a_sink() {
    suite(&Place::of(AwsService::ParameterStore).await).await;
}

#[tokio::test]
async fn a_new_secret_is_made_as_eso_makes_it() {
    let place = Place::of(AwsService::SecretsManager).await;
    let spec = json!({ "tags": { "team": "shop" }, "description": "d", "secretPushFormat": "string" });
    place.push(&pushed("new", "text", Some(&spec))).await.unwrap();
    place.push(&pushed("plain", "bytes", None)).await.unwrap();
    let made: Vec<Value> = place.bodies("CreateSecret");
    assert_eq!(made[0]["SecretString"], "text");
    assert_eq!(made[0]["Description"], "d");
    assert_eq!(made[1]["SecretBinary"], STANDARD.encode("bytes"));
    assert_eq!(made[1]["Description"], "secret 'managed-by:external-secrets'");
    for body in &made {
        assert_eq!(body["ClientRequestToken"], "00000000-0000-0000-0000-000000000001");
        assert_eq!(body["KmsKeyId"], "alias/aws/secretsmanager");
        let mut tags = body["Tags"].as_array().unwrap().clone();
        tags.retain(|tag| *tag == json!({ "Key": "managed-by", "Value": "external-secrets" }));
        assert_eq!(tags.len(), 1, "{body}");
    }
}

#[tokio::test]
async fn tags_become_those_of_the_metadata_and_no_others() {
    for service in [AwsService::SecretsManager, AwsService::ParameterStore] {
        let place = Place::of(service).await;
        place.push(&pushed("key", "value", Some(&json!({ "tags": { "a": "1", "b": "2" } })))).await.unwrap();
        assert_eq!(place.tags("key").await, "a=1 b=2 managed-by=external-secrets");
        // Where nothing is said of tags, they stay.
        assert_eq!(place.push(&pushed("key", "value", None)).await.unwrap(), PushOutcome::Unchanged);
        assert_eq!(place.tags("key").await, "a=1 b=2 managed-by=external-secrets");
        let spec = json!({ "tags": { "b": "3", "c": 4 } });
        let outcome = place.push(&pushed("key", "value", Some(&spec))).await.unwrap();
        assert!(matches!(outcome, PushOutcome::Written { version: Some(_) }), "{outcome:?}");
        assert_eq!(place.tags("key").await, "b=3 c=4 managed-by=external-secrets");
        let again = place.push(&pushed("key", "value", Some(&spec))).await.unwrap();
        assert_eq!(again, PushOutcome::Unchanged, "{service:?}");
    }
}

#[tokio::test]
async fn a_property_is_a_path_into_the_json() {
    let place = Place::of(AwsService::SecretsManager).await;
    for (path, value) in [("db.user", "u"), ("db.password", "p<"), ("tls\\.crt", "c"), ("list.1", "x")] {
        place.push(&property("json", path, value, None)).await.unwrap();
    }
    let stands = place.value("json").await.unwrap();
    assert_eq!(stands, r#"{"db":{"user":"u","password":"p<"},"tls.crt":"c","list":[null,"x"]}"#);
}

#[tokio::test]
async fn what_is_no_json_object_is_not_lost_to_a_property() {
    for service in [AwsService::SecretsManager, AwsService::ParameterStore] {
        let place = Place::of(service).await;
        for text in ["plain", "\"text\"", "7"] {
            place.push(&pushed("key", text, None)).await.unwrap();
            let before = place.writes().await;
            let error = place.push(&property("key", "a", "v", None)).await.unwrap_err();
            assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid));
            assert!(
                error.message().contains("key: property \"a\": what stands there is no JSON object"),
                "{error}"
            );
            place.remove("key", Some("a")).await.unwrap();
            assert_eq!(place.writes().await, before, "{service:?}: {text}");
        }
    }
}

#[tokio::test]
async fn a_whole_secret_is_a_parameter_of_base64_unless_it_is_said() {
    let place = Place::of(AwsService::ParameterStore).await;
    let mut whole = whole("whole", None, &[("key", "v")]);
    place.push(&whole).await.unwrap();
    assert_eq!(place.value("whole").await.as_deref(), Some(r#"{"key":"dg=="}"#));
    whole.metadata = Some(enveloped(&json!({ "encodeAsDecoded": true, "secretType": "SecureString" })));
    place.push(&whole).await.unwrap();
    assert_eq!(place.value("whole").await.as_deref(), Some(r#"{"key":"v"}"#));
    let put = place.bodies("PutParameter");
    assert_eq!((&put[0]["Type"], &put[0]["Overwrite"]), (&json!("String"), &json!(false)));
    assert_eq!((&put[1]["Type"], &put[1]["Overwrite"]), (&json!("SecureString"), &json!(true)));
    assert_eq!(put[1]["KeyId"], "alias/aws/ssm");
    assert_eq!(place.push(&whole).await.unwrap(), PushOutcome::Unchanged);
}

#[tokio::test]
async fn what_is_no_text_is_refused_where_texts_are_kept() {
    let with = |pushed: Pushed| {
        let data = [("key".to_owned(), SecretValue::new([0xff, 0x00]))];
        Pushed { data: data.into_iter().collect(), ..pushed }
    };
    let whole = |spec| Pushed { metadata: Some(enveloped(&spec)), ..whole("raw", None, &[]) };
    for (service, pushed) in [
        (AwsService::ParameterStore, pushed("raw", "", None)),
        (AwsService::ParameterStore, property("raw", "a", "", None)),
        (AwsService::ParameterStore, whole(json!({ "encodeAsDecoded": true }))),
        (AwsService::SecretsManager, pushed("raw", "", Some(&json!({ "secretPushFormat": "string" })))),
        (AwsService::SecretsManager, property("raw", "a", "", None)),
        (AwsService::SecretsManager, whole(json!({}))),
    ] {
        let place = Place::of(service).await;
        let error = place.push(&with(pushed)).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Push, Kind::Invalid), "{error}");
        assert!(error.message().contains("not UTF-8"), "{error}");
        assert_eq!(place.writes().await, 0);
    }
    let place = Place::of(AwsService::SecretsManager).await;
    place.push(&with(pushed("raw", "", None))).await.unwrap();
    assert_eq!(place.bodies("CreateSecret")[0]["SecretBinary"], STANDARD.encode([0xff, 0x00]));
}

#[tokio::test]
async fn what_is_left_of_a_parameter_keeps_its_key_and_tier() {
    let place = Place::of(AwsService::ParameterStore).await;
    let spec =
        json!({ "secretType": "SecureString", "kmsKeyID": "alias/mine", "tier": { "type": "Advanced" } });
    for name in ["a", "b"] {
        place.push(&property("key", name, "v", Some(&spec))).await.unwrap();
    }
    place.remove("key", Some("a")).await.unwrap();
    assert_eq!(place.value("key").await.as_deref(), Some(r#"{"b":"v"}"#));
    let filter = json!([{ "Key": "Name", "Option": "Equals", "Values": [place.named("key")] }]);
    let described = place.call("DescribeParameters", &json!({ "ParameterFilters": filter })).await.unwrap();
    let described = &described["Parameters"][0];
    assert_eq!((&described["KeyId"], &described["Tier"]), (&json!("alias/mine"), &json!("Advanced")));
    assert_eq!(described["Description"], "secret 'managed-by:external-secrets'");
}

#[tokio::test]
async fn what_is_left_of_a_parameter_keeps_all_that_is_said_of_it() {
    let place = Place::of(AwsService::ParameterStore).await;
    for name in ["a", "b"] {
        place.push(&property("key", name, "v", None)).await.unwrap();
    }
    let expiration = r#"{"Type":"Expiration","Version":"1.0","Attributes":{}}"#;
    let said = json!({
        "Name": place.named("key"), "Type": "SecureString", "KeyId": "alias/mine", "Tier": "Advanced", "Description": "d",
        "AllowedPattern": ".*", "DataType": "text", "Version": 2,
        "Policies": [{ "PolicyText": expiration, "PolicyType": "Expiration", "PolicyStatus": "Pending" }],
    });
    // Pages may be empty before the last one.
    place.show_first([
        ("DescribeParameters", json!({ "Parameters": [], "NextToken": "next" })),
        ("DescribeParameters", json!({ "Parameters": [said] })),
    ]);
    place.remove("key", Some("a")).await.unwrap();
    let put = place.bodies("PutParameter").pop().unwrap();
    for field in ["Name", "Type", "KeyId", "Tier", "Description", "AllowedPattern", "DataType"] {
        assert_eq!(put[field], said[field], "{field}");
    }
    assert_eq!(put["Policies"], format!("[{expiration}]"));
    assert_eq!(put["Value"], r#"{"b":"v"}"#);
}

#[tokio::test]
async fn what_may_not_be_described_is_not_put_under_another_key() {
    let place = Place::of(AwsService::ParameterStore).await;
    for name in ["a", "b"] {
        place.push(&property("key", name, "v", None)).await.unwrap();
    }
    let before = place.writes().await;
    place.fail_first("DescribeParameters", "AccessDeniedException");
    let error = place.remove("key", Some("a")).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Denied));
    assert!(error.message().ends_with("access denied; allow ssm:DescribeParameters on it"), "{error}");
    assert_eq!(place.writes().await, before);
    // Nothing is put in the place of what went meanwhile.
    place.show_first([("DescribeParameters", json!({ "Parameters": [] }))]);
    place.remove("key", Some("a")).await.unwrap();
    assert_eq!(place.writes().await, before);
}

/// AWS reads parameters by ARN, and writes them by name alone.
#[tokio::test]
async fn a_parameter_that_is_named_by_its_arn_is_written_by_its_name() {
    let place = Place::of(AwsService::ParameterStore).await;
    for name in ["a", "b"] {
        place.push(&property("key", name, "v", None)).await.unwrap();
    }
    let arn = format!("arn:aws:ssm:{}:{}:parameter{}", place.region, Moto::ACCOUNT, place.named("key"));
    let place = place.with(|store| store.prefix = None);
    place.push(&property(&arn, "c", "v", None)).await.unwrap();
    place.remove(&arn, Some("a")).await.unwrap();
    assert_eq!(place.value("key").await.as_deref(), Some(r#"{"b":"v","c":"v"}"#));
    place.remove(&arn, None).await.unwrap();
    assert_eq!(place.value("key").await, None);
}

#[tokio::test]
async fn secrets_are_deleted_as_the_store_says() {
    for (deletion, want) in [
        (AwsDeletion::Default, json!({})),
        (AwsDeletion::Forced, json!({ "ForceDeleteWithoutRecovery": true })),
        (AwsDeletion::After(7), json!({ "RecoveryWindowInDays": 7 })),
    ] {
        let place = Place::of(AwsService::SecretsManager).await.with(|store| store.deletion = deletion);
        place.push(&pushed("gone", "v", Some(&json!({ "replicationLocations": [] })))).await.unwrap();
        place.remove("gone", None).await.unwrap();
        let mut body = place.bodies("DeleteSecret").remove(0);
        body.as_object_mut().unwrap().remove("SecretId");
        assert_eq!(body, want);
    }
}

#[tokio::test]
async fn a_resource_policy_comes_from_the_namespace() {
    let place = Place::of(AwsService::SecretsManager).await;
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let cluster = Arc::new(FakeCluster::default().with_secret("shop/policies/db", &[policy]));
    let clock = Arc::new(crate::stores::support::WallClock);
    let sources = sources_of(place.relay.address(), cluster, clock);
    let reference = json!({ "kind": "Secret", "name": "policies", "key": "db" });
    let spec = json!({ "resourcePolicy": { "policySourceRef": reference, "blockPublicPolicy": true } });
    let one = pushed("governed", "v", Some(&spec));
    let error = sources.push(&place.access, &one).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "the namespace is not known: {error}");
    let id = StoreId { home: Home::Applied, namespace: None, name: "aws".parse().unwrap(), generator: None };
    let access = Access { tags: Some(("shop".parse().unwrap(), id)), ..place.access.clone() };
    sources.push(&access, &one).await.unwrap();
    let again = sources.push(&access, &one).await.unwrap();
    assert_eq!(again, PushOutcome::Unchanged, "the same policy stands");
    let put = place.bodies("PutResourcePolicy");
    assert_eq!(put.len(), 1);
    assert_eq!((&put[0]["ResourcePolicy"], &put[0]["BlockPublicPolicy"]), (&json!(policy), &json!(true)));
    let missing = json!({ "kind": "Secret", "name": "policies", "key": "other" });
    let missing = pushed("governed", "w", Some(&json!({ "resourcePolicy": { "policySourceRef": missing } })));
    let error = sources.push(&access, &missing).await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid, "{error}");
    assert_eq!(place.value("governed").await.as_deref(), Some("v"), "nothing is written by halves");
}

#[tokio::test]
async fn the_stores_prefix_stands_before_each_key() {
    let place = Place::of(AwsService::ParameterStore).await;
    place.push(&pushed("db", "v", None)).await.unwrap();
    assert!(place.sources.exists(&place.access, &remote("db", None)).await.unwrap());
    let body = json!({ "Name": format!("{}db", place.prefix) });
    let standing = place.call("GetParameter", &body).await.unwrap();
    assert_eq!(standing["Parameter"]["Value"], "v");
    place.remove("db", None).await.unwrap();
    assert!(place.call("GetParameter", &body).await.is_none());
}

#[tokio::test]
async fn every_refusal_of_a_write_has_its_kind_and_a_remedy() {
    for (code, kind, words) in [
        ("AccessDeniedException", Kind::Denied, "access denied; allow secretsmanager:PutSecretValue on it"),
        ("LimitExceededException", Kind::Throttled, "throttled (LimitExceededException)"),
        ("EncryptionFailure", Kind::Invalid, "not accepted (EncryptionFailure)"),
        ("InternalServiceError", Kind::Transient, "AWS failed (InternalServiceError)"),
    ] {
        let place = Place::of(AwsService::SecretsManager).await;
        place.push(&pushed("key", "one", None)).await.unwrap();
        let status = if kind == Kind::Transient { 500 } else { 400 };
        place.relay.answer(Some(Arc::new(move |asked: &Asked| {
            let body = json!({ "__type": code, "message": "canary-in-words" });
            is(asked, "PutSecretValue").then(|| (status, body.to_string()))
        })));
        let error = place.push(&pushed("key", "two", None)).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Push, kind), "{error}");
        assert_eq!(
            error.message(),
            format!("secrets-manager in {}: {}: {words}", place.region, place.named("key"))
        );
    }
}
