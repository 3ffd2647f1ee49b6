//! What `pawl serve` does on its own: jobs, the event queue, sweeps, indexes. Each ends when told to stop, between
//! two pieces of work.

use super::health::Health;
use futures::stream::FuturesUnordered;
use futures::{StreamExt, stream};
use pawl_pipeline::{Error, Pipeline, Ports};
use pawl_runtime::inbox::Received;
use pawl_runtime::intake::{self, Intake};
use pawl_runtime::{EventQueue, Inbox, World, backoff, jobs, measure};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing::{error, warn};

/// Jobs worked on at the same time.
const JOBS: usize = 4;
/// Store events worked on at the same time, and the most that are received at once.
const EVENTS: usize = 10;
/// How long a receive waits for the first message.
const WAIT: Duration = Duration::from_secs(20);
/// How long a receive that is under way may go on after the process was told to stop.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// Sweeps that may be under way at the same time.
const SWEEPS: usize = 4;
/// The pause after a queue could not be asked.
const PAUSE: Duration = Duration::from_secs(2);

pub(super) type Stopped = watch::Receiver<bool>;

/// Delivers jobs as they come.
pub(super) async fn jobs(pipeline: Arc<Pipeline<World>>, mut stopped: Stopped) {
    while !*stopped.borrow() {
        let inbox = pipeline.ports().jobs();
        let received = match next(inbox, &mut stopped).await {
            Ok(received) => received,
            Err(problem) => {
                warn!("job queue: {problem}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        stream::iter(received)
            .for_each_concurrent(JOBS, async |received| {
                let settled = jobs::take(&pipeline, &received.body).await;
                if let Err(problem) = inbox.settle(received, &settled).await {
                    warn!("job queue: {problem}");
                }
            })
            .await;
    }
}

/// The next jobs; perhaps none, as when told to stop.
async fn next(inbox: &Inbox, stopped: &mut Stopped) -> Result<Vec<Received>, Error> {
    let mut receive = pin!(inbox.receive(JOBS));
    let told = async {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    tokio::select! {
        received = &mut receive => return received,
        () = told => {}
    }
    // A job that is being leased at this moment would wait for its lease to end if nobody did it.
    tokio::time::timeout(LAST_LOOK, receive).await.unwrap_or_else(|_| Ok(Vec::new()))
}

/// Takes store events from an SQS queue, as the `sync` function does.
pub(super) async fn events(pipeline: Arc<Pipeline<World>>, queue: EventQueue, mut stopped: Stopped) {
    loop {
        let received = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            received = queue.receive(EVENTS, WAIT) => received,
        };
        let messages = match received {
            Ok(messages) => messages,
            Err(problem) => {
                warn!("event queue: {problem}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        stream::iter(messages)
            .for_each_concurrent(EVENTS, async |message| {
                let settled = match intake::take(&pipeline, message.body.as_bytes()).await {
                    Intake::Done { .. } | Intake::Dropped(_) => queue.delete(&message.receipt).await,
                    Intake::Again(_) => {
                        queue.release(&message.receipt, backoff::pause(message.receive_count)).await
                    }
                };
                // What could not be settled comes again when its visibility timeout has passed.
                if let Err(problem) = settled {
                    warn!("event queue: {problem}");
                }
            })
            .await;
    }
}

/// Sweeps on a schedule. A sweep that is held up by a slow store does not hold up the next one, which leaves alone what
/// the former still visits.
pub(super) async fn sweeps(pipeline: Arc<Pipeline<World>>, interval: Duration, mut stopped: Stopped) {
    let sweep = || async {
        match pipeline.sweep(false).await {
            Ok(report) => measure::swept(&report),
            Err(problem) => error!("sweep: {problem}"),
        }
    };
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut running = FuturesUnordered::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            _ = ticks.tick(), if running.len() < SWEEPS => running.push(sweep()),
            _ = running.next(), if !running.is_empty() => {}
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

/// Does the work at once and then at each interval; a run that takes longer delays the next one.
pub(super) async fn every<W: Future<Output = ()> + Send>(
    interval: Duration,
    mut stopped: Stopped,
    work: impl Fn() -> W + Send,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            _ = ticks.tick() => {}
        }
        work().await;
    }
}
