use pawl_golang::base64::{Encoding, decode, encode};
use pawl_golang::json::{self, Html, Tree};
use proptest::prelude::*;
use proptest::sample::Index;
use serde::Deserialize;

use super::oracle::{assert_none, bytes, samples, stdlib};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    ok: bool,
    text: Option<String>,
}

/// JSON of the kind that secrets hold, small enough that paths hit.
pub(crate) fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "\"[abc*?.|#@0-2]{0,3}\"",
        "\"(a|b|\\\\n|\\\\\"|\\\\\\\\|\\\\u00e9|\\\\ud83d|\\\\ude00|<){0,4}\"",
        "-?[0-9]{1,4}",
        "-?[0-9]{1,2}\\.[0-9]{1,3}([eE][+-]?[0-9])?",
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("null".to_owned()),
        Just("9007199254740993".to_owned()),
        Just("1e400".to_owned()),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        let space = "[ \n]{0,1}";
        let list = prop::collection::vec((space, inner.clone()), 0..4).prop_map(|items| {
            format!("[{}]", items.iter().map(|(s, v)| format!("{s}{v}{s}")).collect::<Vec<_>>().join(","))
        });
        let member = ("([abc012]|a\\.b|@x|#|a\\*|\\\\u0061|\\\\n)", space, inner);
        let object = prop::collection::vec(member, 0..4).prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(k, s, v)| format!("{s}\"{k}\"{s}:{s}{v}")).collect();
            format!("{{{}}}", members.join(","))
        });
        prop_oneof![list, object]
    })
}

/// A place in a text, what is put in there, and how many bytes are taken out.
pub(crate) type Change = (Index, String, usize);

pub(crate) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = (any::<Index>(), "[\\[\\]{}\",:\\\\abtfnu0-9.#@|!*()e+ -]{0,2}", 0_usize..3);
    prop::collection::vec(change, 0..3)
}

pub(crate) fn changed(text: String, changes: Vec<Change>) -> Vec<u8> {
    let mut text = text.into_bytes();
    for (at, insert, remove) in changes {
        let at = at.index(text.len() + 1);
        let end = (at + remove).min(text.len());
        text.splice(at..end, insert.bytes());
    }
    text
}

fn compare(subject: &str, ours: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let text = prop_oneof![
        4 => (document(), changes()).prop_map(|(text, changes)| changed(text, changes)),
        1 => "\"(\\\\u(d8|dc|00)[0-9a-f]{2}|\\\\[bfnrt/\"x]|[<>&\u{2028}\u{7f}\u{1}é]){0,6}\"".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| [b"\"", &bytes[..], b"\""].concat()),
        1 => any::<f64>().prop_map(|value| format!("[{value:e}]").into_bytes()),
    ];
    let cases = samples(6_000, text);
    let questions: Vec<_> = cases.iter().map(|text| serde_json::json!({"Text": bytes(text)})).collect();
    let Some(answers) = stdlib::<Answer>(subject, &questions) else { return };
    let mut differences = Vec::new();
    for (text, answer) in cases.iter().zip(answers) {
        let ours = ours(text);
        let theirs = answer.ok.then(|| decode(Encoding::Standard, answer.text.unwrap_or_default()).unwrap());
        if ours != theirs {
            let show = |bytes: &Option<Vec<u8>>| {
                bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            };
            differences.push(format!(
                "{:?}\n   {:?}\n   {:?}",
                String::from_utf8_lossy(text),
                show(&ours),
                show(&theirs)
            ));
        }
    }
    assert_none(&differences, cases.len());
}

#[test]
fn documents_are_read_and_written_alike() {
    compare("json-tree", |text| {
        let tree = json::decode(text).ok()?;
        let forms = [
            json::encode(&tree, Html::Escape),
            json::encode(&tree, Html::Keep),
            Ok(json::indent(text, "  ")),
        ];
        Some(forms.map(Result::unwrap).join(&0))
    });
}

#[test]
fn objects_are_taken_apart_alike() {
    compare("json-object", |text| {
        let members = json::object_to_raw(text).ok()?;
        let text = |value: Vec<u8>| Tree::Text(encode(Encoding::Standard, value).into_bytes());
        let members = members.into_iter().map(|(key, value)| (key, text(value))).collect();
        Some(json::encode(&Tree::Map(members), Html::Escape).unwrap())
    });
}
