//! What is done with declarations of the kind that clusters are full of: manifests read, stored and read again, compiled,
//! and rendered.

use crate::Work;
use jiff::Timestamp;
use pawl_domain::{
    Declaration, Fetched, Found, Functions, Home, Provider, Recipe, SecretValue, TemplateSources, Values,
    Version,
};
use pawl_manifests::{ParseOptions, parse};
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

const VALUE: &str =
    r#"{"username":"admin","password":"p@ss/word","host":"db.local","port":5432,"name":"app"}"#;

const HEAD: &str = "\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: db, namespace: shop }
spec:
  refreshInterval: 1h
  secretStoreRef: { name: aws }
";

const SPECS: [(&str, &str); 4] = [
    (
        "two keys",
        "
  data:
    - { secretKey: username, remoteRef: { key: app/db, property: username } }
    - { secretKey: password, remoteRef: { key: app/db, property: password } }
",
    ),
    ("an object", "\n  dataFrom: [{ extract: { key: app/db } }]\n"),
    (
        "an object rewritten",
        "\n  dataFrom: [{ extract: { key: app/db }, rewrite: [{ regexp: { source: '^(.*)$', target: 'db-$1' } }] }]\n",
    ),
    (
        "an object through templates",
        r#"
  dataFrom: [{ extract: { key: app/db } }]
  target:
    template:
      data:
        url: "postgres://{{ .username }}:{{ .password | urlquery }}@{{ .host }}:{{ .port }}/{{ .name }}"
        config.yaml: "db:\n  user: {{ .username | quote }}\n  password: {{ .password | toJson }}\n"
        auth: '{{ printf "%s:%s" .username .password | b64enc }}'
"#,
    ),
];

pub(crate) fn all() -> impl Iterator<Item = Work> {
    SPECS.into_iter().flat_map(|(name, spec)| of(name, format!("{HEAD}{spec}").into()))
}

fn of(name: &str, manifest: Rc<str>) -> [Work; 5] {
    let [written, read, compiled, rendered] = [(); 4].map(|()| Rc::clone(&manifest));
    [
        Work::new(format!("manifest {name}"), 200, move || move || declaration(black_box(&manifest))),
        Work::new(format!("document write {name}"), 2_000, move || {
            let declaration = declaration(&written);
            move || pawl_documents::write(black_box(&declaration))
        }),
        Work::new(format!("document read {name}"), 2_000, move || {
            let declaration = declaration(&read);
            let (id, stored) = (declaration.id.to_string(), pawl_documents::write(&declaration));
            move || pawl_documents::read::<Declaration>(&id, black_box(&stored)).unwrap()
        }),
        Work::new(format!("compile {name}"), 1_000, move || {
            let (declaration, functions) = (declaration(&compiled), functions());
            move || Recipe::of(black_box(&declaration), &functions).is_ok()
        }),
        Work::new(format!("render {name}"), 1_000, move || {
            let declaration = declaration(&rendered);
            let values = Values(declaration.reads.iter().map(|_| fetched()).collect());
            let recipe = Recipe::of(&declaration, &functions()).unwrap();
            let sources = TemplateSources::default();
            move || recipe.render(black_box(&values), &sources).is_ok()
        }),
    ]
}

fn functions() -> Functions {
    Functions::new(|| Timestamp::UNIX_EPOCH)
}

fn declaration(manifest: &str) -> Declaration {
    let mut read = parse(manifest, "manifest", &ParseOptions::new(Home::Cluster("blue".parse().unwrap())));
    assert_eq!(read.problems, [], "{manifest}");
    read.declarations.remove(0)
}

fn fetched() -> Found {
    Found::One(Arc::new(Fetched {
        provider: Provider::SecretsManager,
        value: SecretValue::new(VALUE),
        version: Version { id: "1".into(), since: None },
        labels: Vec::new(),
    }))
}
