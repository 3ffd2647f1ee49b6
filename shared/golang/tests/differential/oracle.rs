//! Go programs that answer questions, one JSON line for each JSON line.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use pawl_golang::base64::{Encoding, encode};
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How long Go may take to build a program, downloads included, and to answer.
const PATIENCE: Duration = Duration::from_secs(180);

/// The program for the standard library.
pub(crate) fn stdlib<A: DeserializeOwned>(subject: &str, questions: &[Value]) -> Option<Vec<A>> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle");
    ask(PROGRAM.get_or_init(|| build(&source, "stdlib.go", "oracle-stdlib")), subject, questions)
}

/// The program for the modules that ESO uses.
pub(crate) fn modules<A: DeserializeOwned>(subject: &str, questions: &[Value]) -> Option<Vec<A>> {
    static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/modules");
    ask(PROGRAM.get_or_init(|| build(&source, ".", "oracle-modules")), subject, questions)
}

/// The same values on every run.
pub(crate) fn samples<T: std::fmt::Debug>(count: usize, strategy: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Bytes as Go's `encoding/json` reads them.
pub(crate) fn bytes(bytes: impl AsRef<[u8]>) -> String {
    encode(Encoding::Standard, bytes)
}

fn build(source: &Path, what: &str, name: &str) -> Result<PathBuf, String> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let build = Command::new("go")
        .args(["build", "-o"])
        .args([program.as_os_str(), what.as_ref()])
        .current_dir(source)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut build = build.map_err(|error| format!("go cannot be started: {error}"))?;
    if wait(&mut build)? {
        return Ok(program);
    }
    let mut reason = String::new();
    if let Some(mut stderr) = build.stderr.take() {
        let _ = stderr.read_to_string(&mut reason);
    }
    Err(reason.trim().replace('\n', "; "))
}

/// Whether the process ended well, within the time it has.
fn wait(child: &mut Child) -> Result<bool, String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err("go takes too long".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn ask<A: DeserializeOwned>(
    program: &Result<PathBuf, String>,
    subject: &str,
    questions: &[Value],
) -> Option<Vec<A>> {
    let program = match program {
        Ok(program) => program,
        Err(reason) => {
            println!("comparison of {subject} with Go skipped: {reason}");
            return None;
        }
    };
    let mut child =
        Command::new(program).arg(subject).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let input: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let reader = std::thread::spawn(move || {
        let mut output = String::new();
        stdout.read_to_string(&mut output).map(|_| output)
    });
    assert_eq!(wait(&mut child), Ok(true), "the Go program for {subject} failed");
    writer.join().unwrap().unwrap();
    let output = reader.join().unwrap().unwrap();
    let answers: Vec<A> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), questions.len(), "the Go program for {subject} stopped early");
    Some(answers)
}

/// Fails with the first differences, if there are any.
pub(crate) fn assert_none(differences: &[String], of: usize) {
    let shown = differences.iter().take(25).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} of {of} differ:\n{shown}", differences.len());
}
