//! What is wrong with an element of `rewrite`.

use crate::render::keys::shown;
use pawl_golang::budget::Exhausted;
use pawl_golang::json::DecodeError;
use pawl_golang::regexp::RegexpError;
use pawl_golang::template::{ExecError, ParseError};

/// What is wrong with an element of `rewrite`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RewriteProblem {
    /// `regexp.source` is no regular expression.
    #[error("regexp failed with failed to compile: {0}")]
    Regexp(#[from] RegexpError),
    /// `transform.template` is no template.
    #[error("transform failed with failed to parse template: {0}")]
    Parse(Box<ParseError>),
    /// `transform.template` fails on a key.
    #[error("transform failed with failed to execute template: {0}")]
    Execute(Box<ExecError>),
    /// A key would be longer than 64 KiB.
    #[error("a key would become longer than 64 KiB; let the operation make less of it")]
    TooLong,
    /// It takes more than one rendering may use.
    #[error("the operation {0}; write a simpler pattern, or rewrite fewer keys")]
    Exhausted(#[from] Exhausted),
    /// Several values have these members.
    #[error(
        "merge failed with conflicts: {}; name an order in priority and set conflictPolicy to Ignore",
        .0.iter().map(|key| shown(key)).collect::<Vec<_>>().join(", ")
    )]
    Conflicts(Vec<String>),
    /// A key of `priority` is not there.
    #[error(
        "merge failed with key {0:?} not found in input map; set priorityPolicy to IgnoreNotFound if it may be absent"
    )]
    NoPriority(String),
    /// `strategy: JSON` without `into`.
    #[error("merge failed with missing 'into' field; write the key for the merged object")]
    NoInto,
    /// A value is no JSON object.
    #[error(
        "merge failed with failed to unmarshal JSON: {reason}: the value of {} must be an object",
        shown(key)
    )]
    NotAnObject {
        /// Its key.
        key: String,
        /// What it is.
        reason: DecodeError,
    },
}
