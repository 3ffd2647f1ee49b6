use super::*;
use pawl_domain::{Complaint, Kind};

fn failure(step: Step, message: &str) -> Failure {
    Error::new(step, Kind::Denied, message).to_failure(1)
}

fn found(status: Value) -> Found {
    serde_json::from_value(json!({ "metadata": { "generation": 3 }, "status": status })).unwrap()
}

fn published(result: Result<Outcome, Failure>, old: Value) -> Option<Value> {
    let at = "2026-11-22T05:00:00.7Z".parse().unwrap();
    let status = Status { at, result, kind: None, target: Some("db".to_owned()) };
    patch(&found(old), &Ready::of(&status)?, &status)
}

fn of_secret(result: Result<Outcome, Failure>) -> Status {
    Status { at: "2026-11-22T05:00:00Z".parse().unwrap(), kind: None, result, target: Some("db".to_owned()) }
}

const SYNCED: &str = "3-f47fe3c0b255b6dd8047cdffa772587bb829efe7a1cb70febeda2eb2";

#[test]
fn success_writes_the_condition_the_time_and_what_was_synced() {
    let want = json!({ "status": {
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced",
            "lastTransitionTime": "2026-11-22T05:00:00Z",
        }],
        "refreshTime": "2026-11-22T05:00:00Z",
        "syncedResourceVersion": SYNCED,
        "binding": { "name": "db" },
    } });
    assert_eq!(published(Ok(Outcome::Written), Value::Null), Some(want));
}

#[test]
fn a_condition_keeps_its_time_while_its_status_stays_and_others_are_kept() {
    let old = json!({ "conditions": [
        { "type": "Other", "status": "False" },
        { "type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": "old", "lastTransitionTime": "t" },
    ] });
    let patch = published(Err(failure(Step::Fetch, "no such key")), old.clone()).unwrap();
    let want = json!({ "status": { "conditions": [
        { "type": "Other", "status": "False" },
        {
            "type": "Ready", "status": "False", "reason": "SecretSyncedError",
            "message": "could not get secret data from provider", "lastTransitionTime": "t",
        },
    ] } });
    assert_eq!(patch, want);
    let patch = published(Ok(Outcome::Deleted), old).unwrap();
    assert_eq!(patch["status"]["conditions"][1]["lastTransitionTime"], "2026-11-22T05:00:00Z");
    assert_eq!(patch["status"]["conditions"][1]["reason"], "SecretDeleted");
}

#[test]
fn what_is_said_already_is_not_written_again() {
    let message = "could not update secret";
    let old = json!({ "conditions": [
        { "type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": message },
    ] });
    assert_eq!(published(Err(failure(Step::Write, "why")), old), None);
    let old = json!({ "conditions": [
        { "type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced" },
    ] });
    let patch = published(Ok(Outcome::Unchanged), old).unwrap();
    assert_eq!(patch["status"].get("conditions"), None);
    assert_eq!(patch["status"]["refreshTime"], "2026-11-22T05:00:00Z");
    assert_eq!(published(Ok(Outcome::Queued), Value::Null), None);
}

#[test]
fn conditions_have_the_words_of_eso_and_events_the_cause() {
    let told = |failure: Failure| {
        let ready = Ready::of(&of_secret(Err(failure.clone()))).unwrap();
        (ready.message, Note::of(&of_secret(Err(failure)), &found(Value::Null)).unwrap().message)
    };
    let text = str::to_owned;
    let provider = text("could not get secret data from provider");
    assert_eq!(told(failure(Step::Authenticate, "no")), (provider, text("no")));
    assert_eq!(told(failure(Step::Write, "no")), (text("could not update secret"), text("no")));
    let owned = Error::new(Step::Write, Kind::Invalid, "why").complaining(Complaint::OwnedByAnother);
    let words = text("target is owned by another ExternalSecret");
    assert_eq!(told(owned.to_failure(1)), (words, text("why")));
    let (_, long) = told(failure(Step::Fetch, &"é".repeat(2000)));
    assert!(long.len() <= LONGEST_MESSAGE && long.ends_with('é'));
}

#[test]
fn events_tell_of_changes_and_failures() {
    let note = |result: Result<Outcome, Failure>, status: Value| {
        Note::of(&of_secret(result), &found(status)).map(|note| (note.kind, note.reason, note.message))
    };
    let text = str::to_owned;
    assert_eq!(note(Ok(Outcome::Written), Value::Null), Some(("Normal", "Created", text("secret created"))));
    let bound = json!({ "binding": { "name": "db" } });
    assert_eq!(note(Ok(Outcome::Written), bound), Some(("Normal", "Updated", text("secret updated"))));
    assert_eq!(note(Ok(Outcome::Unchanged), Value::Null), None);
    let failed = note(Err(failure(Step::Fetch, "why")), Value::Null);
    assert_eq!(failed, Some(("Warning", "UpdateFailed", text("why"))));
}

#[test]
fn equal_notes_have_equal_names_that_are_never_too_long() {
    let id = |name: &str| format!("blue/shop/{name}").parse::<DeclarationId>().unwrap();
    let note = |message: &str| Note { kind: "Warning", reason: "UpdateFailed", message: message.to_owned() };
    assert_eq!(event_name(&id("db"), &note("a")), event_name(&id("db"), &note("a")));
    assert_ne!(event_name(&id("db"), &note("a")), event_name(&id("db"), &note("b")));
    let long = event_name(&id(&format!("{}-{}", "a".repeat(235), "b".repeat(17))), &note("a"));
    assert!(long.parse::<pawl_domain::ObjectName>().is_ok() && long.len() <= 253, "{long}");
}

#[test]
fn targets_of_other_kinds_are_spoken_of_as_resources() {
    let said = |result| {
        let status = Status { kind: Some("ConfigMap".to_owned()), ..of_secret(result) };
        let ready = Ready::of(&status).unwrap();
        let note = Note::of(&status, &found(Value::Null)).map(|note| note.message);
        (ready.reason, ready.message, note)
    };
    let told = |text: &str| Some(text.to_owned());
    let failed = |complaint| Err(Failure { complaint, ..failure(Step::Write, "why") });
    for (result, want) in [
        (Ok(Outcome::Written), ("ResourceSynced", "resource synced", told("Created ConfigMap db"))),
        (
            Ok(Outcome::Deleted),
            (
                "ResourceDeleted",
                "resource deleted due to DeletionPolicy=Delete",
                told("Deleted ConfigMap db"),
            ),
        ),
        (
            Ok(Outcome::TargetMissing),
            ("ResourceMissing", "resource will not be created due to CreationPolicy=Merge", None),
        ),
        (failed(Complaint::Update), ("ResourceSyncedError", "could not update resource", told("why"))),
        (
            failed(Complaint::Provider),
            ("ResourceSyncedError", "could not get secret data from provider", told("why")),
        ),
        (failed(Complaint::GenericTarget), ("SecretSyncedError", "invalid generic target", told("why"))),
    ] {
        assert_eq!(said(result), (want.0, want.1.to_owned(), want.2));
    }
}
