//! The whole of Pawl at work: its real binaries, with moto as AWS and Kubernetes API servers beside them.
//!
//! A [`Stage`] holds AWS and the clusters; on it run [`Server`] (`pawl serve`), the command line ([`Stage::pawl`]) and
//! the [`Functions`]; a [`Deployment`] is either, for stories that hold for both. [`Meter`] stands between them and AWS and counts what they ask, which [`Rights`] holds against the template, [`Metrics`] is what they
//! say of themselves, [`events`] plays the part of AWS that moto lacks.
//!
//! The binaries must be there already: `cargo build --workspace --bins` makes them, and so do `make test` and
//! `make demo`. Where to start reading: `src/bin/demo/main.rs`, which is a tour of the product as well.

mod asked;
mod binaries;
mod canary;
pub mod clouds;
mod deployment;
mod error;
pub mod events;
pub mod examples;
mod functions;
mod meter;
mod metrics;
mod rights;
mod server;
pub mod show;
mod stage;
pub mod vault;
mod wait;

pub use asked::Asked;
pub use binaries::binary;
pub use canary::shows;
pub use deployment::{Deployment, Form, Rhythm};
pub use error::{Error, Result};
pub use functions::{Functions, REGION};
pub use meter::{Calls, Meter};
pub use metrics::Metrics;
pub use rights::Rights;
pub use server::{AUDIT_TOKEN, Answer, HMAC_KEY, Server, sign};
pub use stage::{Ran, Stage, TRUST};
pub use wait::{LIMIT, now, until};
