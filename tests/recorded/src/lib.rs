//! Recordings of External Secrets Operator (ESO): reading them, comparing with them, and the differences that Pawl wants.
//!
//! `tests/golden` plays single syncs, `tests/sequences` plays steps over time. Both read a file of JSON lines ([`lines`]),
//! compare what came out with what ESO left behind ([`differences`]), and know the differences that are wanted
//! ([`Choices`]).

mod choices;
mod compare;
mod error;
mod lines;

pub use choices::{Choice, Choices};
pub use compare::{differences, same_words};
pub use error::{Error, Result};
pub use lines::lines;
