//! How long it takes to pick a value out of a secret: a small one as people keep them, and a big one of 64 KiB, which is
//! the most that Secrets Manager takes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pawl_golang::{gjson, json};

const SMALL: &str = r#"{"username":"app","password":"p4ss","host":"db.example.org","port":5432,"tls":{"ca.crt":"-----BEGIN"}}"#;

fn big() -> String {
    let server = |n: usize| format!(r#"{{"name":"server-{n}","tags":["a","b\n"],"port":{n},"weight":1.50}}"#);
    let servers: Vec<_> = (0..1_000).map(server).collect();
    format!(r#"{{"servers":[{}],"last":"here"}}"#, servers.join(","))
}

fn searches(criterion: &mut Criterion) {
    let big = big();
    for (name, document, path) in [
        ("small/key", SMALL, "password"),
        ("small/escaped", SMALL, r"tls.ca\.crt"),
        ("big/last key", &big, "last"),
        ("big/index", &big, "servers.999.name"),
        ("big/query", &big, r#"servers.#(name=="server-999").port"#),
        ("big/all names", &big, "servers.#.name"),
        ("big/pretty", &big, "@pretty"),
    ] {
        let mut group = criterion.benchmark_group("gjson");
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| gjson::get(black_box(document), path)));
        group.finish();
    }
    criterion.bench_function("json/object to raw", |bencher| {
        bencher.iter(|| json::object_to_raw(black_box(&big)))
    });
}

criterion_group!(benches, searches);
criterion_main!(benches);
