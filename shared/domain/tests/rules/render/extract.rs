//! `dataFrom[].extract`: every member of an object becomes an entry, under a key that a Secret can have.

use super::{every, problem, rendered};
use crate::given::part;
use pawl_domain::declaration::KeyConversion::{self, Default, Unicode};
use pawl_domain::render::EntryProblem;

/// What an extract of the document gives, as `key=value` in key order, or which error.
fn extracted(conversion: KeyConversion, document: &str) -> Result<Vec<String>, &'static str> {
    rendered(every(conversion), document)
        .map(|data| data.into_iter().map(|(key, value)| format!("{key}={value}")).collect())
        .map_err(|error| match problem(error) {
            EntryProblem::NotAnObject { .. } => "not an object",
            EntryProblem::InvalidKey(_) | EntryProblem::RefusedKey(_) => "invalid key",
            EntryProblem::Collision { .. } => "collision",
            _ => "other",
        })
}

fn members(texts: &[&str]) -> Result<Vec<String>, &'static str> {
    Ok(texts.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn members_keep_their_exact_text() {
    for (document, want) in [
        (r#"{"user":"admin","pw":"p\"1\n\u00e9"}"#, members(&["pw=p\"1\n\u{e9}", "user=admin"])),
        (
            r#"{"n":1.50,"e":1E+3,"big":12345678901234567890}"#,
            members(&["big=12345678901234567890", "e=1E+3", "n=1.50"]),
        ),
        (r#"{"o":{ "b" : [1, 2], "a":1 },"l":[ ]}"#, members(&["l=[ ]", r#"o={ "b" : [1, 2], "a":1 }"#])),
        (r#"{"t":true,"f":false,"nil":null}"#, members(&["f=false", "nil=", "t=true"])),
        (r#"{"dup":1,"dup":"second"}"#, members(&["dup=second"])),
        (r#"{"":"dropped","kept":1}"#, members(&["kept=1"])),
        (r#"{"":"dropped"}"#, members(&[])),
        (" { } ", members(&[])),
        ("null", members(&[])),
        ("[]", Err("not an object")),
        ("\"text\"", Err("not an object")),
        ("1", Err("not an object")),
        ("", Err("not an object")),
        ("plain", Err("not an object")),
        (r#"{"a":1"#, Err("not an object")),
        (r#"{"a":1} x"#, Err("not an object")),
    ] {
        assert_eq!(extracted(Default, document), want, "{document}");
    }
}

#[test]
fn names_become_keys_that_a_secret_can_have() {
    let longest = "k".repeat(253);
    for (name, default, unicode) in [
        ("a-b.c_D9", Ok("a-b.c_D9"), Ok("a-b.c_D9")),
        ("a/b", Ok("a_b"), Ok("a_U002f_b")),
        ("/", Ok("_"), Ok("_U002f_")),
        ("a b", Ok("a_b"), Ok("a_U0020_b")),
        ("a\u{1f600}", Ok("a_"), Ok("a_U1f600_")),
        ("//", Ok("__"), Ok("_U002f__U002f_")),
        ("e\u{301}", Ok("e_"), Ok("e_U0301_")),
        // Letters and numbers of any script are kept, and a Secret cannot have them.
        ("\u{e9}", Err("invalid key"), Err("invalid key")),
        ("\u{65e5}\u{672c}", Err("invalid key"), Err("invalid key")),
        ("\u{bd}", Err("invalid key"), Err("invalid key")),
        (".a", Ok(".a"), Ok(".a")),
        (".", Err("invalid key"), Err("invalid key")),
        ("..", Err("invalid key"), Err("invalid key")),
        ("..a", Err("invalid key"), Err("invalid key")),
        (longest.as_str(), Ok(longest.as_str()), Ok(longest.as_str())),
        (&"k".repeat(254), Err("invalid key"), Err("invalid key")),
    ] {
        let document = serde_json::json!({ name: 1 }).to_string();
        for (conversion, want) in [(Default, default), (Unicode, unicode)] {
            let want = want.map(|key| vec![format!("{key}=1")]);
            assert_eq!(extracted(conversion, &document), want, "{name:?} {conversion:?}");
        }
    }
}

#[test]
fn two_names_never_become_one_key() {
    let document = r#"{"a/b":1,"a_b":2}"#;
    assert_eq!(extracted(Default, document), Err("collision"));
    assert_eq!(extracted(Unicode, document), members(&["a_U002f_b=1", "a_b=2"]));
    assert_eq!(extracted(Default, r#"{"a/b":1,"a b":2}"#), Err("collision"));
}

#[test]
fn a_property_may_name_the_object_raw_or_as_text() {
    let document = r#"{"raw":{"a":1},"text":"{\"b\":2}","plain":"x"}"#;
    let of = |property: &str| rendered(part(property, every(Default)), document);
    assert_eq!(of("raw").unwrap(), [("a".into(), "1".into())].into());
    assert_eq!(of("text").unwrap(), [("b".into(), "2".into())].into());
    assert!(matches!(of("plain").map_err(problem), Err(EntryProblem::NotAnObject { .. })));
    assert!(matches!(of("gone").map_err(problem), Err(EntryProblem::MissingProperty { .. })));
}
