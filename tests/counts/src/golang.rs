//! What is done as Go does it: values picked out of JSON, a small secret and one of 64 KiB, which is the most that Secrets
//! Manager takes; and templates of the kind that ExternalSecrets have.

use crate::Work;
use pawl_golang::sprig::{self, Environment};
use pawl_golang::template::{Functions, Options, Template};
use pawl_golang::value::Value;
use pawl_golang::{gjson, json};
use std::hint::black_box;

const SMALL: &str = r#"{"username":"app","password":"p4ss","host":"db.example.org","port":5432,"tls":{"ca.crt":"-----BEGIN"}}"#;

const SEARCHES: [(&str, bool, &str); 7] = [
    ("small key", false, "password"),
    ("small escaped", false, r"tls.ca\.crt"),
    ("big last key", true, "last"),
    ("big index", true, "servers.999.name"),
    ("big query", true, r#"servers.#(name=="server-999").port"#),
    ("big all names", true, "servers.#.name"),
    ("big pretty", true, "@pretty"),
];

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

pub(crate) fn all() -> impl Iterator<Item = Work> {
    searches().chain(templates())
}

fn searches() -> impl Iterator<Item = Work> {
    let search = |(name, is_big, path): (&str, bool, &'static str)| {
        let times = if is_big { 20 } else { 20_000 };
        Work::new(format!("gjson {name}"), times, move || {
            let document = if is_big { big() } else { SMALL.to_owned() };
            move || gjson::get(black_box(&document), path).unwrap().is_some()
        })
    };
    let raw = Work::new("json object to raw", 20, || {
        let document = big();
        move || json::object_to_raw(black_box(&document)).unwrap().len()
    });
    SEARCHES.into_iter().map(search).chain([raw])
}

fn templates() -> impl Iterator<Item = Work> {
    let of = |(name, text): (&str, &'static str)| {
        [
            Work::new(format!("template parse {name}"), 2_000, move || {
                let functions = functions();
                move || Template::parse("t", black_box(text), &Options::new(&functions)).is_ok()
            }),
            Work::new(format!("template execute {name}"), 2_000, move || {
                let (functions, data) = (functions(), data());
                let template = Template::parse("t", text, &Options::new(&functions)).unwrap();
                move || template.execute(black_box(&data)).unwrap().len()
            }),
        ]
    };
    TEMPLATES.into_iter().flat_map(of).chain([Work::new("template functions", 200, || functions)])
}

fn functions() -> Functions {
    sprig::functions(&Environment::new(|| jiff::Timestamp::UNIX_EPOCH))
}

fn data() -> Value {
    Value::string_map([
        ("user", "admin"),
        ("password", "p@ss/word"),
        ("host", "db.local"),
        ("port", "5432"),
        ("name", ""),
        ("json", r#"{"api-key":"a","client-id":"b","client-secret":"c","region":"eu-west-1","retries":3}"#),
    ])
}

fn big() -> String {
    let server = |n: usize| format!(r#"{{"name":"server-{n}","tags":["a","b\n"],"port":{n},"weight":1.50}}"#);
    let servers: Vec<_> = (0..1_000).map(server).collect();
    format!(r#"{{"servers":[{}],"last":"here"}}"#, servers.join(","))
}
