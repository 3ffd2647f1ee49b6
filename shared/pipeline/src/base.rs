//! What all use cases need: guarded calls to clusters and stores, and what this process remembers.

pub(crate) mod agenda;
pub(crate) mod breaker;
pub(crate) mod candidates;
pub(crate) mod guarded;
pub(crate) mod keys;
pub(crate) mod lanes;
pub(crate) mod lists;
pub(crate) mod marks;
pub(crate) mod memory;
pub(crate) mod panicked;
pub(crate) mod pushes;
pub(crate) mod rules;
pub(crate) mod shares;
pub(crate) mod stores;
pub(crate) mod targets;
pub(crate) mod time;
pub(crate) mod turn;
pub(crate) mod usable;
pub(crate) mod watchable;
