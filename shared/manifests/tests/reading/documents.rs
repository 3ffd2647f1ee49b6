//! The manifests that the documents show are taken as they stand there.

use pawl_domain::Severity;
use pawl_domain::store::Home;
use pawl_manifests::{ParseOptions, parse};
use std::fs;
use std::path::{Path, PathBuf};

/// The blocks of YAML in a document with the line at which each begins, without the indentation that a list gives them.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let indent = line.len() - line.trim_start().len();
        if line.trim() == "```yaml" {
            let inside = lines.by_ref().map(|(_, line)| line).take_while(|line| line.trim() != "```");
            let block: Vec<&str> = inside.map(|line| line.get(indent..).unwrap_or_default()).collect();
            found.push((number + 1, block.join("\n")));
        }
    }
    found
}

/// The documents of a folder and of those below it.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    let own = files.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    own.chain(folders.iter().flat_map(|folder| documents(folder))).collect()
}

#[test]
fn every_example_in_the_documents_is_taken() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pages = [documents(&root.join("docs")), documents(&root.join("infra")), vec![root.join("README.md")]];
    let mut read = 0;
    for page in pages.concat() {
        let text = fs::read_to_string(&page).unwrap();
        let shown = page.strip_prefix(&root).unwrap().display().to_string();
        for (line, block) in blocks(&text) {
            let ours = block.contains("external-secrets.io/v1") || block.contains("pawl.dev/");
            // Some show a part of an object only.
            if !ours || !block.lines().any(|line| line.starts_with("kind:")) {
                continue;
            }
            let mut options = ParseOptions::new(Home::Applied);
            options.any_cluster = true;
            options.default_namespace = Some("shop".parse().unwrap());
            let found = parse(&block, &format!("{shown}:{line}"), &options);
            let errors = found.problems.iter().filter(|problem| problem.severity == Severity::Error);
            let errors: Vec<String> = errors.map(ToString::to_string).collect();
            assert!(errors.is_empty(), "{shown}:{line}: {}", errors.join("\n"));
            read += 1;
        }
    }
    assert!(read >= 6, "the examples were not found");
}

#[test]
fn blocks_are_found_within_lists() {
    let text = "1. a\n\n   ```yaml\n   a:\n     b: 1\n   ```\n```sh\nc\n```\n```yaml\nd: 2\n```\n";
    assert_eq!(blocks(text), [(3, "a:\n  b: 1".to_owned()), (10, "d: 2".to_owned())]);
}
