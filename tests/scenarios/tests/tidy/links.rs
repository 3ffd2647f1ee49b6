//! What documents say leads somewhere: files, headings, and every page from the list of pages.

use super::{files, root, shown};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The texts and targets of a document's links, `[text](target)` and `![text](target)`, outside of code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // What stands between backquotes is code, unless it is the text of a link.
        let mut rest = line;
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, behind)) = after.split_once(')') else { break };
            found.push(target.to_owned());
            rest = behind;
        }
    }
    found
}

/// The names by which a document's headings are linked, as GitHub and mdBook make them.
fn headings(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        let title = line.trim_start_matches('#');
        if fenced || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let kept =
            title.trim().chars().filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_'));
        found.insert(kept.collect::<String>().to_lowercase().replace(' ', "-"));
    }
    found
}

/// A path without `..`, for files that need not be there.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let documents = files(&root(), ".md");
    assert!(documents.len() > 20, "the documents were not found");
    let mut broken = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(document).unwrap();
        for link in links(&text) {
            let foreign = link.contains("://") || link.starts_with("mailto:") || link.starts_with('<');
            if foreign || link.split(' ').next().is_none_or(str::is_empty) {
                continue;
            }
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target =
                if path.is_empty() { document.clone() } else { plain(&document.with_file_name(path)) };
            let known = if target.extension().is_some_and(|ending| ending == "md") {
                let there = fs::read_to_string(&target).map(|text| headings(&text));
                there.is_ok_and(|headings| heading.is_empty() || headings.contains(heading))
            } else {
                target.exists()
            };
            if !known {
                broken.push(format!("{}: {link}", shown(document)));
            }
        }
    }
    assert!(broken.is_empty(), "these lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_page_is_in_the_list_of_pages_once() {
    let docs = root().join("docs");
    let summary = docs.join("SUMMARY.md");
    let listed: Vec<PathBuf> =
        links(&fs::read_to_string(&summary).unwrap()).iter().map(|link| plain(&docs.join(link))).collect();
    let pages = files(&docs, ".md").into_iter().chain(files(&root().join("infra"), ".md"));
    for page in pages.filter(|page| *page != summary) {
        let times = listed.iter().filter(|each| **each == page).count();
        assert_eq!(times, 1, "docs/SUMMARY.md names {} so often", shown(&page));
    }
}

#[test]
fn headings_are_linked_as_readers_see_them() {
    let text = "# `PAWL-X-…`: one, two\n```sh\n# no heading\n```\n## A new-version (2)\n";
    let found: Vec<String> = headings(text).into_iter().collect();
    assert_eq!(found, ["a-new-version-2", "pawl-x--one-two"]);
    assert_eq!(links("[a](b.md#c) and [`d`](e)\n```\n[f](g)\n```"), ["b.md#c", "e"]);
}

/// What is documented of each runbook is carried out by a test of that name.
#[test]
fn every_test_that_a_runbook_names_is_there() {
    let text = fs::read_to_string(root().join("docs/runbooks.md")).unwrap();
    let mut named = 0;
    for line in text.lines().filter(|line| line.starts_with("Test")) {
        let code: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
        let (paths, names): (Vec<&str>, Vec<&str>) = code.into_iter().partition(|word| word.contains('/'));
        let tests: String = paths.iter().map(|path| fs::read_to_string(root().join(path)).unwrap()).collect();
        for name in names {
            assert!(tests.contains(&format!("fn {name}(")), "{name} is in none of {paths:?}");
            named += 1;
        }
    }
    assert!(named >= 4, "the tests were not found");
}
