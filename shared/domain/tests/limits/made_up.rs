//! Declarations that a die makes: programs of loops, growth and functions over one another's results.

use crate::case::{Case, found, found_in, literal, object, property, read};
use crate::{Cost, fewer, part};
use pawl_domain::declaration::{
    Decoding, Into as Becomes, KeyConversion, Merge, OnConflict, Rewrite, Template, TemplateAs,
};
use pawl_domain::{Found, Provider, Read};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::time::{Duration, Instant};

/// Something to work on: variables that every program has, numbers and texts.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop_oneof![Just("$a"), Just("$b"), Just("$c"), Just("$d"), Just("$.text"), Just(".")].prop_map(str::to_owned),
        2 => prop_oneof![Just("0"), Just("1"), Just("7"), Just("1000"), Just("1000000"), Just("-1"), Just("1e300"), Just("nil")]
            .prop_map(str::to_owned),
        2 => "\"[-a-c:,{}\\[\\] %]{0,6}\"",
        1 => Just("\"%5000d%v\"".to_owned()),
    ]
}

const ONE: &[&str] = &[
    "len",
    "print",
    "html",
    "js",
    "urlquery",
    "not",
    "upper",
    "title",
    "snakecase",
    "camelcase",
    "shuffle",
    "quote",
    "squote",
    "b64enc",
    "b64dec",
    "b32enc",
    "b32dec",
    "hexdec",
    "sha256sum",
    "sha512sum",
    "fromJson",
    "toJson",
    "toPrettyJson",
    "toRawJson",
    "fromYaml",
    "toYaml",
    "deepCopy",
    "uniq",
    "compact",
    "reverse",
    "rest",
    "initial",
    "first",
    "last",
    "keys",
    "values",
    "toStrings",
    "sortAlpha",
    "toString",
    "until",
    "randAlpha",
    "randBytes",
    "genPrivateKey",
    "bcrypt",
    "trim",
    "initials",
    "nospace",
    "adler32sum",
    "urlParse",
    "semver",
    "regexQuoteMeta",
    "certSANs",
    "jwkPublicKeyPem",
    "float64",
    "int",
    "toDecimal",
    "empty",
    "typeOf",
    "pkcs12key",
    "duration",
    "base",
    "dir",
    "clean",
];
const TWO: &[&str] = &[
    "list",
    "dict",
    "concat",
    "append",
    "prepend",
    "cat",
    "printf",
    "join",
    "split",
    "splitList",
    "repeat",
    "eq",
    "ne",
    "lt",
    "deepEqual",
    "has",
    "without",
    "chunk",
    "slice",
    "index",
    "merge",
    "mergeOverwrite",
    "default",
    "coalesce",
    "contains",
    "trimAll",
    "indent",
    "nindent",
    "trunc",
    "wrap",
    "abbrev",
    "mulf",
    "divf",
    "addf",
    "add",
    "mul",
    "date",
    "dateModify",
    "seq",
    "encryptAES",
    "decryptAES",
    "regexMatch",
    "regexFind",
    "semverCompare",
    "filterPEM",
    "pick",
    "omit",
    "get",
    "hasKey",
    "pluck",
    "genCA",
    "and",
    "or",
    "htpasswd",
];
const THREE: &[&str] = &[
    "set",
    "replace",
    "regexReplaceAll",
    "regexReplaceAllLiteral",
    "regexFindAll",
    "regexSplit",
    "list",
    "dict",
    "printf",
    "substr",
    "wrapWith",
    "untilStep",
    "dig",
    "ternary",
    "concat",
    "cat",
];

/// A call, whose arguments may be calls.
fn call() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![3 => value(), 1 => pattern()];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (proptest::sample::select(ONE), inner.clone()).prop_map(|(name, a)| format!("({name} {a})")),
            (proptest::sample::select(TWO), inner.clone(), inner.clone())
                .prop_map(|(name, a, b)| format!("({name} {a} {b})")),
            (proptest::sample::select(THREE), inner.clone(), inner.clone(), inner)
                .prop_map(|(name, a, b, c)| format!("({name} {a} {b} {c})")),
        ]
    })
}

fn pattern() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        Just("a"),
        Just("."),
        Just("[a-z]"),
        Just("\\\\pL"),
        Just("(a|b)"),
        Just("(.*)"),
        Just("(?i)k"),
        Just("\\\\b"),
        Just("(a?)"),
        Just("^")
    ];
    let repeated =
        prop_oneof![Just(""), Just("*"), Just("+?"), Just("{50}"), Just("{900}"), Just("{0,300}"), Just("?")];
    vec((atom, repeated), 1..5).prop_map(|parts| {
        format!(
            "\"{}\"",
            parts.into_iter().map(|(atom, repeated)| format!("{atom}{repeated}")).collect::<String>()
        )
    })
}

/// Statements, one within the other.
fn statement() -> impl Strategy<Value = String> {
    let variable = || prop_oneof![Just("$a"), Just("$b"), Just("$c"), Just("$d")];
    let leaf = prop_oneof![
        5 => (variable(), call()).prop_map(|(name, call)| format!("{{{{ {name} = {call} }}}}")),
        2 => call().prop_map(|call| format!("{{{{ $_ := {call} }}}}")),
        1 => call().prop_map(|call| format!("{{{{ {call} }}}}")),
        1 => call().prop_map(|call| format!("{{{{ template \"t\" {call} }}}}")),
        1 => Just("{{ range until 60 }}{{ $a = list $a $b }}{{ end }}".to_owned()),
        1 => Just("{{ range until 16 }}{{ $d = dict \"a\" $d \"b\" $d }}{{ end }}".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let body = vec(inner, 1..4).prop_map(|all| all.concat());
        prop_oneof![
            (1_u32..10_000_000, body.clone())
                .prop_map(|(times, body)| format!("{{{{ range $i := {times} }}}}{body}{{{{ end }}}}")),
            (call(), body.clone())
                .prop_map(|(call, body)| format!("{{{{ range {call} }}}}{body}{{{{ end }}}}")),
            (call(), body.clone())
                .prop_map(|(call, body)| format!("{{{{ with {call} }}}}{body}{{{{ end }}}}")),
            (call(), body.clone()).prop_map(|(call, body)| format!(
                "{{{{ if {call} }}}}{body}{{{{ else }}}}{{{{ $c = $a }}}}{{{{ end }}}}"
            )),
            body.prop_map(|body| format!("{}{body}{}", "{{ if true }}".repeat(46), "{{ end }}".repeat(46))),
        ]
    })
}

fn program() -> impl Strategy<Value = String> {
    let inner = vec(statement(), 1..5);
    (vec(statement(), 0..2), inner).prop_map(|(defined, body)| {
        let start = "{{ $a := .text }}{{ $b := list 1 \"a\" }}{{ $c := 3 }}{{ $d := dict \"a\" 1 }}";
        format!("{{{{ define \"t\" }}}}{start}{}{{{{ end }}}}{start}{}", defined.concat(), body.concat())
            .replace("{{ define \"t\" }}{{ $a := .text }}", "{{ define \"t\" }}{{ $a := . }}")
    })
}

fn document() -> impl Strategy<Value = String> {
    let member = prop_oneof![
        Just("1".to_owned()),
        Just("\"a\"".to_owned()),
        Just("[[],[],{}]".to_owned()),
        Just(format!("\"{}\"", "é".repeat(300))),
        Just(format!("\"{}\"", object(50, "1").replace('"', "\\\""))),
        (1_usize..400).prop_map(|depth| "[".repeat(depth) + &"]".repeat(depth)),
    ];
    prop_oneof![
        6 => (1_usize..3_000, member).prop_map(|(members, value)| object(members, &value)),
        1 => (1_usize..60_000).prop_map(|length| format!("{{\"{}\":\"x\"}}", "k".repeat(length))),
        1 => (1_usize..60_000).prop_map(|length| "a".repeat(length)),
    ]
}

fn rewrite() -> impl Strategy<Value = Rewrite> {
    let bare = |quoted: String| quoted.trim_matches('"').replace("\\\\", "\\");
    let target = prop_oneof![Just("$1"), Just("$0$0"), Just("$1$1$1$1"), Just("x"), Just("")];
    prop_oneof![
        4 => (pattern().prop_map(bare), target, 1_usize..3_000)
            .prop_map(|(source, target, times)| Rewrite::Regexp { source, target: target.repeat(times) }),
        2 => program().prop_map(|template| Rewrite::Transform { template: template.replace(".text", ".value") }),
        1 => (proptest::option::of(Just("all".to_owned())), any::<bool>()).prop_map(|(into, ignore)| Rewrite::Merge(Merge {
            into,
            priority: Vec::new(),
            ignore_missing_priority: true,
            on_conflict: if ignore { OnConflict::Ignore } else { OnConflict::Error },
        })),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("k1"),
        Just("*"),
        Just("#"),
        Just("@this"),
        Just("@pretty"),
        Just("@ugly"),
        Just("@reverse"),
        Just("@keys"),
        Just("@values"),
        Just("@flatten"),
        Just("@tostr"),
        Just("@fromstr"),
        Just("[@this,@this]"),
        Just("{\"a\":@this,\"b\":@this}"),
        Just("#(>1)#"),
        Just("*a*a*a*")
    ];
    vec((part, prop_oneof![Just("."), Just("|")]), 1..30)
        .prop_map(|parts| parts.into_iter().map(|(part, sign)| format!("{part}{sign}")).collect())
}

fn a_read() -> impl Strategy<Value = Read> {
    let decoding = prop_oneof![Just(Decoding::None), Just(Decoding::Auto), Just(Decoding::Base64)];
    let conversion =
        proptest::option::of(prop_oneof![Just(KeyConversion::Default), Just(KeyConversion::Unicode)]);
    let every = (conversion, vec(rewrite(), 0..4))
        .prop_map(|(conversion, rewrite)| read(Becomes::Every { conversion, rewrite }));
    let one = (path(), "[a-c]{1,3}").prop_map(|(path, key)| property(path, key));
    (prop_oneof![every, one], decoding).prop_map(|(read, decoding)| Read { decoding, ..read })
}

fn values() -> impl Strategy<Value = Found> {
    let provider =
        prop_oneof![Just(Provider::SecretsManager), Just(Provider::ParameterStore), Just(Provider::Vault)];
    prop_oneof![
        8 => (provider, document()).prop_map(|(provider, document)| found_in(provider, document)),
        1 => btree_map("[a-c/é]{1,9}", document(), 0..60).prop_map(|all| {
            Found::Many(all.into_iter().filter_map(|(name, document)| match found(document) {
                Found::One(one) => Some((name, one)),
                _ => None,
            }).collect())
        }),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let templated =
        (vec(program(), 0..4), vec(program(), 0..3), any::<bool>()).prop_map(|(data, from, merge)| {
            let data =
                data.into_iter().enumerate().map(|(number, text)| (format!("x{number}"), text)).collect();
            Case::with(
                "a template",
                Template {
                    data,
                    from: from.into_iter().map(literal).collect(),
                    merge,
                    ..Template::default()
                },
            )
        });
    let objects = (program(), any::<bool>()).prop_map(|(text, all)| {
        Case::in_object("an object", text, if all { TemplateAs::KeysAndValues } else { TemplateAs::Values })
    });
    let reads = vec((a_read(), values()), 1..8).prop_flat_map(|entries| {
        (Just(entries), 1_usize..100).prop_map(|(entries, times)| {
            let (reads, values): (Vec<Read>, Vec<Found>) = entries.into_iter().unzip();
            Case::reading("reads", repeated(reads, times), repeated(values, times))
        })
    });
    prop_oneof![5 => templated, 1 => objects, 3 => reads]
}

fn repeated<T: Clone>(all: Vec<T>, times: usize) -> Vec<T> {
    let count = all.len() * times;
    all.iter().cloned().cycle().take(count).collect()
}

/// Tries so many cases of this seed; a case that breaks the limits is made as small as it can be.
fn tried(seed: u64, cases: u32, parts: u32) -> Result<(), String> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let outcome = runner.run(&case(), |case| match Cost::of(&case, part(parts)).complaint(&case, parts) {
        None => Ok(()),
        Some(complaint) => Err(TestCaseError::fail(complaint)),
    });
    match outcome {
        Ok(()) => Ok(()),
        Err(TestError::Fail(reason, case)) => Err(format!("seed {seed}: {reason}\n{case:?}")),
        Err(TestError::Abort(reason)) => Err(format!("seed {seed}: {reason}")),
    }
}

#[test]
fn what_a_die_makes_keeps_to_the_limits() {
    tried(1, 60, fewer(1, 80)).unwrap();
}

/// `SEED` and `SECONDS` say where to begin and how long to go on.
#[test]
#[ignore = "takes as long as it is told to: make soak"]
fn nothing_that_a_die_makes_breaks_the_limits() {
    let given = |name| std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok());
    let (first, limit) = (given("SEED").unwrap_or(1), Duration::from_secs(given("SECONDS").unwrap_or(300)));
    let (began, mut broken) = (Instant::now(), Vec::new());
    let mut seed = first;
    while began.elapsed() < limit {
        broken.extend(tried(seed, 20, fewer(1, 80)).err());
        seed += 1;
    }
    println!("{} cases, seeds {first} to {}", (seed - first) * 20, seed - 1);
    assert!(broken.is_empty(), "{} seeds break the limits:\n{}", broken.len(), broken.join("\n\n"));
}
