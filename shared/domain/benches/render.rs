//! How long rendering takes for declarations of the kind that clusters are full of, compiled once.

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use pawl_domain::declaration::{
    CreationPolicy, Decoding, DeletionPolicy, Into as Becomes, NullBytes, Refresh, RefreshPolicy, Rewrite,
    Target, Template,
};
use pawl_domain::{
    Declaration, Fetched, Found, Functions, Home, Provider, Query, Read, Recipe, Remote, SecretValue,
    StoreId, TemplateSources, Values, Version,
};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

const DOCUMENT: &str =
    r#"{"username":"admin","password":"p@ss/word","host":"db.local","port":5432,"name":"app"}"#;

const TEMPLATE: [(&str, &str); 3] = [
    ("url", "postgres://{{ .username }}:{{ .password | urlquery }}@{{ .host }}:{{ .port }}/{{ .name }}"),
    ("config.yaml", "db:\n  user: {{ .username | quote }}\n  password: {{ .password | toJson }}\n"),
    ("auth", "{{ printf \"%s:%s\" .username .password | b64enc }}"),
];

fn render(c: &mut Criterion) {
    let functions = Functions::new(|| Timestamp::UNIX_EPOCH);
    let property = |name: &str| {
        let remote = Remote { key: "app/db".into(), property: Some(name.into()), ..Remote::default() };
        read(Becomes::Key(name.into()), remote)
    };
    let extract = |rewrite| {
        let remote = Remote { key: "app/db".into(), ..Remote::default() };
        read(Becomes::Every { conversion: None, rewrite }, remote)
    };
    let regexp = Rewrite::Regexp { source: "^(.*)$".into(), target: "db-$1".into() };
    let data = TEMPLATE.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect();
    let template = Template { data, ..Template::default() };
    for (name, reads, template) in [
        ("two keys", vec![property("username"), property("password")], None),
        ("an object", vec![extract(Vec::new())], None),
        ("an object, rewritten", vec![extract(vec![regexp])], None),
        ("an object through three templates", vec![extract(Vec::new())], Some(template)),
    ] {
        let values = Values(reads.iter().map(|_| fetched()).collect());
        let declaration = declaration(reads, template);
        let sources = TemplateSources::default();
        match Recipe::of(&declaration, &functions) {
            Ok(recipe) => c.bench_function(&format!("render {name}"), |b| {
                b.iter(|| recipe.render(black_box(&values), &sources));
            }),
            Err(error) => panic!("{error}"),
        };
        c.bench_function(&format!("compile {name}"), |b| {
            b.iter(|| Recipe::of(black_box(&declaration), &functions).map(|_| ()));
        });
    }
}

fn declaration(reads: Vec<Read>, template: Option<Template>) -> Declaration {
    Declaration {
        id: named("blue/shop/db"),
        home: Home::Applied,
        uid: None,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        reads,
        target: Target {
            name: named("db"),
            creation: CreationPolicy::Owner,
            deletion: DeletionPolicy::Retain,
            immutable: false,
            template,
            manifest: None,
        },
        refresh: Refresh {
            policy: RefreshPolicy::Periodic,
            interval: Duration::from_secs(3600),
            windows: None,
        },
        synced: None,
        set: None,
    }
}

fn read(into: Becomes, remote: Remote) -> Read {
    Read {
        path: "spec.data[0]".into(),
        store: StoreId { home: Home::Applied, namespace: None, name: named("aws"), generator: None },
        query: Query::Key(remote),
        into,
        decoding: Decoding::None,
        null_bytes: NullBytes::Ignore,
    }
}

fn fetched() -> Found {
    Found::One(Arc::new(Fetched {
        provider: Provider::SecretsManager,
        value: SecretValue::new(DOCUMENT),
        version: Version { id: "1".into(), since: None },
        labels: Vec::new(),
    }))
}

fn named<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no name"))
}

criterion_group!(benches, render);
criterion_main!(benches);
