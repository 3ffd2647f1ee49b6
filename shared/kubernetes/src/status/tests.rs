use super::*;
use pawl_domain::reconcile::Deed;
use pawl_domain::{Complaint, Failure, Kind, Outcome};

fn failure(step: Step, message: &str) -> Failure {
    Error::new(step, Kind::Denied, message).to_failure(1)
}

fn status(result: Result<Outcome, Failure>) -> Status {
    Status {
        at: "2026-11-22T05:00:00.7Z".parse().unwrap(),
        uid: Some("u".to_owned()),
        synced: Some("3-hash".to_owned()),
        kind: None,
        target: "db".to_owned(),
        result,
        deed: Deed::Nothing,
        retired: false,
        overtaken: false,
        before: None,
    }
}

/// The status after it said this.
fn after(before: Result<Outcome, Failure>, result: Result<Outcome, Failure>) -> Status {
    Status { before: status(before).told(), ..status(result) }
}

fn patched(status: &Status) -> Value {
    blind(status, &Ready::of(status).unwrap())
}

fn test(path: &str, value: Value) -> Value {
    json!({ "op": "test", "path": path, "value": value })
}

fn add(path: &str, value: Value) -> Value {
    json!({ "op": "add", "path": path, "value": value })
}

const NOW: &str = "2026-11-22T05:00:00Z";

#[test]
fn a_status_that_nobody_told_anything_is_written_whole() {
    let whole = json!({
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced",
            "lastTransitionTime": NOW,
        }],
        "refreshTime": NOW,
        "syncedResourceVersion": "3-hash",
        "binding": { "name": "db" },
    });
    let want =
        json!([test("/metadata/uid", "u".into()), test("/status", Value::Null), add("/status", whole)]);
    assert_eq!(patched(&status(Ok(Outcome::Written))), want);
    let failed = json!({
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "SecretSyncedError",
            "message": "could not get secret data from provider", "lastTransitionTime": NOW,
        }],
        "binding": { "name": "" },
    });
    let status = Status { uid: None, ..status(Err(failure(Step::Fetch, "no such key"))) };
    assert_eq!(patched(&status), json!([test("/status", Value::Null), add("/status", failed)]));
}

#[test]
fn a_condition_keeps_its_time_while_its_status_stays() {
    let denied = |message: &str| Err(failure(Step::Fetch, message));
    let write = Err(failure(Step::Write, "why"));
    let stays = patched(&after(denied("why"), write));
    let ready = |was: &str| {
        let (kind, status) = ("/status/conditions/0/type", "/status/conditions/0/status");
        [test("/metadata/uid", "u".into()), test(kind, "Ready".into()), test(status, was.into())]
    };
    let texts = [
        add("/status/conditions/0/reason", "SecretSyncedError".into()),
        add("/status/conditions/0/message", "could not update secret".into()),
    ];
    assert_eq!(stays, Value::from([&ready("False")[..], &texts[..]].concat()));
    let turns = patched(&after(denied("why"), Ok(Outcome::Deleted)));
    let condition = json!({
        "type": "Ready", "status": "True", "reason": "SecretDeleted",
        "message": "secret deleted due to DeletionPolicy=Delete", "lastTransitionTime": NOW,
    });
    let changes = [
        json!({ "op": "replace", "path": "/status/conditions/0", "value": condition }),
        add("/status/refreshTime", NOW.into()),
        add("/status/syncedResourceVersion", "3-hash".into()),
    ];
    assert_eq!(turns, Value::from([&ready("False")[..], &changes[..]].concat()));
}

#[test]
fn what_was_read_is_kept_but_for_the_ready_condition() {
    let old = json!({ "conditions": [
        { "type": "Other", "status": "False" },
        { "type": "Ready", "status": "False", "reason": "SecretSyncedError", "message": "old", "lastTransitionTime": "t" },
    ] });
    let found: Found = serde_json::from_value(json!({ "metadata": {}, "status": old })).unwrap();
    let status = status(Err(failure(Step::Fetch, "no such key")));
    let patch = seeing(&found, &Ready::of(&status).unwrap(), &status);
    let want = json!({ "status": { "conditions": [
        { "type": "Other", "status": "False" },
        {
            "type": "Ready", "status": "False", "reason": "SecretSyncedError",
            "message": "could not get secret data from provider", "lastTransitionTime": "t",
        },
    ] } });
    assert_eq!(patch, want);
}

#[test]
fn a_target_is_bound_once_it_is_made_or_an_update_is_begun() {
    let failed = |step, complaint, message: &str| Err(Failure { complaint, ..failure(step, message) });
    for (result, binds) in [
        (Ok(Outcome::Written), true),
        (Ok(Outcome::Unchanged), true),
        (Ok(Outcome::NotWanted), false),
        (Ok(Outcome::TargetMissing), false),
        (Ok(Outcome::Retained), false),
        (Ok(Outcome::Deleted), false),
        (failed(Step::Write, Complaint::OwnedByAnother, "why"), true),
        (failed(Step::Write, Complaint::Ownership, "why"), true),
        (failed(Step::Write, Complaint::Immutable, "why"), true),
        (failed(Step::Write, Complaint::Update, "unable to update secret db: why"), true),
        (failed(Step::Render, Complaint::Update, "unable to mutate secret db: why"), true),
        (failed(Step::Render, Complaint::Update, "could not apply template: why"), false),
        (failed(Step::Fetch, Complaint::Provider, "why"), false),
        (failed(Step::Write, Complaint::Delete, "unable to delete secret db: why"), false),
    ] {
        let status = status(result);
        assert_eq!(binding(&status).is_some(), binds, "{:?}", status.result);
    }
}

#[test]
fn conditions_have_the_words_of_eso_and_events_the_cause() {
    let told = |failure: Failure| {
        let status = status(Err(failure));
        (Ready::of(&status).unwrap().message, Note::of(&status).remove(0).message)
    };
    let text = str::to_owned;
    let provider = text("could not get secret data from provider");
    assert_eq!(told(failure(Step::Authenticate, "no")), (provider, text("no")));
    assert_eq!(told(failure(Step::Write, "no")), (text("could not update secret"), text("no")));
    let owned = Error::new(Step::Write, Kind::Invalid, "why").complaining(Complaint::OwnedByAnother);
    let words = text("target is owned by another ExternalSecret");
    assert_eq!(told(owned.to_failure(1)), (words, text("why")));
}

#[test]
fn events_tell_of_what_was_done_and_of_failures() {
    let notes = |deed, retired, result| {
        let notes = Note::of(&Status { deed, retired, ..status(result) });
        notes
            .into_iter()
            .map(|note| format!("{} {}: {}", note.kind, note.reason, note.message))
            .collect::<Vec<_>>()
    };
    assert_eq!(notes(Deed::Created, false, Ok(Outcome::Written)), ["Normal Created: secret created"]);
    assert_eq!(notes(Deed::Updated, false, Ok(Outcome::Written)), ["Normal Updated: secret updated"]);
    // Only the managed label was put on it.
    assert_eq!(notes(Deed::Nothing, false, Ok(Outcome::Written)), [""; 0]);
    assert_eq!(notes(Deed::Nothing, false, Ok(Outcome::Unchanged)), [""; 0]);
    let deleted = "Normal Deleted: secret deleted due to DeletionPolicy=Delete";
    assert_eq!(notes(Deed::Deleted, false, Ok(Outcome::Deleted)), [deleted]);
    // Nothing was there to be deleted.
    assert_eq!(notes(Deed::Nothing, false, Ok(Outcome::Deleted)), [""; 0]);
    let renamed =
        ["Normal Deleted: secret deleted because it was orphaned", "Normal Created: secret created"];
    assert_eq!(notes(Deed::Created, true, Ok(Outcome::Written)), renamed);
    let failed = Err(failure(Step::Fetch, "why"));
    assert_eq!(notes(Deed::Nothing, false, failed), ["Warning UpdateFailed: why"]);
}

#[test]
fn targets_of_other_kinds_are_spoken_of_as_resources() {
    let said = |result, deed| {
        let status = Status { kind: Some("ConfigMap".to_owned()), deed, ..status(result) };
        let ready = Ready::of(&status).unwrap();
        let note = Note::of(&status).pop().map(|note| note.message);
        (ready.reason, ready.message, note)
    };
    let told = |text: &str| Some(text.to_owned());
    let failed = |complaint| Err(Failure { complaint, ..failure(Step::Write, "why") });
    for (result, deed, want) in [
        (
            Ok(Outcome::Written),
            Deed::Created,
            ("ResourceSynced", "resource synced", told("Created ConfigMap db")),
        ),
        (
            Ok(Outcome::Deleted),
            Deed::Deleted,
            (
                "ResourceDeleted",
                "resource deleted due to DeletionPolicy=Delete",
                told("Deleted ConfigMap db"),
            ),
        ),
        (
            Ok(Outcome::TargetMissing),
            Deed::Nothing,
            ("ResourceMissing", "resource will not be created due to CreationPolicy=Merge", None),
        ),
        (
            failed(Complaint::Update),
            Deed::Nothing,
            ("ResourceSyncedError", "could not update resource", told("why")),
        ),
        (
            failed(Complaint::Provider),
            Deed::Nothing,
            ("ResourceSyncedError", "could not get secret data from provider", told("why")),
        ),
        (
            failed(Complaint::GenericTarget),
            Deed::Nothing,
            ("SecretSyncedError", "invalid generic target", told("why")),
        ),
    ] {
        assert_eq!(said(result, deed), (want.0, want.1.to_owned(), want.2));
    }
}
