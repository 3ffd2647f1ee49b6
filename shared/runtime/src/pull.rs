//! Messages that `pawl serve` pulls from Pub/Sub: each taken in as a pushed one is, and acknowledged only then.

use crate::backoff;
use crate::intake::{self, Intake};
use pawl_aws::AwsIdentity;
use pawl_pipeline::Pipeline;
use pawl_ports::{CallerIdentity, Error, Ports};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tracing::warn;

pub use pawl_stores::Pulled;

/// A pull subscription, read with Pawl's own identity at Google; AWS may prove it.
pub type Subscription<A = AwsIdentity> = pawl_stores::Subscription<A>;

/// A subscription that is asked again and again.
#[derive(Debug)]
pub struct Puller<A = AwsIdentity> {
    subscription: Subscription<A>,
    rest: Mutex<Rest>,
}

/// How long the next pull waits.
#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    /// How many pulls failed in a row.
    failures: u32,
    /// How long Pub/Sub asked to be left alone.
    asked: Duration,
}

/// What a message counts as that Pub/Sub does not count: one that may have been here before.
const UNCOUNTED: u32 = 2;
/// The longest pause between pulls of Pawl's own accord: changes may be waiting.
const LONGEST: Duration = Duration::from_secs(60);
/// The longest that Pub/Sub is left alone, whatever it asks for.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

impl<A: CallerIdentity> Puller<A> {
    /// Asks this subscription.
    pub fn new(subscription: Subscription<A>) -> Self {
        Self { subscription, rest: Mutex::default() }
    }

    /// Up to `most` messages, perhaps none. After pulls that failed it waits before it asks: longer each time, up to a minute,
    /// and as long as Pub/Sub asked for, up to ten.
    ///
    /// # Errors
    /// As [`pawl_stores::Subscription::receive`]; ask again.
    pub async fn receive(&self, most: usize) -> Result<Vec<Pulled>, Error> {
        let rest = *self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        tokio::time::sleep(rest.pause()).await;
        let received = self.subscription.receive(most).await;
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = rest.after(&received);
        received
    }

    /// Takes in one message, and says to Pub/Sub what became of it.
    ///
    /// It is acknowledged when everything that it affects is written, recorded as failed for good, or in the job queue, and when
    /// it cannot be read and never will be. Else it comes again after a pause, which grows where Pub/Sub counts deliveries. What
    /// cannot be said to Pub/Sub comes again by itself, which is harmless.
    pub async fn settle<P: Ports>(&self, pipeline: &Pipeline<P>, message: &Pulled) {
        let attempt = message.attempt.unwrap_or(UNCOUNTED);
        let settled = match intake::take_again(pipeline, message.body.as_bytes(), attempt).await {
            Intake::Done { .. } | Intake::Dropped(_) => self.subscription.acknowledge(&message.receipt).await,
            Intake::Again(_) => self.subscription.postpone(&message.receipt, backoff::pause(attempt)).await,
        };
        if let Err(problem) = settled {
            warn!("Pub/Sub: {problem}");
        }
    }
}

impl Rest {
    fn after<T>(self, received: &Result<T, Error>) -> Self {
        match received {
            Ok(_) => Self::default(),
            Err(problem) => Self {
                failures: self.failures.saturating_add(1),
                asked: problem.retry_after().unwrap_or_default(),
            },
        }
    }

    fn pause(self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => backoff::pause(failures).min(LONGEST).max(self.asked.min(LONGEST_ASKED)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::{Kind, Step};

    #[test]
    fn pubsub_is_left_alone_as_long_as_it_asks_and_ten_minutes_at_most() {
        let failed = |asked: Option<u64>| {
            let problem = Error::new(Step::Lookup, Kind::Throttled, "throttled");
            Err::<(), _>(match asked {
                Some(seconds) => problem.after(Duration::from_secs(seconds)),
                None => problem,
            })
        };
        let mut rest = Rest::default();
        for (received, want) in [
            (Ok(()), 0..=0),
            (failed(None), 1..=2),
            (failed(Some(120)), 120..=120),
            (failed(Some(3)), 4..=8),
            (failed(Some(86_400)), 600..=600),
            (failed(None), 16..=32),
            (failed(None), 32..=60),
            (failed(None), 60..=60),
            (failed(None), 60..=60),
            (Ok(()), 0..=0),
            (failed(None), 1..=2),
        ] {
            rest = rest.after(&received);
            assert!(want.contains(&rest.pause().as_secs()), "{received:?}: {:?}", rest.pause());
        }
    }
}
