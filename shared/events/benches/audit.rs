//! How fast audit records are read, 95 of 100 of which are reads: the goal is 100,000 a second on one core.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be made must end")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pawl_events::vault::{AuditReader, Frames, Kv};
use serde_json::Value;
use std::hint::black_box;
use std::path::Path;

const RECORDS: usize = 1000;

fn audit(c: &mut Criterion) {
    let log = log();
    let mut group = c.benchmark_group("audit");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("records of a stream", |b| {
        let mut reader = AuditReader::new(Some("https://vault.example.com:8200")).mount("secret", Kv::V2);
        b.iter(|| {
            let (mut frames, mut changes) = (Frames::default(), 0);
            for chunk in black_box(log.as_bytes()).chunks(65_521) {
                frames.push(chunk, |line| changes += reader.read(line).unwrap().len());
            }
            changes
        });
    });
    group.finish();
}

/// Each record has its own id: what was seen before would be passed over.
fn log() -> String {
    let (read, list, write) = (sample("kv2-read"), sample("kv1-list"), sample("kv2-update"));
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

fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/vault");
    let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
    let mut record: Value = serde_json::from_str(&text).unwrap();
    record["request"]["id"] = "ID".into();
    record.to_string()
}

criterion_group!(benches, audit);
criterion_main!(benches);
