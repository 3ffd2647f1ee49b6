//! What is wrong with manifests, in words.

use pawl_domain::{Problem, Severity};

/// A problem in one line.
pub(super) fn line(problem: &Problem) -> String {
    format!("{}: {problem}", severity(problem))
}

/// How bad it is, in a word.
pub(super) fn severity(problem: &Problem) -> &'static str {
    match problem.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
