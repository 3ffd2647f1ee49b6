//! Values to data: which entries a declaration's reads make, which values, and what errors say.

mod extract;
mod property;

use crate::given::{self, data, fetched, part, read, reading};
use pawl_domain::declaration::{DeletionPolicy, Into as Becomes, KeyConversion};
use pawl_domain::render::{Entry, EntryProblem};
use pawl_domain::{Found, Read, RenderError, SecretValue, Values};
use std::collections::BTreeMap;

/// What one read makes of one document: keys and values as text, or the error.
fn rendered(read: Read, document: impl Into<Vec<u8>>) -> Result<BTreeMap<String, String>, RenderError> {
    let rendered = given::rendered(&reading([read]), &Values(vec![fetched(document)]))?;
    let text = |value: &SecretValue| value.expose_str().unwrap().to_owned();
    Ok(rendered.data.iter().map(|(key, value)| (key.clone(), text(value))).collect())
}

/// What is wrong with the one entry.
fn problem(error: RenderError) -> EntryProblem {
    match error {
        RenderError::Entry { entry: Entry::Data { .. } | Entry::Extract { .. }, problem } => problem,
        other => panic!("{other}"),
    }
}

fn into(key: &str, read: Read) -> Read {
    Read { into: Becomes::Key(key.into()), ..read }
}

fn every(conversion: KeyConversion) -> Read {
    Read { into: Becomes::Every { conversion: Some(conversion), rewrite: Vec::new() }, ..read("app/db") }
}

#[test]
fn later_reads_win_over_earlier_ones() {
    let object = r#"{"user":"admin","pw":"p1"}"#;
    for (name, reads, values, want) in [
        ("nothing read", vec![], vec![], data(&[])),
        (
            "an entry over an extract",
            vec![every(KeyConversion::Default), into("pw", read("b"))],
            vec![fetched(object), fetched("p2")],
            data(&[("user", "admin"), ("pw", "p2")]),
        ),
        (
            "an extract over an extract",
            vec![every(KeyConversion::Default), every(KeyConversion::Default)],
            vec![fetched(object), fetched(r#"{"pw":"p3"}"#)],
            data(&[("user", "admin"), ("pw", "p3")]),
        ),
        (
            "the same entry twice",
            vec![into("pw", read("a")), into("pw", read("b"))],
            vec![fetched("p1"), fetched("p2")],
            data(&[("pw", "p2")]),
        ),
        (
            "a missing value covers nothing",
            vec![into("pw", read("a")), into("pw", read("b")), into("c", read("c"))],
            vec![fetched("p1"), Found::Missing, fetched("p3")],
            data(&[("pw", "p1"), ("c", "p3")]),
        ),
        (
            "values too few count as missing",
            vec![into("a", read("a")), into("b", read("b"))],
            vec![fetched("p1")],
            data(&[("a", "p1")]),
        ),
        ("an empty value is a value", vec![into("a", read("a"))], vec![fetched("")], data(&[("a", "")])),
    ] {
        let mut declaration = reading(reads);
        declaration.target.deletion = DeletionPolicy::Merge;
        assert_eq!(given::rendered(&declaration, &Values(values)).unwrap().data, want, "{name}");
    }
}

#[test]
fn binary_values_are_kept_byte_for_byte() {
    let bytes: Vec<u8> = (0..=255).collect();
    let rendered =
        given::rendered(&reading([read("app/key")]), &Values(vec![fetched(bytes.clone())])).unwrap();
    assert_eq!(rendered.data["value"].expose(), bytes);
}

#[test]
fn one_bad_read_fails_the_declaration_whole() {
    let reads = [into("a", read("a")), part("gone", read("b"))];
    let error = given::rendered(&reading(reads), &Values(vec![fetched("p1"), fetched("{}")])).unwrap_err();
    assert!(matches!(problem(error), EntryProblem::MissingProperty { key, .. } if key == "b"));
}

#[test]
fn errors_name_the_place_and_never_hold_a_value() {
    const CANARY: &str = "hunter2-canary";
    let property = |property: &str| part(property, read("app/db"));
    let in_an_object = format!(r#"{{"a":"{CANARY}","{CANARY}":1,"a/b":"{CANARY}","a_b":"{CANARY}"}}"#);
    let broken = format!(r#"{{"a":"{CANARY}""#);
    for (read, document) in [
        (property("b"), in_an_object.as_str()),
        (property("b"), CANARY),
        (property("a.b"), in_an_object.as_str()),
        (every(KeyConversion::Default), in_an_object.as_str()),
        (every(KeyConversion::Default), CANARY),
        (every(KeyConversion::Default), broken.as_str()),
        (every(KeyConversion::Default), r#"{"é":"hunter2-canary"}"#),
        (part("a", every(KeyConversion::Default)), in_an_object.as_str()),
    ] {
        let error = rendered(read, document).unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains(CANARY), "{text}");
            assert!(text.contains("spec.data[0]") && text.contains("app/db"), "{text}");
        }
    }
}
