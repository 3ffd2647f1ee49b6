//! What a process remembers. It only saves work: the ledger knows everything that must be known.

use crate::base::agenda::Agenda;
use crate::base::breaker::Breakers;
use crate::base::lanes::Lanes;
use crate::base::lists::Lists;
use crate::base::marks::Marks;
use crate::base::pushes::PushWork;
use crate::base::shares::Shares;
use crate::base::watchable::Watchable;
use crate::settings::Settings;
use jiff::Timestamp;
use pawl_domain::ClusterName;
use pawl_domain::grant::OwnSecrets;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use tokio::sync::{OnceCell, watch};
use tokio::time::Instant;

/// One for all that a process does.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) breakers: Breakers,
    pub(crate) shares: Shares,
    pub(crate) marks: Marks,
    pub(crate) lists: Lists,
    /// What this process is to push.
    pub(crate) pushes: PushWork,
    /// Whose manifests are taken in at this moment.
    pub(crate) indexing: Lanes<ClusterName>,
    pub(crate) agenda: Agenda,
    pub(crate) care: Care,
    pub(crate) own: Own,
    /// Every identity whose stores can be watched, as the last sweep saw them.
    pub(crate) watchable: watch::Sender<Vec<Watchable>>,
}

/// So many failed declarations are tried again by the time that each asks for; the sweep finds the others.
const MOST_RETRIES: usize = 10_000;

impl Memory {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            breakers: Breakers::default(),
            shares: Shares::new(settings.concurrency),
            marks: Marks::default(),
            lists: Lists::default(),
            pushes: PushWork::default(),
            indexing: Lanes::new(1),
            agenda: Agenda::of(MOST_RETRIES),
            care: Care::default(),
            own: Own::default(),
            watchable: watch::Sender::default(),
        }
    }
}

/// Pawl's own secrets, as they were known last.
#[derive(Debug, Default)]
pub(crate) struct Own(pub(crate) std::sync::Mutex<Option<(Instant, Arc<OwnSecrets>)>>);

/// What a process knows of deliveries that did not end.
#[derive(Debug, Default)]
pub(crate) struct Care {
    /// Held by whatever is carried out alone.
    pub(crate) alone: tokio::sync::Mutex<()>,
    /// How many deliveries of sweeps are under way.
    pub(crate) under_way: AtomicUsize,
    /// Until when this process is careful.
    pub(crate) wary_until: OnceCell<Timestamp>,
}
