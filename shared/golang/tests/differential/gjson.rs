use pawl_golang::base64::{Encoding, decode};
use pawl_golang::gjson;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::json::{changed, changes, document};
use super::oracle::{assert_none, bytes, modules, samples};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    panic: bool,
    exists: bool,
    text: Option<String>,
    raw: Option<String>,
}

fn plain(text: Option<&str>) -> Vec<u8> {
    decode(Encoding::Standard, text.unwrap_or_default()).unwrap()
}

fn compare(cases: &[(Vec<u8>, Vec<u8>)]) {
    let questions: Vec<_> =
        cases.iter().map(|(json, path)| json!({"Json": bytes(json), "Path": bytes(path)})).collect();
    let Some(answers) = modules::<Answer>("gjson", &questions) else { return };
    let mut differences = Vec::new();
    for ((json, path), answer) in cases.iter().zip(answers) {
        if answer.panic {
            continue;
        }
        let ours =
            gjson::get(json, path).unwrap().map(|value| (value.string().into_owned(), value.raw().to_vec()));
        let theirs = answer.exists.then(|| (plain(answer.text.as_deref()), plain(answer.raw.as_deref())));
        if ours != theirs {
            let show = |answer: &Option<(Vec<u8>, Vec<u8>)>| {
                answer.as_ref().map(|(text, raw)| {
                    (String::from_utf8_lossy(text).into_owned(), String::from_utf8_lossy(raw).into_owned())
                })
            };
            let (json, path) = (String::from_utf8_lossy(json), String::from_utf8_lossy(path));
            differences.push(format!("{path}   in   {json}\n   {:?}\n   {:?}", show(&ours), show(&theirs)));
        }
    }
    assert_none(&differences, cases.len());
}

fn path() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        8 => "[abc012]",
        3 => "#",
        1 => "[abc*?]{1,3}",
        1 => "(a\\\\\\.b|@x|\\\\@x|a\\\\\\*|\\\\#)",
        2 => "#\\([abc.]{0,2}(=|==|!=|<|<=|>|>=|%|!%|)(\"[abc*?]{0,2}\"|[0-9]{0,2}|true|~true|~false|~null|~\\*|)\\)#?",
        1 => "#\\([a-c]\\.#\\((=|%)\"?[a-c*]\"?\\)#?\\)#?",
        2 => "@(this|reverse|ugly|pretty|keys|values|join|flatten|tostr|fromstr|group|valid|nope)",
        1 => "@pretty:\\{\"(sortKeys\":true|indent\":\"\t\"|width\":[0-9]{1,2}|prefix\":\"  \")\\}",
        1 => "@(flatten:\\{\"deep\":true\\}|join:\\{\"preserve\":true\\}|dig:[abc]|keys:|this:x)",
        1 => "\\[[abc](\\.[abc#]){0,2},[abc]\\]",
        1 => "\\{(\"?[abc]\"?:)?[abc](\\.[abc#]){0,2},[abc]\\}",
        1 => "!(\"x\"|5|true|nan|\\[1\\]|\\{\"a\":1\\})",
    ];
    let separator = prop_oneof![5 => Just("."), 1 => Just("|"), 1 => Just("")];
    let lines = prop_oneof![20 => Just(""), 1 => Just("..")];
    (lines, prop::collection::vec((step, separator), 1..5)).prop_map(|(lines, steps)| {
        let mut path = lines.to_owned();
        for (place, (step, separator)) in steps.iter().enumerate() {
            if place > 0 {
                path.push_str(separator);
            }
            path.push_str(step);
        }
        path
    })
}

#[test]
fn documents_are_searched_alike() {
    let cases = samples(4_000, (document(), path()));
    compare(
        &cases.into_iter().map(|(json, path)| (json.into_bytes(), path.into_bytes())).collect::<Vec<_>>(),
    );
}

#[test]
fn broken_documents_and_paths_are_searched_alike() {
    let cases = samples(4_000, (document(), changes(), path(), changes()));
    let apply =
        |(json, json_changes, path, path_changes)| (changed(json, json_changes), changed(path, path_changes));
    compare(&cases.into_iter().map(apply).collect::<Vec<_>>());
}
