//! Small manifests that ask for hours or gigabytes fail in time, with an error that says what to make smaller.

use crate::given;
use pawl_domain::declaration::{Into as Becomes, Rewrite, Template};
use pawl_domain::{Budget, Declaration, Provider, Query, Read, Remote, Values};
use std::collections::BTreeMap;

/// What a rendering of one value of 1 KiB fails with, given a twentieth of the default budget: tests are not optimised.
fn refused(declaration: &Declaration) -> String {
    use pawl_domain::{Recipe, TemplateSources};
    let mut budget = Budget::new(400_000, 3 << 20);
    let document = format!(r#"{{"key":{:?}}}"#, "a".repeat(1 << 10));
    let found = declaration
        .reads
        .iter()
        .map(|_| given::of(Provider::SecretsManager, given::fetched(document.clone())))
        .collect();
    let rendered = Recipe::of(declaration, &given::FUNCTIONS)
        .and_then(|recipe| recipe.render_within(&mut budget, &Values(found), &TemplateSources::default()));
    rendered.expect_err("it is refused").to_string()
}

fn rewriting(operations: impl IntoIterator<Item = (String, String)>) -> Declaration {
    let rewrite = operations.into_iter().map(|(source, target)| Rewrite::Regexp { source, target }).collect();
    given::reading([Read { into: Becomes::Every { conversion: None, rewrite }, ..given::read("k") }])
}

fn templated(text: &str) -> Declaration {
    let mut declaration = given::reading([given::read("k")]);
    let data = BTreeMap::from([("x".to_owned(), text.to_owned())]);
    declaration.target.template = Some(Template { data, ..Template::default() });
    declaration
}

#[test]
fn keys_that_a_rewrite_makes_longer_and_longer_are_refused() {
    let thrice = (0..3).map(|_| ("^(.*)$".to_owned(), "$1".repeat(4_000)));
    let often = (0..24).map(|_| ("(.*)".to_owned(), "$1$1$1$1".to_owned()));
    for declaration in [rewriting(thrice), rewriting(often)] {
        let error = refused(&declaration);
        assert!(error.contains("longer than 64 KiB") || error.contains("more steps"), "{error}");
    }
}

#[test]
fn patterns_that_take_long_to_compile_or_to_search_are_refused() {
    let large = (0..200).map(|number| (format!("[\\p{{L}}]{{900}}{number}"), String::new()));
    let error = refused(&rewriting(large));
    assert!(error.contains("too large"), "{error}");
    let slow = "{{ $s := repeat 4000 \"01\" }}{{ range 1000 }}{{ $_ := regexMatch \"[01]*1[01]{900}x\" $s }}{{ end }}";
    let error = refused(&templated(slow));
    assert!(error.contains("more steps"), "{error}");
}

#[test]
fn functions_that_take_long_are_paid_for_by_their_time() {
    for call in [
        "genPrivateKey \"rsa\"",
        "genPrivateKey \"dsa\"",
        "genPrivateKey \"ecdsa\"",
        "genCA \"a\" 1",
        "bcrypt \"x\"",
        "htpasswd \"a\" \"x\" \"bcrypt\"",
        "derivePassword 1 \"long\" \"p\" \"u\" \"s\"",
    ] {
        let error = refused(&templated(&format!("{{{{ range until 10000 }}}}{{{{ {call} }}}}{{{{ end }}}}")));
        assert!(error.contains("more steps"), "{call}: {error}");
    }
}

#[test]
fn lists_and_texts_that_grow_without_end_are_refused() {
    for text in [
        "{{ $l := list 1 }}{{ range until 200 }}{{ $l = concat $l $l }}{{ end }}",
        "{{ $s := .value }}{{ range until 200 }}{{ $s = cat $s $s }}{{ end }}",
        "{{ range until 100000 }}{{ $.value }}{{ end }}",
        "{{ range until 10000 }}{{ $_ := toYaml (list $.value $.value) }}{{ end }}",
    ] {
        let error = refused(&templated(text));
        assert!(error.contains("than allowed") || error.contains("too large"), "{text}: {error}");
    }
}

#[test]
fn all_templates_and_reads_of_a_declaration_share_one_budget() {
    let mut declaration = templated("");
    let loops = "{{ range until 9000 }}{{ . }}{{ end }}";
    declaration.target.template = Some(Template {
        data: (0..100).map(|number| (format!("x{number}"), loops.to_owned())).collect(),
        ..Template::default()
    });
    let error = refused(&declaration);
    assert!(error.contains("than allowed"), "{error}");

    let property = "{".to_owned() + &"a:@this|@pretty|@ugly,".repeat(50) + "b:key}";
    let remote = Remote { key: "k".into(), property: Some(property), ..Remote::default() };
    let read = |number| Read {
        query: Query::Key(remote.clone()),
        into: Becomes::Key(format!("v{number}")),
        ..given::read("k")
    };
    let error = refused(&given::reading((0..2_000).map(read)));
    assert!(error.contains("too complex") || error.contains("than allowed"), "{error}");
}

/// What would read the machine that Pawl runs on is not there, in whatever place a template may stand.
#[test]
fn templates_cannot_ask_the_machine() {
    use pawl_domain::declaration::{TemplateFrom, TemplateScope};
    let calls = [
        "env \"HOME\"",
        "expandenv \"$HOME\"",
        "getHostByName \"localhost\"",
        "lookup \"a\" \"b\"",
        "tpl \"a\" .",
        "readFile \"a\"",
    ];
    for call in calls {
        let text = format!("{{{{ {call} }}}}");
        let mut from = templated("");
        from.target.template = Some(Template {
            from: vec![TemplateFrom {
                config_map: None,
                secret: None,
                literal: Some(text.clone()),
                scope: TemplateScope::Data,
                decoding: pawl_domain::declaration::Decoding::None,
            }],
            ..Template::default()
        });
        let mut label = templated("");
        label.target.template = Some(Template {
            labels: BTreeMap::from([("x".to_owned(), text.clone())]),
            ..Template::default()
        });
        let rewrite = vec![Rewrite::Transform { template: text.clone() }];
        let rewritten =
            given::reading([Read { into: Becomes::Every { conversion: None, rewrite }, ..given::read("k") }]);
        for declaration in [templated(&text), from, label, rewritten] {
            let error = refused(&declaration);
            let name = call.split(' ').next().unwrap();
            assert!(error.contains(&format!("function {name:?} not defined")), "{call}: {error}");
        }
    }
}
