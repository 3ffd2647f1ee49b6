//! Pushes and removals that meet others: other Pawls, rotations, deletions.

use super::place::{Place, is, property, pushed};
use pawl_domain::store::AwsService;
use pawl_domain::{Kind, PushOutcome, Step};
use pawl_ports::Sink;
use pawl_servers::Asked;
use pawl_world::contract::sinks::{Kept, remote};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test]
async fn of_two_pushes_that_saw_the_same_one_reads_again() {
    let place = Place::of(AwsService::SecretsManager).await;
    place.push(&pushed("raced", "one", None)).await.unwrap();
    place.fail_first("PutSecretValue", "ResourceExistsException");
    let outcome = place.push(&pushed("raced", "two", None)).await.unwrap();
    assert!(matches!(outcome, PushOutcome::Written { .. }));
    let put = place.bodies("PutSecretValue");
    assert_eq!(put.len(), 2);
    assert_ne!(put[0]["ClientRequestToken"], put[1]["ClientRequestToken"], "the refused one is used up");
    let reads = place.bodies("GetSecretValue").len();
    assert_eq!(reads, 2, "what stands there was read before each write");
}

#[tokio::test]
async fn what_others_make_at_the_same_moment_is_looked_at() {
    for (service, call, code) in [
        (AwsService::SecretsManager, "CreateSecret", "ResourceExistsException"),
        (AwsService::ParameterStore, "PutParameter", "ParameterAlreadyExists"),
    ] {
        let place = Place::of(service).await;
        // Nothing is there when it is looked, and when it is made somebody else's is.
        place.relay.answer(Some(Arc::new(move |asked: &Asked| {
            is(asked, call).then(|| (400, json!({ "__type": code, "message": "" }).to_string()))
        })));
        let error = place.push(&pushed("raced", "ours", None)).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Push, Kind::Conflict), "{error}");
        assert_eq!(place.bodies(call).len(), 4, "not for ever");
        place.relay.answer(None);
        place.put("raced", "theirs").await;
        let error = place.push(&pushed("raced", "ours", None)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Denied, "{error}");
        assert!(error.message().contains("give it the tag managed-by=external-secrets"), "{error}");
    }
}

#[tokio::test]
async fn an_older_version_with_the_same_token_is_not_taken_for_written() {
    let place = Place::of(AwsService::SecretsManager).await;
    place.push(&pushed("old", "one", None)).await.unwrap();
    let first = AtomicUsize::new(0);
    place.relay.answer(Some(Arc::new(move |asked: &Asked| {
        let is_first = is(asked, "PutSecretValue") && first.fetch_add(1, Ordering::Relaxed) == 0;
        let answer = json!({ "Name": "old", "VersionId": "x", "VersionStages": ["AWSPREVIOUS"] });
        is_first.then(|| (200, answer.to_string()))
    })));
    place.push(&pushed("old", "two", None)).await.unwrap();
    assert_eq!(place.value("old").await.as_deref(), Some("two"));
}

/// One that was refused and read again writes as one that reads for the first time: else neither would be refused, and the
/// later would undo the earlier.
#[tokio::test]
async fn no_property_is_lost_to_one_that_was_refused_before() {
    let place = Place::of(AwsService::SecretsManager).await;
    let push = async |name: &str| place.push(&property("key", name, "v", None)).await.unwrap();
    push("first").await;
    let earlier = place.looks("key").await;
    push("second").await;
    let later = place.looks("key").await;
    place.show_first(earlier);
    push("refused").await;
    place.show_first(later);
    push("meets").await;
    assert_eq!(members(&place, "key").await, ["first", "meets", "refused", "second"]);
    assert_eq!(place.bodies("PutSecretValue").len(), 1 + 2 + 2, "each of the two was refused once");
}

#[tokio::test]
async fn no_property_is_lost_to_a_removal() {
    let place = Place::of(AwsService::SecretsManager).await;
    for name in ["a", "b"] {
        place.push(&property("key", name, "v", None)).await.unwrap();
    }
    let earlier = place.looks("key").await;
    place.push(&property("key", "c", "v", None)).await.unwrap();
    place.show_first(earlier);
    place.remove("key", Some("a")).await.unwrap();
    assert_eq!(members(&place, "key").await, ["b", "c"]);
    place.relay.answer(Some(Arc::new(|asked: &Asked| {
        is(asked, "PutSecretValue").then(|| (400, json!({ "__type": "ResourceExistsException" }).to_string()))
    })));
    let error = place.remove("key", Some("b")).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Conflict), "not for ever: {error}");
}

#[tokio::test]
async fn what_went_since_it_was_looked_at_is_removed() {
    let place = Place::of(AwsService::SecretsManager).await;
    for name in ["a", "b"] {
        place.push(&property("key", name, "v", None)).await.unwrap();
    }
    let [known, _] = place.looks("key").await;
    let body = json!({ "SecretId": place.named("key"), "ForceDeleteWithoutRecovery": true });
    place.call("DeleteSecret", &body).await.unwrap();
    for property in [Some("a"), None] {
        place.show_first([known.clone()]);
        place.remove("key", property).await.unwrap();
    }
}

/// As while the first rotation of a secret that had no value is under way.
#[tokio::test]
async fn a_secret_without_a_version_in_force_gets_one() {
    let place = Place::of(AwsService::SecretsManager).await;
    place.push(&pushed("key", "pending", None)).await.unwrap();
    let [(_, mut known), _] = place.looks("key").await;
    known["VersionIdsToStages"] = json!({ "00000000-0000-0000-0000-000000000001": ["AWSPENDING"] });
    let nothing = json!({ "__type": "ResourceNotFoundException", "message": "" });
    let instead = move |asked: &Asked| match is(asked, "DescribeSecret") {
        true => Some((200, known.to_string())),
        false => is(asked, "GetSecretValue").then(|| (400, nothing.to_string())),
    };
    place.relay.answer(Some(Arc::new(instead)));
    let before = place.writes().await;
    assert!(!place.sources.exists(&place.access, &remote("key", None)).await.unwrap());
    place.remove("key", Some("a")).await.unwrap();
    assert_eq!(place.writes().await, before, "the pending version is not ours");
    let outcome = place.push(&property("key", "a", "v", None)).await.unwrap();
    assert!(matches!(outcome, PushOutcome::Written { version: Some(_) }), "{outcome:?}");
    assert_eq!(place.bodies("PutSecretValue").len(), 1);
    place.relay.answer(None);
    assert_eq!(members(&place, "key").await, ["a"]);
}

#[tokio::test]
async fn a_name_that_is_not_free_yet_is_tried_again() {
    let place = Place::of(AwsService::SecretsManager).await;
    place.relay.answer(Some(Arc::new(|asked: &Asked| {
        let words =
            "You can't create this secret because a secret with this name is already scheduled for deletion.";
        let body = json!({ "__type": "InvalidRequestException", "Message": words });
        is(asked, "CreateSecret").then(|| (400, body.to_string()))
    })));
    let error = place.push(&pushed("key", "v", None)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Push, Kind::Transient), "{error}");
    place.relay.answer(None);
    place.push(&pushed("key", "v", None)).await.unwrap();
}

async fn members(place: &Place, key: &str) -> Vec<String> {
    let text = place.value(key).await.unwrap();
    let members: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    members.into_keys().collect()
}
