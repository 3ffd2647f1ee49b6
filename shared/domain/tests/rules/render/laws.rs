//! What holds for every rendering, tried with made-up ones.

use crate::given::{self, fetched, read, reading};
use pawl_domain::declaration::{
    Decoding, DeletionPolicy, Into as Becomes, KeyConversion, Merge, NullBytes, OnConflict, Rewrite,
    Template, TemplateFrom, TemplateScope,
};
use pawl_domain::{Declaration, Provider, Query, Read, Remote, RenderError, Rendered, Values};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

/// Documents that go some way: objects of texts that are objects themselves, broken ones, and anything else.
fn document() -> impl Strategy<Value = Vec<u8>> {
    let member = prop_oneof![
        Just(r#""aGk=""#.to_owned()),
        Just(r#""{\"k\":1,\"l\":\"<\"}""#.to_owned()),
        Just(r#"{"k":2}"#.to_owned()),
        Just("null".to_owned()),
        Just("1e400".to_owned()),
        "[0-9]{1,3}",
        r#""[ -!#-\[\]-~é]{0,4}""#,
    ];
    let object = btree_map("[-._a-c/é]{0,3}", member, 0..4).prop_map(|members| {
        let members: Vec<_> = members.into_iter().map(|(key, value)| format!(r#""{key}":{value}"#)).collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    });
    prop_oneof![4 => object, 1 => vec(any::<u8>(), 0..8)]
}

fn rewrite() -> impl Strategy<Value = Rewrite> {
    let text = || "[-a-c.$1{}()*|\\[\\]]{0,6}";
    prop_oneof![
        (text(), text()).prop_map(|(source, target)| Rewrite::Regexp { source, target }),
        prop_oneof![
            text(),
            Just("{{ .value | upper }}".to_owned()),
            Just("{{ trimPrefix \"a\" .value }}".to_owned()),
        ]
        .prop_map(|template| Rewrite::Transform { template }),
        (proptest::option::of("[a-c]{0,1}"), vec("[a-c]", 0..2), any::<(bool, bool)>()).prop_map(
            |(into, priority, (ignore_missing_priority, ignore))| {
                let on_conflict = if ignore { OnConflict::Ignore } else { OnConflict::Error };
                Rewrite::Merge(Merge { into, priority, ignore_missing_priority, on_conflict })
            }
        ),
    ]
}

fn an_entry() -> impl Strategy<Value = Read> {
    let decoding = prop_oneof![
        Just(Decoding::None),
        Just(Decoding::Auto),
        Just(Decoding::Base64),
        Just(Decoding::Base64Url)
    ];
    let into = prop_oneof![
        "[a-c]{1,2}".prop_map(Becomes::Key),
        (
            proptest::option::of(prop_oneof![Just(KeyConversion::Default), Just(KeyConversion::Unicode)]),
            vec(rewrite(), 0..3)
        )
            .prop_map(|(conversion, rewrite)| Becomes::Every { conversion, rewrite }),
    ];
    let property = proptest::option::of("[a-c.#@*{}\\[\\],|]{0,4}");
    (into, decoding, any::<bool>(), property).prop_map(|(into, decoding, nulls, property)| Read {
        query: Query::Key(Remote { key: "app/db".into(), property, ..Remote::default() }),
        into,
        decoding,
        null_bytes: if nulls { NullBytes::Fail } else { NullBytes::Ignore },
        ..read("app/db")
    })
}

fn template() -> impl Strategy<Value = Template> {
    let text = || {
        prop_oneof![
            Just("{{ .a }}".to_owned()),
            Just("{{ index . \"a\" | b64enc }}".to_owned()),
            Just("{{ range $k, $v := . }}{{ $k }}: {{ $v | quote }}\n{{ end }}".to_owned()),
            Just("{{ toYaml . }}".to_owned()),
            "[a-c:{}. \\n-]{0,12}",
        ]
    };
    let scope = prop_oneof![
        Just(TemplateScope::Data),
        Just(TemplateScope::Labels),
        Just(TemplateScope::Annotations),
        Just(TemplateScope::Path("spec".into()))
    ];
    let from = vec((text(), scope), 0..2).prop_map(|from| {
        let from = from.into_iter().map(|(literal, scope)| TemplateFrom {
            config_map: None,
            secret: None,
            literal: Some(literal),
            scope,
            decoding: Decoding::Auto,
        });
        from.collect()
    });
    (any::<bool>(), btree_map("[a-c]", text(), 0..3), btree_map("[a-c]", text(), 0..2), from)
        .prop_map(|(merge, data, labels, from)| Template { merge, data, labels, from, ..Template::default() })
}

fn a_declaration() -> impl Strategy<Value = Declaration> {
    let deletion =
        prop_oneof![Just(DeletionPolicy::Retain), Just(DeletionPolicy::Merge), Just(DeletionPolicy::Delete)];
    (vec(an_entry(), 0..4), proptest::option::of(template()), deletion).prop_map(
        |(reads, template, deletion)| {
            let mut declaration = reading(reads);
            declaration.target.template = template;
            declaration.target.deletion = deletion;
            declaration
        },
    )
}

fn values(provider: Provider, documents: &[Vec<u8>]) -> Values {
    Values(documents.iter().map(|document| given::of(provider, fetched(document.clone()))).collect())
}

fn provider() -> impl Strategy<Value = Provider> {
    prop_oneof![
        Just(Provider::SecretsManager),
        Just(Provider::ParameterStore),
        Just(Provider::Vault),
        Just(Provider::Fake)
    ]
}

fn rendered(
    declaration: &Declaration,
    provider: Provider,
    documents: &[Vec<u8>],
) -> Result<Rendered, RenderError> {
    given::rendered(declaration, &values(provider, documents))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is declared and whatever is read, rendering ends, and a second time with the same.
    #[test]
    fn rendering_ends_the_same_each_time(
        declaration in a_declaration(), provider in provider(), documents in vec(document(), 0..4)
    ) {
        let once = rendered(&declaration, provider, &documents);
        prop_assert_eq!(&once, &rendered(&declaration, provider, &documents));
        let Ok(once) = once else { return Ok(()) };
        for key in once.data.keys() {
            let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            prop_assert!(plain && !key.is_empty(), "{}", key);
        }
        prop_assert!(!once.random, "nothing here is random");
    }

    /// What was rendered can be read back and rendered again, and stays what it is.
    #[test]
    fn rendering_what_was_rendered_changes_nothing(provider in provider(), document in document()) {
        let extract = || Read {
            into: Becomes::Every { conversion: None, rewrite: Vec::new() },
            ..read("app/db")
        };
        let Ok(once) = rendered(&reading([extract()]), provider, &[document]) else { return Ok(()) };
        let texts: Option<serde_json::Map<_, _>> = once.data.iter()
            .map(|(key, value)| Some((key.clone(), value.expose_str()?.into())))
            .collect();
        let Some(texts) = texts else { return Ok(()) };
        let again = serde_json::Value::Object(texts).to_string().into_bytes();
        prop_assert_eq!(rendered(&reading([extract()]), provider, &[again]).unwrap(), once);
    }

    /// No message holds what was read, however rendering fails.
    #[test]
    fn no_message_holds_a_value(declaration in a_declaration(), provider in provider(), key in "[a-c/é]{1,2}") {
        const CANARY: &str = "hunter2\u{0}<canary>";
        for document in [
            CANARY.to_owned(),
            serde_json::json!({ key.as_str(): CANARY, "a": { "k": CANARY } }).to_string(),
            serde_json::json!({ "a": format!(r#"{{"k":"{CANARY}"}}"#), "b": r#"{"k":1}"# }).to_string(),
        ] {
            if let Err(error) = rendered(&declaration, provider, &vec![document.into_bytes(); 3]) {
                prop_assert!(!format!("{error} {error:?}").contains("hunter2"), "{}", error);
            }
        }
    }
}
