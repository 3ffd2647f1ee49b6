//! Audit records of Vault, of which nearly all are passed over: the way of 1,000, 93 of 100 of them reads.

use crate::Work;
use pawl_events::vault::{AuditReader, Frames, Kv};
use serde_json::Value;
use std::hint::black_box;

const RECORDS: usize = 1_000;

const SAMPLES: [&str; 3] = [
    include_str!("../../../events/vault/kv2-read.json"),
    include_str!("../../../events/vault/kv1-list.json"),
    include_str!("../../../events/vault/kv2-update.json"),
];

pub(crate) fn all() -> impl Iterator<Item = Work> {
    let records = Work::new("audit 1000 records", 5, || {
        let log = log();
        move || {
            // A new one each time, for a reader passes over what it has seen.
            let mut reader = AuditReader::new(Some("https://vault.example.com:8200")).mount("secret", Kv::V2);
            let (mut frames, mut changes) = (Frames::default(), 0);
            for chunk in black_box(log.as_bytes()).chunks(65_521) {
                frames.push(chunk, |line| changes += reader.read(line).unwrap().len());
            }
            changes
        }
    });
    [records].into_iter()
}

/// Each record has its own id: what was seen before would be passed over.
fn log() -> String {
    let [read, list, write] = SAMPLES.map(sample);
    let line = |number: usize| {
        let template = match number % 100 {
            20 | 40 => &list,
            0 | 30 | 50 | 70 | 90 => &write,
            _ => &read,
        };
        template.replace("ID", &format!("00000000-0000-4000-8000-{number:012}")) + "\n"
    };
    (0..RECORDS).map(line).collect()
}

fn sample(text: &str) -> String {
    let mut record: Value = serde_json::from_str(text).unwrap();
    record["request"]["id"] = "ID".into();
    record.to_string()
}
