//! Pawl's rules as tables. What must happen to targets stands as YAML in `tests/reconcile`, one file per subject: a case
//! more there needs no Rust.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a table that cannot be read has failed")]

mod affected;
mod budget;
mod current;
mod generic;
mod given;
mod kubernetes;
mod laws;
mod policy;
mod policy_generators;
mod reconcile;
mod refresh;
mod render;
mod schedule;
mod searches;
mod spread;
mod store;
mod whitelist;
mod windows;
