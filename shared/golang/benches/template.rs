//! How long parsing and executing take for templates of the kind that ExternalSecrets have.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pawl_golang::sprig::{self, Environment};
use pawl_golang::template::{Options, Template};
use pawl_golang::value::Value;

const TEMPLATES: [(&str, &str); 3] = [
    ("field", "{{ .password }}"),
    (
        "url",
        "postgres://{{ .user | urlquery }}:{{ .password | urlquery }}@{{ .host }}:{{ .port }}/{{ .name | default \"app\" }}",
    ),
    (
        "config",
        "{{- $all := fromJson .json }}{{ range $key, $value := $all }}{{ $key | upper | replace \"-\" \"_\" }}={{ $value | quote }}\n{{ end -}}\
         {{ if and .user .password }}auth: {{ printf \"%s:%s\" .user .password | b64enc }}{{ end }}",
    ),
];

fn templates(c: &mut Criterion) {
    let functions = sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH));
    let data = Value::string_map([
        ("user", "admin"),
        ("password", "p@ss/word"),
        ("host", "db.local"),
        ("port", "5432"),
        ("name", ""),
        ("json", r#"{"api-key":"a","client-id":"b","client-secret":"c","region":"eu-west-1","retries":3}"#),
    ]);
    for (name, text) in TEMPLATES {
        let options = Options::new(&functions);
        c.bench_function(&format!("parse {name}"), |b| {
            b.iter(|| Template::parse("t", black_box(text), &options).map(|_| ()))
        });
        if let Ok(template) = Template::parse("t", text, &options) {
            c.bench_function(&format!("execute {name}"), |b| b.iter(|| template.execute(black_box(&data))));
        }
    }
    c.bench_function("table of functions", |b| {
        b.iter(|| sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH)));
    });
}

criterion_group!(benches, templates);
criterion_main!(benches);
