//! Commands that ask nobody: every folder in `tests/offline` has a command line, its files, and all that it prints.
//!
//! `PAWL_REGENERATE=1` writes what is printed in place of what is expected; look at the difference before keeping it.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use crate::pawl::command;
use std::fs;
use std::path::Path;

#[test]
fn every_command_prints_what_is_expected() {
    let mut wrong = Vec::new();
    let mut cases = 0;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/offline");
    for case in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        cases += 1;
        let printed = run(&case);
        let expected = case.join("expected.txt");
        if std::env::var_os("PAWL_REGENERATE").is_some() {
            fs::write(&expected, &printed).unwrap();
        }
        if fs::read_to_string(&expected).unwrap_or_default() != printed {
            wrong.push(format!("{}:\n{printed}", case.display()));
        }
        assert!(!case.join("pawl.db").exists(), "{}: a registry was made", case.display());
    }
    assert!(cases > 0);
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

fn run(case: &Path) -> String {
    let line = fs::read_to_string(case.join("command")).unwrap();
    let output = command(case, line.trim_start_matches("pawl ")).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    format!(
        "exit code {}\n\nstandard output:\n{}\nstandard error:\n{}",
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr)
    )
}
