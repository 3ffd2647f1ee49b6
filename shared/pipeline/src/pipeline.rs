//! The flow's hands: the ports, the settings and what all use cases share.

use crate::memory::Memory;
use crate::recipes::Recipes;
use crate::rendering::Rendering;
use crate::settings::Settings;
use pawl_domain::DigestKey;
use pawl_ports::Ports;
use rand::RngExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The flow over some world. Its use cases are methods, one file each: `sync`, `deliver`, `sweep`, `index`,
/// `explain`.
#[derive(Debug)]
pub struct Pipeline<P> {
    pub(crate) ports: Arc<P>,
    pub(crate) settings: Settings,
    pub(crate) digest_key: DigestKey,
    pub(crate) rendering: Arc<Rendering>,
    pub(crate) memory: Arc<Memory>,
    /// Work that is not done by then is handed to the job queue.
    pub(crate) until: Option<Instant>,
    /// Versions older than what was written are taken.
    pub(crate) accept_older: bool,
    /// Work that did not end before is carried out alone; see [`Pipeline::with_care`].
    pub(crate) careful: bool,
    /// What was set aside is tried; see [`Pipeline::insisting`].
    pub(crate) insists: bool,
}

impl<P: Ports> Pipeline<P> {
    /// The flow over these ports. `digest_key` keys the digests in the ledger; with another key than last time every
    /// target is looked at once more, and nothing else happens.
    pub fn new(ports: P, settings: Settings, digest_key: DigestKey) -> Self {
        let ports = Arc::new(ports);
        let rendering = Arc::new(Rendering::new(Recipes::new(&ports)));
        let memory = Arc::new(Memory::new(&settings));
        Self {
            rendering,
            memory,
            ports,
            settings,
            digest_key,
            until: None,
            accept_older: false,
            careful: false,
            insists: false,
        }
    }

    /// The same flow, whose syncs and deliveries end at `until`: what they have not done by then they hand to the job
    /// queue. Leave it the time that this takes.
    #[must_use]
    pub fn until(&self, until: Instant) -> Self {
        Self { until: Some(until), ..self.again() }
    }

    /// The same flow, which takes a version that is older than what was written, as after somebody put a store back. Else
    /// such a version is only taken when the store has been giving it for minutes, for a replica may lag.
    #[must_use]
    pub fn accepting_older(&self) -> Self {
        Self { accept_older: true, ..self.again() }
    }

    /// The same flow for work that was begun before and, as far as anybody knows, did not end.
    #[must_use]
    pub fn with_care(&self) -> Self {
        Self { careful: true, ..self.again() }
    }

    /// The same flow for work that a person asks for: what was set aside is tried once more.
    #[must_use]
    pub fn insisting(&self) -> Self {
        Self { insists: true, ..self.again() }
    }

    /// The world that the flow runs over.
    pub fn ports(&self) -> &P {
        &self.ports
    }

    /// Waits until there is no time left.
    pub(crate) async fn late(&self) {
        match self.until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    fn again(&self) -> Self {
        Self {
            ports: Arc::clone(&self.ports),
            settings: self.settings.clone(),
            digest_key: self.digest_key.clone(),
            rendering: Arc::clone(&self.rendering),
            memory: Arc::clone(&self.memory),
            ..*self
        }
    }

    /// The pause before attempt number `attempt` (the second is 1): doubled each time, between half and all of it.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let longest = self.settings.pause.saturating_mul(1 << attempt.saturating_sub(1).min(6));
        longest.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}
