//! Sequences: what External Secrets Operator (ESO) leaves behind, step after step, played through Pawl and compared whole.
//!
//! A [`Sequence`] is a list of steps. Each step has actions (apply, edit and delete objects, change the store) and the
//! state that the real operator left behind: Secrets and whether they were written, the status of ExternalSecrets and
//! stores, Events. [`play`] performs all sequences at the same time on one API server ([`Plane`]), with one `pawl serve`
//! and one moto as AWS, each sequence in a namespace of its own. Waits end when the expected state stands, or at a limit.
//!
//! `make sequences CASES=<file>` plays any file of this form; `data/eso-2.9.jsonl.gz` was recorded from ESO v2.9 (commit
//! cc5bfbc) on Kubernetes 1.36. Where no real API server is there, the embedded one takes its place: its garbage collector
//! and namespace controller act at once, and it validates less. Each difference is either mended or stands with its reason
//! in `data/choices.txt` and in `docs/eso.md`. Sequences of kinds that Pawl does not serve are named and not played.
//!
//! Start reading at `play`; `state` is what is compared, `judge` how.

mod act;
mod error;
mod judge;
mod plane;
mod play;
mod report;
mod sequence;
mod snapshot;
mod state;
mod store;

pub use error::{Error, Result};
pub use judge::{Area, Difference};
pub use pawl_recorded::{Choices, lines};
pub use plane::Plane;
pub use play::{Played, furnish, play};
pub use report::Report;
pub use sequence::{Action, Event, Expect, Named, Sequence, Step};
