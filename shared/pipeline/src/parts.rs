//! The use cases, and what each of them may use. They are listed from the bottom up: a use case holds the parts it
//! needs from above it in this file, and can call no others.
//!
//! `Base` ◄ `Queue` ◄ `Deliver` ◄ `Sync`; beside them `Push`, `Remove`, `StoreStatuses` and `Spread`; above these `Index` and `Sweep`;
//! `Follow` uses both index and deliveries. `Rehearse` uses both and writes nothing; `Explain` only reads, and tells receipts.

use crate::base::memory::Memory;
use crate::deliver::rendering::Rendering;
use crate::settings::Settings;
use pawl_domain::{DigestKey, Functions};
use std::sync::Arc;
use tokio::time::Instant;

/// What all of them need: the world, each call of it bounded in time and behind its circuit breaker, and what this
/// process remembers.
#[derive(Debug)]
pub(crate) struct Base<P> {
    pub(crate) ports: Arc<P>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) digest_key: DigestKey,
    pub(crate) memory: Arc<Memory>,
    /// Work that is not done by then is handed to the job queue.
    pub(crate) until: Option<Instant>,
}

/// Work for later: noted in the ledger, then handed to the job queue.
#[derive(Debug)]
pub(crate) struct Queue<P> {
    pub(crate) base: Arc<Base<P>>,
}

/// Declarations to written targets.
#[derive(Debug)]
pub(crate) struct Deliver<P> {
    pub(crate) base: Arc<Base<P>>,
    pub(crate) queue: Arc<Queue<P>>,
    pub(crate) rendering: Arc<Rendering>,
    pub(crate) mode: Mode,
}

/// How deliveries are made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mode {
    /// Versions older than what was written are taken.
    pub(crate) accepts_older: bool,
    /// Work that did not end before is carried out alone; see `deliver/careful.rs`.
    pub(crate) is_careful: bool,
    /// What was set aside is tried.
    pub(crate) insists: bool,
}

/// Secrets of clusters to stores.
#[derive(Debug)]
pub(crate) struct Push<P> {
    pub(crate) base: Arc<Base<P>>,
    pub(crate) functions: Functions,
}

/// One change to all that it affects.
#[derive(Debug)]
pub(crate) struct Sync<P> {
    pub(crate) base: Arc<Base<P>>,
    pub(crate) queue: Arc<Queue<P>>,
    pub(crate) deliver: Arc<Deliver<P>>,
}

/// Declarations out of the registry, with the targets that they own.
#[derive(Debug)]
pub(crate) struct Remove<P> {
    pub(crate) base: Arc<Base<P>>,
}

/// What stores in clusters are told of how they are.
#[derive(Debug)]
pub(crate) struct StoreStatuses<P> {
    pub(crate) base: Arc<Base<P>>,
}

/// ClusterExternalSecrets in clusters to the ExternalSecrets that are made of them.
#[derive(Debug)]
pub(crate) struct Spread<P> {
    pub(crate) base: Arc<Base<P>>,
}

/// Manifests into the registry.
#[derive(Debug)]
pub(crate) struct Index<P> {
    pub(crate) base: Arc<Base<P>>,
    pub(crate) queue: Arc<Queue<P>>,
    pub(crate) remove: Arc<Remove<P>>,
    pub(crate) statuses: Arc<StoreStatuses<P>>,
    pub(crate) spread: Arc<Spread<P>>,
}

/// What a watch of a cluster saw, at once.
#[derive(Debug)]
pub(crate) struct Follow<P> {
    pub(crate) base: Arc<Base<P>>,
    pub(crate) queue: Arc<Queue<P>>,
    pub(crate) remove: Arc<Remove<P>>,
    pub(crate) statuses: Arc<StoreStatuses<P>>,
    pub(crate) spread: Arc<Spread<P>>,
    pub(crate) index: Arc<Index<P>>,
    pub(crate) deliver: Arc<Deliver<P>>,
    pub(crate) push: Arc<Push<P>>,
}

/// The polling fallback.
#[derive(Debug)]
pub(crate) struct Sweep<P> {
    pub(crate) base: Arc<Base<P>>,
    pub(crate) queue: Arc<Queue<P>>,
    pub(crate) remove: Arc<Remove<P>>,
    pub(crate) statuses: Arc<StoreStatuses<P>>,
    pub(crate) deliver: Arc<Deliver<P>>,
}

/// What deliveries and applies would do. Writes nothing.
#[derive(Debug)]
pub(crate) struct Rehearse<P> {
    pub(crate) index: Arc<Index<P>>,
    pub(crate) deliver: Arc<Deliver<P>>,
}

/// What a change concerns, what is known of declarations, and who is told of it. Writes nothing.
#[derive(Debug)]
pub(crate) struct Explain<P> {
    pub(crate) base: Arc<Base<P>>,
}
