//! Patterns and templates of manifests, compiled once to see that they are such.
//!
//! Whoever applies a broken template shall hear of it then, not when the secret next rotates.

use super::reader::Notes;
use jiff::Timestamp;
use pawl_golang::regexp::Regexp;
use pawl_golang::sprig::{self, Environment};
use pawl_golang::template::{Functions, Options, Template};
use std::sync::LazyLock;

/// Notes what is wrong with a pattern of RE2.
pub(super) fn pattern(text: &str, path: &str, notes: &Notes) {
    if let Err(error) = Regexp::new(text) {
        notes.error(path, format!("{error}; write it in the syntax of RE2"));
    }
}

/// Notes what is wrong with a template.
pub(super) fn template(text: &str, path: &str, notes: &Notes) {
    if let Err(error) = Template::parse(path, text, &Options::new(&FUNCTIONS)) {
        notes.error(path, format!("is not a template: line {}: {}", error.line, error.message));
    }
}

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    // Nothing is executed here, so the clock is never asked.
    sprig::functions(&Environment::new(|| Timestamp::UNIX_EPOCH))
});
