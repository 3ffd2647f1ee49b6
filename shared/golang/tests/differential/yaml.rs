use pawl_golang::base64::{Encoding, decode};
use pawl_golang::json::{self, Html, Tree};
use pawl_golang::yaml::{self, YamlError};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::json::{Change, changed, changes};
use super::oracle::{assert_none, bytes, modules, samples};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    /// Whether Go gives another answer each time.
    random: bool,
    exists: bool,
    text: Option<String>,
    error: String,
}

/// Documents as templates render them, and what people write by hand.
fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        6 => "[a-c0-2~.:_+-]{0,6}",
        2 => "[a-c #:,'\"!&*?|>%@\\\\{}\\[\\]-]{0,8}",
        2 => "\"([a-c :#]|\\\\[nt\"\\\\/exuUNL0 ]|\\\\x41|\\\\u00e9|\n |\\\\\n){0,6}\"",
        1 => "'([a-c :#\"]|''|\n ){0,5}'",
        2 => "[+-]?(0[xob]?)?[0-9a-f_]{0,6}(\\.[0-9_]{0,3})?([eE][+-]?[0-9]{1,3})?",
        2 => "(y|n|yes|No|on|OFF|true|False|null|~|\\.inf|-\\.INF|\\.nan|<<|=|1:30|1_0|0b11|-0b1|0o7|09)",
        1 => "20[0-9]{2}-[0-1]?[0-9]-[0-3]?[0-9]([Tt ][0-9]{1,2}:[0-9]{2}:[0-9]{1,2}(\\.[0-9]{1,2})?(Z|\\+0[0-9]:00)?)?",
        1 => "!!(str|int|float|bool|null|binary|timestamp|map|seq|set) [a-c0-9=]{0,4}",
        1 => "!([a-c]{0,2}|<[a-c:%4]{1,5}>|[ab]!x) [ab]?",
        1 => "[&*][ab] ?[a-c]{0,2}",
        1 => "[|>][+-]?[12]?[+-]?( #c)?\n( {1,4}[a-c: #]{0,4}\n| ?\n|\t\n){0,4}",
        1 => "[a-c]{1,2}(\n {0,3}[a-c:#]{0,3}){1,3}",
        1 => "\u{e9}|\u{2028}|\u{85}|\u{feff}|\u{1f600}",
    ];
    scalar.prop_recursive(4, 30, 4, |inner| {
        let flow_list = prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", ")));
        let flow_map = prop::collection::vec((inner.clone(), "(:|: )", inner.clone()), 0..3).prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(k, c, v)| format!("{k}{c}{v}")).collect();
            format!("{{{}}}", members.join(", "))
        });
        let indented = |text: &str, by: usize| text.replace('\n', &format!("\n{}", " ".repeat(by)));
        let block_list = (prop::collection::vec(inner.clone(), 1..4), 0_usize..3).prop_map(move |(items, by)| {
            items.iter().map(|item| format!("- {}\n", indented(item, by + 1))).collect::<String>()
        });
        let key = prop_oneof![3 => "[a-c0-2]{1,3}", 1 => "(<<|yes|~|0x1|1\\.0|\"a b\"|'c'|\\? a\n)", 1 => inner.clone()];
        let block_map = (prop::collection::vec((key, "(: |:|:\n  |: \n)", inner), 1..4), 0_usize..4)
            .prop_map(move |(members, by)| {
                members.iter().map(|(k, c, v)| format!("{k}{c}{}\n", indented(v, by))).collect::<String>()
            });
        prop_oneof![1 => flow_list, 1 => flow_map, 2 => block_list, 4 => block_map]
    })
}

fn yaml() -> impl Strategy<Value = Vec<u8>> {
    let sign = prop_oneof![20 => Just(""), 1 => Just("---\n"), 1 => Just("--- "), 1 => Just("%YAML 1.1\n---\n"), 1 => Just("# c\n\n")];
    let few = prop_oneof![2 => Just(Vec::<Change>::new()), 1 => changes()];
    let tail = prop_oneof![20 => Just(""), 1 => Just("\n---\nx: y"), 1 => Just("\n...\n"), 1 => Just("]")];
    (sign, document(), tail, few)
        .prop_map(|(sign, text, tail, few)| changed(format!("{sign}{text}{tail}"), few))
}

fn compare(subject: &str, count: usize, ours: impl Fn(&[u8]) -> Result<Vec<u8>, YamlError>) {
    let cases = samples(count, yaml());
    let questions: Vec<_> = cases.iter().map(|text| json!({"Yaml": bytes(text)})).collect();
    let Some(answers) = modules::<Answer>(subject, &questions) else { return };
    let mut differences = Vec::new();
    for (text, answer) in cases.iter().zip(answers) {
        if answer.random {
            continue;
        }
        let ours = ours(text);
        let theirs =
            answer.exists.then(|| decode(Encoding::Standard, answer.text.unwrap_or_default()).unwrap());
        // The tree has the character already that Go writes as an escape.
        let theirs =
            theirs.map(|json| String::from_utf8(json).unwrap().replace(r"\ufffd", "\u{fffd}").into_bytes());
        if ours.as_ref().ok() != theirs.as_ref() {
            let show = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).into_owned();
            differences.push(format!(
                "{:?}\n   {:?}\n   {:?} {}",
                String::from_utf8_lossy(text),
                ours.as_ref().map(show),
                theirs.as_ref().map(show),
                answer.error,
            ));
        }
    }
    assert_none(&differences, cases.len());
}

#[test]
fn documents_are_read_alike() {
    compare("yaml-read", 3_000, |text| {
        yaml::read(text).map(|tree| json::encode(&tree, Html::Escape).unwrap())
    });
}

#[test]
fn keys_and_texts_are_read_alike() {
    compare("yaml-map", 2_000, |text| {
        let members =
            yaml::read_strings(text)?.into_iter().map(|(key, value)| (key, Tree::Text(value))).collect();
        Ok(json::encode(&Tree::Map(members), Html::Escape).unwrap())
    });
}

/// Documents that are written, with texts that need care.
fn tree() -> impl Strategy<Value = serde_json::Value> {
    let text = prop_oneof![
        3 => "[a-c0-2 :#,'\"!&*?|>%@{}~=.<_+-]{0,8}",
        2 => "[a-c \n\t#:-]{0,8}",
        1 => "[ab \u{e9}\u{a0}\u{85}\u{2028}\u{feff}\u{1f600}\r\u{1}\u{7f}\u{fffe}]{0,4}",
        1 => "([a-c]{1,12} {1,2}){5,20}[a-c:#]{0,3}",
        1 => "(a{1,90} ?\n? ?){1,3}",
        2 => "(y|No|on|null|~|0x1F|1_0|1:30|-1:2:3.5|0o7|1e3|\\.5|\\.inf|2020-1-1|2020-01-01T1:2:3Z|<<|---|\\.\\.\\.)",
    ];
    let scalar = prop_oneof![
        4 => text.clone().prop_map(|text| json!(text)),
        1 => any::<f64>().prop_filter_map("finite", |value| value.is_finite().then(|| json!(value))),
        1 => (-2000_i64..2000, -3..9).prop_map(|(digits, power)| json!(digits as f64 * 10_f64.powi(power))),
        1 => any::<i64>().prop_map(|value| json!(value)),
        1 => any::<u64>().prop_map(|value| json!(value)),
        1 => Just(json!(null)),
        1 => any::<bool>().prop_map(|value| json!(value)),
    ];
    let key = prop_oneof![3 => "[a-cAB0-2_-]{0,4}", 1 => text, 1 => "a{120,135}", 1 => "[0-9a]{1,25}"];
    scalar.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

#[test]
fn trees_are_written_alike() {
    let cases: Vec<Tree> =
        samples(1_500, tree()).iter().map(|tree| json::decode(tree.to_string()).unwrap()).collect();
    let text = |tree: &Tree| String::from_utf8(json::encode(tree, Html::Keep).unwrap()).unwrap();
    let questions: Vec<_> = cases.iter().map(|tree| json!({"Json": bytes(text(tree))})).collect();
    let Some(answers) = modules::<Answer>("yaml-write", &questions) else { return };
    let mut differences = Vec::new();
    for (tree, answer) in cases.iter().zip(answers) {
        if answer.random {
            continue;
        }
        let ours = yaml::write(tree);
        let theirs = answer.exists.then(|| {
            String::from_utf8(decode(Encoding::Standard, answer.text.unwrap_or_default()).unwrap()).unwrap()
        });
        if ours.as_ref().ok() != theirs.as_ref() {
            differences.push(format!("{}\n   {ours:?}\n   {theirs:?} {}", text(tree), answer.error));
        }
    }
    assert_none(&differences, cases.len());
}
