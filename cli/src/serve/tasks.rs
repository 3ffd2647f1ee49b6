//! What `pawl serve` does on its own: jobs, the event queue, sweeps, indexes. Each ends when told to stop, between
//! two pieces of work.

use super::health::Health;
use super::schedule::{Stopped, every};
use super::workers;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use pawl_pipeline::Pipeline;
use pawl_ports::Ports;
use pawl_runtime::inbox::Received;
use pawl_runtime::intake::{self, Intake};
use pawl_runtime::pull::{Pulled, Puller, Subscription};
use pawl_runtime::{EventMessage, EventQueue, World, backoff, jobs, measure};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{error, info, warn};

/// Jobs worked on at the same time.
const JOBS: usize = 16;
/// Store events worked on at the same time.
const EVENTS: usize = 16;
/// The most messages that are received at once. Source: SQS, whose limit is 10.
const RECEIVED: usize = 10;
/// How long a job may take before what is left of it goes back to the queue.
const JOB: Duration = Duration::from_secs(4 * 60);
/// How long an event may take before what is left of it becomes jobs: less than the 30 s for which SQS hides a message
/// unless told otherwise.
const EVENT: Duration = Duration::from_secs(25);
/// How long a receive waits for the first message.
const WAIT: Duration = Duration::from_secs(20);
/// Passes of one kind that may be under way at the same time.
const PASSES: usize = 4;
/// The same of what is pushed between two passes.
const PUSHES: usize = 8;
/// The pause after a queue could not be asked.
const PAUSE: Duration = Duration::from_secs(2);

/// Delivers jobs as they come.
pub(super) async fn jobs(pipeline: Arc<Pipeline<World>>, stopped: Stopped) {
    match pipeline.ports().jobs().take_over().await {
        Ok(0) => {}
        Ok(count) => info!("{count} jobs of a server that was killed are taken up"),
        Err(problem) => warn!("job queue: {problem}"),
    }
    let receive = |limit| {
        let pipeline = Arc::clone(&pipeline);
        async move { pipeline.ports().jobs().receive(limit).await }
    };
    let work = |received: Received| {
        let pipeline = Arc::clone(&pipeline);
        async move {
            // What is not done when the lease ends would be begun by somebody else as well.
            let timed = pipeline.until(Instant::now() + JOB);
            let settled = jobs::take(&timed, &received.body, received.attempt).await;
            let inbox = pipeline.ports().jobs();
            workers::insist("job queue", || inbox.settle(received.clone(), &settled)).await;
        }
    };
    workers::run("job queue", JOBS, RECEIVED, receive, work, stopped).await;
}

/// Takes store events from an SQS queue, as the `sync` function does.
pub(super) async fn events(pipeline: Arc<Pipeline<World>>, queue: EventQueue, stopped: Stopped) {
    let receive = |limit| {
        let queue = queue.clone();
        async move { queue.receive(limit, WAIT).await }
    };
    let work = |message: EventMessage| {
        let (pipeline, queue) = (Arc::clone(&pipeline), queue.clone());
        async move {
            let timed = pipeline.until(Instant::now() + EVENT);
            let settled =
                match intake::take_again(&timed, message.body.as_bytes(), message.receive_count).await {
                    Intake::Done { .. } | Intake::Dropped(_) => queue.delete(&message.receipt).await,
                    Intake::Again(_) => {
                        queue.release(&message.receipt, backoff::pause(message.receive_count)).await
                    }
                };
            // What could not be settled comes again when its visibility timeout has passed.
            if let Err(problem) = settled {
                warn!("event queue: {problem}");
            }
        }
    };
    workers::run("event queue", EVENTS, RECEIVED, receive, work, stopped).await;
}

/// Pulls what Pub/Sub tells of changes.
pub(super) async fn pulls(pipeline: Arc<Pipeline<World>>, subscription: Subscription, stopped: Stopped) {
    let puller = Arc::new(Puller::new(subscription));
    let receive = |limit| {
        let puller = Arc::clone(&puller);
        async move { puller.receive(limit).await }
    };
    let work = |message: Pulled| {
        let (pipeline, puller) = (Arc::clone(&pipeline), Arc::clone(&puller));
        async move {
            let timed = pipeline.until(Instant::now() + EVENT);
            puller.settle(&timed, &message).await;
        }
    };
    workers::run("Pub/Sub", EVENTS, RECEIVED, receive, work, stopped).await;
}

/// Sweeps on a schedule. A sweep that is held up by a slow store does not hold up the next one, which leaves alone what
/// the former still visits.
pub(super) async fn sweeps(pipeline: Arc<Pipeline<World>>, interval: Duration, stopped: Stopped) {
    let sweep = || async {
        match pipeline.sweep(false).await {
            Ok(report) => measure::swept(&report),
            Err(problem) => error!("sweep: {problem}"),
        }
    };
    overlapping(interval, stopped, sweep).await;
}

/// Carries out PushSecrets that are due; those that are edited, or whose source changes, the watches see.
pub(super) async fn pushes(pipeline: Arc<Pipeline<World>>, interval: Duration, stopped: Stopped) {
    let push = || async {
        match pipeline.push(false).await {
            Ok(report) => measure::pushed(&report),
            Err(problem) => error!("push: {problem}"),
        }
    };
    overlapping(interval, stopped, push).await;
}

/// Carries out PushSecrets between two passes: whose source has changed, and what failed in this process, as soon as its pause
/// is over. One that is held up holds up no other.
pub(super) async fn pushes_due(pipeline: Arc<Pipeline<World>>, mut stopped: Stopped) {
    let catch_up = async {
        while let Err(problem) = pipeline.catch_up_pushes().await {
            warn!("push: {problem}");
            tokio::time::sleep(PAUSE).await;
        }
        std::future::pending::<()>().await;
    };
    let carry_out = || async {
        if let Err(problem) = pipeline.push_due().await {
            warn!("push: {problem}");
            tokio::time::sleep(PAUSE).await;
        }
    };
    let mut catch_up = std::pin::pin!(catch_up);
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            () = pipeline.until_push_due(), if running.len() < PUSHES => running.push(carry_out()),
            _ = running.next(), if !running.is_empty() => {}
            () = &mut catch_up => {}
        }
    }
    while running.next().await.is_some() {}
}

/// Tries again what failed in this process as soon as its pause is over; what others left, sweeps find.
pub(super) async fn retries(pipeline: Arc<Pipeline<World>>, mut stopped: Stopped) {
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            () = pipeline.until_due() => {}
        }
        if let Err(problem) = pipeline.retry_due().await {
            warn!("retries: {problem}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Reads the clusters' own ExternalSecrets on a schedule.
pub(super) async fn indexes(
    pipeline: Arc<Pipeline<World>>,
    interval: Duration,
    health: Arc<Health>,
    stopped: Stopped,
) {
    let index = || async {
        match pipeline.index_clusters().await {
            Ok(reports) => {
                measure::indexed(&reports);
                health.index_done();
            }
            Err(problem) => error!("index: {problem}"),
        }
    };
    every(interval, stopped, index).await;
}

/// Does the work at once and then at each interval, whether or not the former run has ended.
async fn overlapping<W: Future<Output = ()> + Send>(
    interval: Duration,
    mut stopped: Stopped,
    work: impl Fn() -> W + Send,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            _ = ticks.tick(), if running.len() < PASSES => running.push(work()),
            _ = running.next(), if !running.is_empty() => {}
        }
    }
    while running.next().await.is_some() {}
}
