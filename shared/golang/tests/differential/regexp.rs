use pawl_golang::base64::{Encoding, decode};
use pawl_golang::regexp::{Regexp, RegexpError, quote_meta};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

use super::oracle::{assert_none, bytes, samples, stdlib};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    ok: bool,
    text: Option<String>,
    error: String,
}

type Results = Vec<Vec<String>>;

fn ours(regexp: &Regexp, text: &[u8], template: &[u8], limit: Option<usize>) -> Results {
    let all = |texts: Vec<&[u8]>| texts.into_iter().map(bytes).collect();
    vec![
        all(regexp.find_all(text, limit)),
        all(regexp.split(text, limit)),
        vec![
            bytes(regexp.find(text).unwrap_or_default()),
            bytes(regexp.replace_all(text, template)),
            bytes(regexp.replace_all_literal(usize::MAX, text, template).unwrap_or_default()),
            bytes(quote_meta(text)),
        ],
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        6 => "[abcA _é-]",
        2 => "\\.",
        2 => "\\\\[dDsSwWbBAz]",
        1 => "[$^]",
        1 => "\\\\(x[0-9a-f]{2}|x\\{[0-9a-f]{1,5}\\}|[0-7]{1,3}|[aftnrv]|[.*_{-]|p[LNPSZ]|P\\{\\^?(Lu|Greek|L-l|Letter|Any|ascii)\\}|[CGXZu])",
        2 => "\\[\\^?[]abc-]{0,3}(\\[:\\^?(alpha|digit|word|punct|nope):\\]|\\\\[dwSn]|\\\\pL|[a-c]-[a-e]|&&|~~|--|\\[)?[abc^-]{0,2}\\]",
        1 => "\\\\Q[a.*]{0,3}(\\\\E)?",
        1 => "[{}]|\\{,?[0-9]\\}|\\]",
        1 => "\\(\\?[imsU-]{0,3}\\)",
    ];
    let tree = atom.prop_recursive(4, 24, 4, |inner| {
        let open = prop_oneof![
            4 => "\\(",
            2 => "\\(\\?:",
            1 => "\\(\\?[imsU]{1,2}(-[imsU])?:",
            1 => "\\(\\?P?<[an1]>",
            1 => "\\(\\?[=!#P]?",
        ];
        let group = (open, inner.clone()).prop_map(|(open, inner)| format!("{open}{inner})"));
        let repeat =
            (inner.clone(), "([*+?]|\\{[0-3]\\}|\\{[0-2],[0-3]?\\}|\\{,2\\}|\\{1001\\}|\\{02\\})\\??")
                .prop_map(|(inner, sign)| format!("{inner}{sign}"));
        let either = prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join("|"));
        let chain = prop::collection::vec(inner, 1..4).prop_map(|parts| parts.concat());
        prop_oneof![2 => group, 3 => repeat, 1 => either, 4 => chain]
    });
    prop_oneof![9 => tree, 1 => "[]()\\[{}*+?|\\\\^$.a-c0-2:<>P=!i-]{0,8}"]
}

#[test]
fn patterns_are_read_and_used_alike() {
    let text = prop_oneof![
        8 => "[abcA _é.\n0-2{*-]{0,10}".prop_map(String::into_bytes),
        1 => "[a-cλΣſK٣\u{378}\u{fffd}]{0,6}".prop_map(String::into_bytes),
        2 => prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b' '), any::<u8>()], 0..8),
    ];
    let template = "([abx]|\\$[0-2a-z]|\\$\\{[0-2an]{0,2}\\}?|\\$\\$|\\$é|\\$1x|\\$){0,4}";
    let limit = prop_oneof![3 => Just(None), 1 => (0_usize..4).prop_map(Some)];
    let cases = samples(2_000, (pattern(), text, template, limit));
    let questions: Vec<_> = cases
        .iter()
        .map(|(pattern, text, template, limit)| {
            json!({
                "Pattern": bytes(pattern),
                "Text": bytes(text),
                "Template": bytes(template),
                "Limit": limit.map_or(-1, |limit| limit as i64),
            })
        })
        .collect();
    let Some(answers) = stdlib::<Answer>("regexp", &questions) else { return };
    let mut differences = Vec::new();
    for ((pattern, text, template, limit), answer) in cases.iter().zip(answers) {
        let regexp = Regexp::new(pattern);
        if regexp.as_ref().is_err_and(|error| *error == RegexpError::TooLarge) {
            continue;
        }
        let ours = regexp.as_ref().ok().map(|regexp| ours(regexp, text, template.as_bytes(), *limit));
        let theirs: Option<Results> = answer.ok.then(|| {
            serde_json::from_slice(&decode(Encoding::Standard, answer.text.unwrap_or_default()).unwrap())
                .unwrap()
        });
        if ours != theirs {
            let plain = |text: &String| {
                String::from_utf8_lossy(&decode(Encoding::Standard, text).unwrap()).into_owned()
            };
            let show = |results: &Option<Results>| {
                results.as_ref().map(|lists| {
                    lists.iter().map(|list| list.iter().map(plain).collect()).collect::<Vec<Vec<_>>>()
                })
            };
            differences.push(format!(
                "{pattern:?} on {:?} with {template:?} {limit:?}\n   {:?} {:?}\n   {:?} {}",
                String::from_utf8_lossy(text),
                show(&ours),
                regexp.err(),
                show(&theirs),
                answer.error,
            ));
        }
    }
    assert_none(&differences, cases.len());
}
