//! Values to data: every file of `tests/render/<subject>/` is a table of cases, worded as ESO's manifests are. Its
//! `README.md` says how to add one.

mod case;
mod laws;
mod spec;

use crate::given::{self, fetched, part, read, reading};
use case::Case;
use pawl_domain::declaration::{Into as Becomes, KeyConversion, Rewrite};
use pawl_domain::{Found, Read, Values};
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn every_case_gives_what_its_table_says() {
    let (mut cases, mut wrong) = (0, Vec::new());
    let subjects = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/render");
    let folders = fs::read_dir(subjects).unwrap().map(|entry| entry.unwrap().path());
    for subject in folders.filter(|path| path.is_dir()) {
        for file in fs::read_dir(subject).unwrap() {
            let file = file.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            let table: Value =
                serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            for own in table["cases"].as_array().expect("a table has cases") {
                cases += 1;
                let at = format!("{}: {own}", file.display());
                match Case::of(&table["given"], own) {
                    Ok(case) if case.outcome() == case.expected() => {}
                    Ok(case) => {
                        let (got, want) = (case.outcome(), case.expected());
                        wrong.push(format!("{at}\nexpected {want:#?}\nbut is {got:#?}"));
                    }
                    Err(error) => wrong.push(format!("{at}\nis no case: {error}")),
                }
            }
        }
    }
    assert!(cases > 200, "the tables were not found");
    assert!(wrong.is_empty(), "{} of {cases} are wrong\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn binary_values_are_kept_byte_for_byte() {
    let bytes: Vec<u8> = (0..=255).collect();
    let values = Values(vec![fetched(bytes.clone())]);
    let rendered = given::rendered(&reading([read("app/key")]), &values).unwrap();
    assert_eq!(rendered.data["value"].expose(), bytes);
}

#[test]
fn a_search_does_not_answer_a_read_of_one_key() {
    let found = Found::Many([("a".to_owned(), one(fetched("v")))].into());
    let error = given::rendered(&reading([read("app/key")]), &Values(vec![found])).unwrap_err();
    assert!(error.to_string().contains("Secret does not exist"), "{error}");
}

#[test]
fn values_too_few_count_as_missing() {
    let error = given::rendered(&reading([read("app/key")]), &Values::default()).unwrap_err();
    assert!(error.to_string().contains("Secret does not exist"), "{error}");
}

#[test]
fn what_costs_too_much_to_find_is_not_taken_for_missing() {
    let property = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let reading = reading([part(property, read("app/db"))]);
    let error = given::rendered(&reading, &Values(vec![fetched("{}")])).unwrap_err();
    assert!(error.to_string().contains("is too complex for secret app/db"), "{error}");
}

#[test]
fn errors_name_the_place_and_never_hold_a_value() {
    const CANARY: &str = "hunter2-canary";
    let every = |rewrite| Read {
        into: Becomes::Every { conversion: Some(KeyConversion::Default), rewrite },
        ..read("app/db")
    };
    let merged = || every(vec![Rewrite::Merge(Default::default())]);
    let coded = |read| Read { decoding: pawl_domain::declaration::Decoding::Base64, ..read };
    let in_an_object = format!(r#"{{"a":"{CANARY}","{CANARY}":1,"a/b":"{CANARY}","a_b":"{CANARY}"}}"#);
    let broken = format!(r#"{{"a":"{CANARY}""#);
    for (read, document) in [
        (part("b", read("app/db")), in_an_object.as_str()),
        (part("b", read("app/db")), CANARY),
        (part("a.b", read("app/db")), in_an_object.as_str()),
        (coded(read("app/db")), CANARY),
        (coded(every(vec![])), in_an_object.replace("a/b", "c").as_str()),
        (every(vec![]), in_an_object.as_str()),
        (every(vec![]), CANARY),
        (every(vec![]), broken.as_str()),
        (every(vec![]), r#"{"é":"hunter2-canary"}"#),
        (part("a", every(vec![])), in_an_object.as_str()),
        (merged(), r#"{"a":{"x":"hunter2-canary"},"b":{"x":"hunter2-canary"}}"#),
        (merged(), in_an_object.as_str()),
    ] {
        let error = given::rendered(&reading([read]), &Values(vec![fetched(document)])).unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains(CANARY), "{text}");
            assert!(text.contains("spec.data[0]") && text.contains("app/db"), "{text}");
        }
    }
}

/// The value alone.
fn one(found: Found) -> std::sync::Arc<pawl_domain::Fetched> {
    match found {
        Found::One(fetched) => fetched,
        other => panic!("{other:?} is not one value"),
    }
}
