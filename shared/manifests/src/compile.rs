//! Patterns and templates of manifests, compiled once to see that they are such.
//!
//! Whoever applies a broken template shall hear of it then, not when the secret next rotates.

use super::reader::Notes;
use jiff::Timestamp;
use pawl_domain::push::PushRecipe;
use pawl_domain::{Declaration, Functions, PushSecret, Recipe};
use pawl_golang::regexp::Regexp;
use std::sync::LazyLock;

/// Notes what is wrong with a pattern of RE2.
pub(super) fn pattern(text: &str, path: &str, notes: &Notes) {
    if let Err(error) = Regexp::new(text) {
        notes.hopeless(path, format!("{error}; write it in the syntax of RE2"));
    }
}

/// Notes what is wrong with a template.
pub(super) fn template(text: &str, path: &str, notes: &Notes) {
    if let Err(error) = FUNCTIONS.check(path, text) {
        notes.hopeless(path, format!("is not a template: line {}: {}", error.line, error.message));
    }
}

/// Notes what else would make every rendering fail, of a declaration with which nothing else is wrong.
pub(super) fn recipe(declaration: &Declaration, notes: &Notes) {
    if let Err(error) = Recipe::of(declaration, &FUNCTIONS) {
        notes.hopeless("spec", error.to_string());
    }
}

/// The same of a PushSecret.
pub(super) fn push_recipe(push: &PushSecret, notes: &Notes) {
    if let Err(problem) = PushRecipe::of(push, &FUNCTIONS) {
        notes.hopeless("spec", problem.to_string());
    }
}

/// Nothing is executed here, so the clock is never asked.
static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| Functions::new(|| Timestamp::UNIX_EPOCH));
