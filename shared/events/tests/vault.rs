//! The reader of audit records: what it knows beside the record itself. Each shape of record stands in
//! `events/vault`, and its outcome in `events/README.md`.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its samples has failed")]

use crate::common::{Sample, samples};
use pawl_domain::{Change, Moved};
use pawl_events::vault::{AuditReader, Kv, MAX_RECORD};
use pawl_events::{Error, changes};

fn sample(case: &str) -> Vec<u8> {
    let all = samples();
    let found: Option<&Sample> = all.iter().find(|sample| sample.sender == "vault" && sample.case == case);
    found.unwrap().body.clone()
}

fn told(changes: &[Change]) -> Vec<(&str, Option<&str>, &Moved)> {
    changes.iter().map(|it| (it.key(), it.version.as_deref(), &it.moved)).collect()
}

#[test]
fn a_known_mount_is_read_one_way() {
    let deleted = sample("kv2-delete");
    let read = |kv| AuditReader::new(None).mount("secret/", kv).read(&deleted).unwrap();
    assert_eq!(told(&read(Kv::V2)), [("secret/app/db", None, &Moved::Existence)]);
    assert_eq!(told(&read(Kv::V1)), [("secret/data/app/db", None, &Moved::Existence)]);
    let namespaced = sample("namespace-nested-kv1-update");
    let changes = AuditReader::new(None).mount("/ns1/child/old", Kv::V1).read(&namespaced).unwrap();
    assert_eq!(told(&changes), [("ns1/child/old/app/db", None, &Moved::Current)]);
}

#[test]
fn one_write_is_one_change_however_often_it_is_told() {
    let mut reader = AuditReader::new(None);
    let mut count = |case: &str| reader.read(&sample(case)).unwrap().len();
    assert_eq!(count("kv2-update-request"), 0);
    assert_eq!(count("kv2-update"), 1);
    assert_eq!(count("kv2-update"), 0, "a second audit device");
    assert_eq!(count("kv2-update-forwarded"), 0, "a standby before the active node");
    assert_eq!(count("kv2-patch"), 1);
}

#[test]
fn the_server_is_named_as_stores_name_it() {
    let location = |server| {
        let changes = AuditReader::new(server).read(&sample("kv2-update")).unwrap();
        changes[0].location.account.clone()
    };
    assert_eq!(
        location(Some("https://Vault.example.com:8200/")).as_deref(),
        Some("https://vault.example.com:8200")
    );
    assert_eq!(location(None), None);
}

#[test]
fn a_prefix_and_a_line_feed_may_stand_around_a_record() {
    let value: serde_json::Value = serde_json::from_slice(&sample("kv2-update")).unwrap();
    let line = format!("audit@cluster-1: {value}\n");
    assert_eq!(AuditReader::new(None).read(line.as_bytes()).unwrap().len(), 1);
}

#[test]
fn what_is_no_record_is_refused_without_its_content() {
    let mut reader = AuditReader::new(None);
    let large = vec![b'{'; MAX_RECORD + 1];
    for body in
        [&b""[..], b"hunter2", b"{hunter2", b"{\"type\":\"response\"}", b"{\"request\":{}}", b"[1]", &large]
    {
        let error = reader.read(body).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. } | Error::TooLarge { .. }), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let whole = sample("kv2-update");
    for end in 0..whole.len() - 2 {
        assert!(reader.read(&whole[..end]).is_err(), "cut after {end} bytes");
    }
}

#[test]
fn a_single_record_is_an_event_like_any_other() {
    assert_eq!(changes(&sample("kv2-update")).unwrap().len(), 1);
}
