//! Why values do not give what a declaration asks of them. No message holds a value.
//!
//! The first half of each message is worded as ESO's Event for the same failure, as far as that quotes nothing of the
//! data; behind a semicolon stands what to do.

mod entry;
mod rewrite;
mod template;

pub use entry::{EntryProblem, InvalidKey, Refused};
pub use rewrite::RewriteProblem;
pub use template::{TemplateProblem, TemplateStage};

use crate::declaration::{Decoding, Into, Query, Read};
use std::fmt;

/// The values do not give what the declaration asks of them, or nothing could. Never holds a value.
///
/// Trying again helps only after the declaration, the secret or an object that holds templates has changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// An entry of `data` or `dataFrom` gives nothing usable.
    #[error("error processing {entry}, err: {problem}")]
    Entry {
        /// Which entry.
        entry: Entry,
        /// What is wrong with it.
        problem: EntryProblem,
    },
    /// The template cannot be used, or fails on the data.
    #[error("could not apply template: {0}")]
    Template(#[from] TemplateProblem),
    /// The target's data would have a key that the API server refuses.
    #[error("could not apply template: {0}; rename it in the secret or in the template")]
    Key(Refused),
}

/// An entry of `data` or `dataFrom`, nearly as ESO names it in messages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry {
    /// `spec.data[n]`.
    Data {
        /// Where it stands.
        path: String,
        /// The key that it reads.
        key: String,
    },
    /// `spec.dataFrom[n].extract`.
    Extract {
        /// Where it stands.
        path: String,
        /// The key that it reads.
        key: String,
    },
    /// `spec.dataFrom[n].find`.
    Find {
        /// Where it stands.
        path: String,
    },
    /// `spec.dataFrom[n].sourceRef.generatorRef`.
    Generator {
        /// Where it stands.
        path: String,
    },
}

impl Entry {
    /// The entry that a read came from.
    pub fn of(read: &Read) -> Self {
        let path = read.path.clone();
        match (&read.query, &read.into) {
            (Query::Find(_), _) => Self::Find { path },
            (Query::Generate, _) => Self::Generator { path },
            (Query::Key(remote), Into::Key(_)) => Self::Data { path, key: remote.key.clone() },
            (Query::Key(remote), Into::Every { .. }) => Self::Extract { path, key: remote.key.clone() },
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data { path, key } => write!(f, "{path} (key: {key})"),
            // ESO leaves the key out here.
            Self::Extract { path, key } => write!(f, "{path}.extract (key: {key})"),
            Self::Find { path } => write!(f, "{path}.find"),
            Self::Generator { path } => write!(f, "{path}.sourceRef.generatorRef"),
        }
    }
}

fn decoding_name(decoding: Decoding) -> &'static str {
    match decoding {
        Decoding::None => "None",
        Decoding::Base64 => "Base64",
        Decoding::Base64Url => "Base64URL",
        Decoding::Auto => "Auto",
    }
}
