//! Messages that `pawl serve` pulls from Pub/Sub: each taken in as a pushed one is, and acknowledged only then.

use crate::backoff;
use crate::intake::{self, Intake};
use pawl_aws::AwsIdentity;
use pawl_pipeline::Pipeline;
use pawl_ports::{CallerIdentity, Ports};
use tracing::warn;

pub use pawl_stores::Pulled;

/// A pull subscription, read with Pawl's own identity at Google; AWS may prove it.
pub type Subscription<A = AwsIdentity> = pawl_stores::Subscription<A>;

/// What a message counts as that Pub/Sub does not count: one that may have been here before.
const UNCOUNTED: u32 = 2;

/// Takes in one message, and says to Pub/Sub what became of it.
///
/// It is acknowledged when everything that it affects is written, recorded as failed for good, or in the job queue, and when it
/// cannot be read and never will be. Else it comes again after a pause that grows. What cannot be said to Pub/Sub comes again
/// by itself, which is harmless.
pub async fn settle<P: Ports, A: CallerIdentity>(
    pipeline: &Pipeline<P>,
    subscription: &pawl_stores::Subscription<A>,
    message: &Pulled,
) {
    let attempt = message.attempt.unwrap_or(UNCOUNTED);
    let settled = match intake::take_again(pipeline, message.body.as_bytes(), attempt).await {
        Intake::Done { .. } | Intake::Dropped(_) => subscription.acknowledge(&message.receipt).await,
        Intake::Again(_) => subscription.postpone(&message.receipt, backoff::pause(attempt)).await,
    };
    if let Err(problem) = settled {
        warn!("Pub/Sub: {problem}");
    }
}
