//! Deadlines of work, and pauses between attempts.

use crate::parts::Base;
use pawl_ports::Ports;
use rand::RngExt;
use std::time::Duration;
use tokio::time::Instant;

impl<P: Ports> Base<P> {
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

    /// The pause before attempt number `attempt` (the second is 1): doubled each time, between half and all of it.
    pub(crate) fn pause(&self, attempt: u32) -> Duration {
        let longest = self.settings.pause.saturating_mul(1 << attempt.saturating_sub(1).min(6));
        longest.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}
