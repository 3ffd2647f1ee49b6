//! What answers mean: what does not exist, what is refused, what is damaged.

use super::{World, current, told, wanted, world};
use pawl_domain::{Kind, Step, VersionSelector};
use pawl_ports::{Error, Part, Sources};

const CANARY: &str = "canary-7f3a";

async fn failed(world: &World, key: &str) -> Error {
    world.fetch(current(key)).await.unwrap_err()
}

fn failure(code: u16, status: &str, message: &str) -> String {
    format!(r#"{{"error":{{"code":{code},"status":"{status}","message":"{message} {CANARY}"}}}}"#)
}

#[tokio::test]
async fn only_googles_word_on_the_secret_itself_means_that_it_does_not_exist() {
    let world = world(|_| {}).await;
    world.google.add(None, "db", b"x");
    let not_found = |message: &str| failure(404, "NOT_FOUND", message);
    for (status, body, want) in [
        (404, not_found("Secret [projects/1/secrets/db] not found or has no versions."), Kind::NotFound),
        (404, not_found("Secret [projects/1/secrets/db] not found."), Kind::NotFound),
        (404, not_found("Secret Version [projects/1/secrets/db/versions/4] not found."), Kind::NotFound),
        (
            404,
            not_found("Secret [projects/1/locations/europe-west3/secrets/db] not found or has no versions."),
            Kind::NotFound,
        ),
        (404, not_found("Secret [projects/1/secrets/db2] not found."), Kind::Invalid),
        (404, not_found("Project [projects/1] not found."), Kind::Invalid),
        (404, not_found("Requested entity was not found."), Kind::Invalid),
        (404, not_found("Secret [projects/1/secrets/db] is elsewhere."), Kind::Invalid),
        (404, failure(404, "UNKNOWN", "Secret [projects/1/secrets/db] not found."), Kind::Invalid),
        (404, "<!DOCTYPE html>".to_owned(), Kind::Invalid),
        (404, String::new(), Kind::Invalid),
        (403, failure(403, "PERMISSION_DENIED", "Secret [projects/1/secrets/db] not found."), Kind::Denied),
        (400, failure(400, "FAILED_PRECONDITION", "Secret Version [x] is in DISABLED state."), Kind::Invalid),
        (400, failure(400, "FAILED_PRECONDITION", "KMS key is disabled"), Kind::Invalid),
        (400, failure(400, "INVALID_ARGUMENT", "Resource ID is not in a valid format."), Kind::Invalid),
        (418, String::new(), Kind::Invalid),
    ] {
        world.google.answer("latest:access", status, &body, &[]);
        let error = failed(&world, "db").await;
        assert_eq!((error.kind, error.step), (want, Step::Fetch), "{body}");
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
    }
    assert_eq!(world.read("db").await, "x", "and nothing of it is remembered");
}

#[tokio::test]
async fn what_does_not_exist_is_told_by_the_double_as_well() {
    let world = world(|_| {}).await;
    world.google.add(None, "db", b"x");
    let by = |selector| wanted("db", selector, Part::Value);
    for (one, want) in [
        (current("none"), "not-found"),
        (by(VersionSelector::Id("9".to_owned())), "not-found"),
        (by(VersionSelector::Label("prod".to_owned())), "not-found"),
        (current("a/b"), "invalid"),
        (current("projects/shop/secrets/db"), "invalid"),
        (current(""), "invalid"),
    ] {
        assert_eq!(told(&world.fetch(one.clone()).await), want, "{one:?}");
    }
    world.google.hide("db");
    assert_eq!(world.read("db").await, "denied", "a lost right is no deletion");
}

#[tokio::test]
async fn a_project_that_is_not_seen_is_no_deletion() {
    let world = world(|store| store.project = "other".to_owned()).await;
    let error = failed(&world, "db").await;
    assert_eq!((error.kind, error.step), (Kind::Denied, Step::Fetch));
    assert!(error.message().contains("roles/secretmanager.secretAccessor"), "{error}");
}

#[tokio::test]
async fn refusals_name_the_remedy() {
    let world = world(|_| {}).await;
    world.google.add(None, "db", b"x");
    let disabled =
        r#"{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}"#;
    world.google.answer("latest:access", 403, disabled, &[]);
    assert!(failed(&world, "db").await.message().contains("enable it there"));
    world.google.set_viewer(false);
    let metadata = wanted("db", VersionSelector::Current, Part::Metadata);
    let error = world.fetch(metadata).await.unwrap_err();
    assert!(error.message().contains("roles/secretmanager.viewer"), "{error}");
    world.google.set_viewer(true);
    world.google.set_state(None, "db", 1, "DISABLED");
    assert!(failed(&world, "db").await.message().contains("LatestOrFetch"));
}

#[tokio::test]
async fn faults_of_the_moment_are_asked_again_and_told_as_such() {
    let world = world(|_| {}).await;
    world.google.add(None, "db", b"x");
    for status in [429, 500, 502, 503, 504] {
        world.google.answer("latest:access", status, CANARY, &[]);
        assert_eq!(world.read("db").await, "x", "{status}");
    }
    for (status, kind) in [(429, Kind::Throttled), (503, Kind::Transient)] {
        for _ in 0..3 {
            world.google.answer("latest:access", status, CANARY, &[]);
        }
        let error = failed(&world, "db").await;
        assert_eq!(error.kind, kind);
        assert!(!error.to_string().contains(CANARY));
    }
    world.google.answer("latest:access", 429, "", &[("retry-after", "120")]);
    let error = failed(&world, "db").await;
    assert_eq!(error.retry_after().map(|rest| rest.as_secs()), Some(120));
}

#[tokio::test]
async fn damaged_answers_are_never_values() {
    let world = world(|_| {}).await;
    world.google.add(None, "db", b"x");
    let name = r#""name":"projects/1/secrets/db/versions/1""#;
    for body in [
        String::new(),
        "hunter2".to_owned(),
        "[]".to_owned(),
        format!(r#"{{{name},"payload":{{"data":"!!"}}}}"#),
        format!(r#"{{{name},"payload":{{"data":"eA==","dataCrc32c":"1"}}}}"#),
        format!(r#"{{{name},"payload":{{"data":"eA==","dataCrc32c":"x"}}}}"#),
        r#"{"name":"projects/1/secrets/db/versions/latest","payload":{"data":"eA=="}}"#.to_owned(),
        r#"{"payload":{"data":"eA=="}}"#.to_owned(),
    ] {
        world.google.answer("latest:access", 200, &body, &[]);
        assert_eq!(failed(&world, "db").await.kind, Kind::Transient, "{body}");
    }
    // Some of Google's servers write the signs of base64 so.
    let escaped = format!(r#"{{{name},"payload":{{"data":"eA\u003d\u003d"}}}}"#);
    world.google.answer("latest:access", 200, &escaped, &[]);
    assert_eq!(world.read("db").await, "x");
}

#[tokio::test]
async fn a_list_that_leads_back_to_itself_ends() {
    let world = world(|_| {}).await;
    for _ in 0..2 {
        world.google.answer("/secrets", 200, r#"{"nextPageToken":"again"}"#, &[]);
    }
    let find = pawl_domain::Find { name: Some("a".to_owned()), ..Default::default() };
    assert_eq!(world.found(&find).await.unwrap_err().kind, Kind::Transient);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let world = world(|_| {}).await;
    world.google.answer("latest:access", 302, "", &[("location", "http://127.0.0.1:1/elsewhere")]);
    assert_eq!(failed(&world, "db").await.kind, Kind::Invalid);
}

#[tokio::test]
async fn it_does_not_tell_what_changed() {
    let world = world(|_| {}).await;
    assert_eq!(world.sources.changed_since(&world.access, None).await.unwrap_err().kind, Kind::Invalid);
    assert_eq!(world.sources.account(&world.access).await.as_deref(), Some("shop"));
}
