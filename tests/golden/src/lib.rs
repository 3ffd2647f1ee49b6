//! Golden cases: what External Secrets Operator made of an ExternalSecret, played through Pawl and compared whole.
//!
//! A [`Case`] holds the content of a store, the objects that stand in the cluster, an ExternalSecret, and what the real
//! operator left behind: the Secret with its labels, annotations and owners, the Ready condition, the last warning.
//! [`play`] puts all of it in place (moto as AWS, an embedded API server as the cluster), starts the real `pawl serve`
//! once, and reads back what it did. [`differences`] compares, [`Choices`] are the differences that Pawl wants.
//!
//! `make golden CASES=<file>` plays any file of this form; the test of this crate plays `data/eso-2.9.jsonl.gz`, recorded
//! from ESO v2.9 (commit cc5bfbc). Each difference is either mended or stands with its reason in `data/choices.txt`.

mod case;
mod compare;
mod error;
mod moved;
mod play;
mod store;

pub use case::{Case, Entry, Expect, Ready, Store, Version};
pub use compare::differences;
pub use error::{Error, Result};
pub use moved::Moved;
pub use pawl_recorded::{Choices, lines, same_words};
pub use play::{Outcome, Played, play};
