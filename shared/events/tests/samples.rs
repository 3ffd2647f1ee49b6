//! Every sample in `events/` against its whole outcome in `snapshots/`, and against the table in `events/README.md`.
//!
//! A new sample needs a row in the table, whose text the failing test prints, and a snapshot: run the test with
//! `INSTA_UPDATE=always` and read what it wrote.

use crate::common::{Sample, files, folder, samples};
use pawl_domain::change::Extent;
use pawl_domain::{Change, Moved};
use pawl_events::{Error, changes, to_json};
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_sample_has_its_outcome() {
    for sample in samples() {
        let outcome = match changes(&sample.body) {
            Ok(changes) => json!({ "changes": changes }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(format!("snapshots/{}", sample.sender));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_json_snapshot!(sample.case, outcome));
    }
}

#[test]
fn every_outcome_has_its_sample() {
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let names: BTreeSet<String> = samples().iter().map(Sample::name).collect();
    for path in files(&snapshots, "snap") {
        let name = path.strip_prefix(&snapshots).unwrap().with_extension("");
        let name = name.to_str().unwrap();
        assert!(names.contains(name), "{} is of no sample; delete it", path.display());
    }
    assert_eq!(files(&snapshots, "new"), Vec::<std::path::PathBuf>::new(), "accept or delete these");
}

#[test]
fn the_readme_tells_each_outcome() {
    let readme = std::fs::read_to_string(folder().join("README.md")).unwrap();
    let rows: BTreeSet<String> = readme.lines().filter(|line| line.starts_with("| [")).map(ends).collect();
    let wanted: BTreeSet<String> = samples().iter().map(row).collect();
    let missing: Vec<_> = wanted.difference(&rows).collect();
    let wrong: Vec<_> = rows.difference(&wanted).collect();
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "events/README.md lacks {missing:#?}\nand has {wrong:#?}"
    );
}

#[test]
fn changes_survive_the_way_through_pawls_own_event() {
    let all: Vec<Change> =
        samples().iter().filter_map(|sample| changes(&sample.body).ok()).flatten().collect();
    assert!(all.len() > 50, "only {} changes in all samples", all.len());
    for change in all {
        assert_eq!(changes(to_json(&change).as_bytes()), Ok(vec![change]));
    }
}

/// A row of the table without its middle, which is prose.
fn ends(line: &str) -> String {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    assert_eq!(cells.len(), 5, "three cells wanted: {line}");
    format!("| {} | … | {} |", cells[1], cells[3])
}

fn row(sample: &Sample) -> String {
    let Sample { sender, case, .. } = sample;
    format!("| [{case}]({sender}/{case}.json) | … | {} |", outcome(&sample.body))
}

fn outcome(body: &[u8]) -> String {
    match changes(body) {
        Ok(changes) if changes.is_empty() => "nothing".to_owned(),
        Ok(changes) => changes.iter().map(told).collect::<Vec<_>>().join("; "),
        Err(Error::Unknown { .. }) => "**unknown**".to_owned(),
        Err(Error::Malformed { .. } | Error::TooLarge { .. }) => "**malformed**".to_owned(),
    }
}

fn told(change: &Change) -> String {
    let moved = match &change.moved {
        Moved::Current => "current".to_owned(),
        Moved::Label(label) => format!("label {label}"),
        Moved::SomeLabel => "some label".to_owned(),
        Moved::Existence => "existence".to_owned(),
        Moved::Metadata => "metadata".to_owned(),
    };
    let version = change.version.as_ref().filter(|_| change.location.region.is_empty());
    let place = match (change.location.region.as_str(), version) {
        ("", Some(version)) => format!(" in version {version}"),
        ("", None) => String::new(),
        (region, _) => format!(" in {region}"),
    };
    let all = if change.extent == Extent::Under { "every key under " } else { "" };
    format!("{moved} of {all}`{}`{place}", change.key())
}
