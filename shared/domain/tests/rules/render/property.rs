//! `remoteRef.property`: which part of a value it names, and which bytes that part gives.

use super::{problem, rendered};
use crate::given::{part, read};
use pawl_domain::render::EntryProblem;

const DOCUMENT: &str = r#"{"username":"admin","port":5432,"big":12345678901234567890,"neg":-0,"float":1.50,"exp":1e3,
"exp2":1E+21,"tiny":1e-7,"t":true,"f":false,"nil":null,"empty":"","list":["b","a",1,null],"elist":[],"eobj":{},
"nested":{"a":{"b":{"c":"deep"},"d.e":"dot"},"arr":[{"id":1,"n":"one"},{"id":2,"n":"two"}]},"dotted.key":"dk",
"a.b":{"c":"half"},"a":{"b":{"c":"path"}},"html":"<a href=\"x\">&","uni":"h\u00e9","ws":  { "x" :  [ 1 , 2 ] }  ,
"json":"{\"in\":1}","dup":1,"dup":2}"#;

/// What the property finds in the document: a text, or `None` where it does not exist.
fn found(property: &str, document: impl Into<Vec<u8>>) -> Option<String> {
    let read = part(property, read("app/db"));
    match rendered(read, document).map_err(problem) {
        Ok(mut data) => data.remove("value"),
        Err(EntryProblem::MissingProperty { .. }) => None,
        Err(other) => panic!("{property}: {other}"),
    }
}

#[test]
fn properties_give_the_bytes_that_eso_writes() {
    for (property, want) in [
        ("username", Some("admin")),
        ("port", Some("5432")),
        ("big", Some("12345678901234567890")),
        ("neg", Some("-0")),
        ("float", Some("1.5")),
        ("exp", Some("1000")),
        ("exp2", Some("1000000000000000000000")),
        ("tiny", Some("0.0000001")),
        ("t", Some("true")),
        ("f", Some("false")),
        ("nil", Some("")),
        ("empty", Some("")),
        ("list", Some(r#"["b","a",1,null]"#)),
        ("elist", Some("[]")),
        ("eobj", Some("{}")),
        ("ws", Some(r#"{ "x" :  [ 1 , 2 ] }"#)),
        ("html", Some(r#"<a href="x">&"#)),
        ("uni", Some("h\u{e9}")),
        ("json", Some(r#"{"in":1}"#)),
        ("dup", Some("1")),
        ("gone", None),
        ("USERNAME", None),
        ("username|@nosuch", None),
    ] {
        assert_eq!(found(property, DOCUMENT).as_deref(), want, "{property}");
    }
}

#[test]
fn a_dotted_property_is_a_name_first_and_a_path_second() {
    for (property, want) in [
        ("dotted.key", Some("dk")),
        ("a.b", Some(r#"{"c":"half"}"#)),
        ("a.b.c", Some("path")),
        (r"a\.b.c", Some("half")),
        ("nested.a.b.c", Some("deep")),
        (r"nested.a.d\.e", Some("dot")),
        ("nested.arr.1.n", Some("two")),
        ("nested.arr.#", Some("2")),
        ("nested.arr.#.n", Some(r#"["one","two"]"#)),
        ("nested.arr.#(id==2).n", Some("two")),
        ("nested.arr.#(id==9)#", Some("[]")),
        ("nested.a.gone", None),
        ("nested.arr.7.n", None),
    ] {
        assert_eq!(found(property, DOCUMENT).as_deref(), want, "{property}");
    }
}

/// A multipath exists even where its parts do not, so with its dots escaped it already is the answer.
#[test]
fn multipaths_with_dots_are_empty_as_in_eso() {
    for (property, want) in [
        ("[username,port]", Some(r#"["admin",5432]"#)),
        ("{username,port}", Some(r#"{"username":"admin","port":5432}"#)),
        ("[nested.a.b.c,nested.arr.#.id]", Some("[]")),
        ("nested.arr.#.id|@tostr", Some("")),
    ] {
        assert_eq!(found(property, DOCUMENT).as_deref(), want, "{property}");
    }
}

#[test]
fn an_empty_property_is_the_whole_value() {
    assert_eq!(found("", DOCUMENT).as_deref(), Some(DOCUMENT));
    assert_eq!(found("", "plain").as_deref(), Some("plain"));
}

#[test]
fn values_that_are_no_json_have_no_properties() {
    for document in [&b"plain"[..], b"", b"\xff\xfe\x00", b"[1,2]", b"\"username\"", b"null"] {
        assert_eq!(found("username", document), None, "{document:?}");
    }
}

#[test]
fn what_costs_too_much_to_find_is_not_taken_for_missing() {
    let read = part(format!("{}{}", "[".repeat(1000), "]".repeat(1000)), read("app/db"));
    assert!(
        matches!(rendered(read, DOCUMENT).map_err(problem), Err(EntryProblem::TooComplex { key, .. }) if key == "app/db")
    );
}
