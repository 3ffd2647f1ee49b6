//! The stores of one identity: watched, and each change synced at once.

use super::super::schedule::Stopped;
use super::news::News;
use futures::{StreamExt, stream};
use metrics::counter;
use pawl_domain::{Change, Step};
use pawl_pipeline::Pipeline;
use pawl_pipeline::sweep::Watchable;
use pawl_ports::{Error, Ports, Sources, StoreSighting};
use pawl_runtime::{World, backoff, intake};
use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::slice::from_ref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

/// Sightings on their way; a watch waits when there is no room.
const ROOM: usize = 64;
/// After a change more are waited for so long: `kubectl apply` of a folder is one piece of work.
const QUIET: Duration = Duration::from_millis(50);
/// So many changes are remembered one by one; if more wait, the store is looked at as a whole.
const MOST_CHANGES: usize = 1_000;
/// Changes that are synced at the same time.
const AT_ONCE: usize = 16;
/// How long changes may take before what is left of them becomes jobs.
const SYNC: Duration = Duration::from_secs(25);
/// A watch that ended sooner than this counts as failed.
const SHORT: Duration = Duration::from_secs(1);
/// The longest pause after failures in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long a store that may not be watched is left alone.
const LATER: Duration = Duration::from_secs(5 * 60);

/// Follows one identity's stores.
pub(super) struct Follower {
    pipeline: Arc<Pipeline<World>>,
    of: Watchable,
    news: Mutex<News>,
    /// There are changes to sync.
    changed: Notify,
    /// Something may have changed that was not told.
    missed: Notify,
    /// The watch that was asked for is there.
    has_begun: AtomicBool,
    /// The log was told that they are not watched.
    is_failing: AtomicBool,
}

impl Follower {
    pub(super) fn new(pipeline: Arc<Pipeline<World>>, of: Watchable) -> Self {
        Self {
            pipeline,
            of,
            news: Mutex::default(),
            changed: Notify::new(),
            missed: Notify::new(),
            has_begun: AtomicBool::new(false),
            is_failing: AtomicBool::new(false),
        }
    }

    /// Follows them until told to stop, and then finishes what was begun. May be dropped at any time: the sweep finds what is
    /// not done.
    pub(super) async fn run(&self, stopped: &Stopped) {
        let (tell, told) = mpsc::channel(ROOM);
        // The watch goes on meanwhile, for a server drops those that do not listen.
        let working = futures::future::join(self.sync(stopped.clone()), self.catch_up(stopped.clone()));
        tokio::select! {
            ((), ()) = working => {}
            () = self.listen(told) => {}
            never = self.watch(&tell) => match never {},
        }
    }

    /// Makes watch after watch, and says once when that begins to fail.
    async fn watch(&self, tell: &Sender<StoreSighting>) -> Infallible {
        let (mut from, mut failures) = (None, 0);
        loop {
            let (began, knew_place) = (Instant::now(), from.is_some());
            let ended = self.pipeline.ports().sources().watch(self.of.access(), &mut from, tell).await;
            if self.has_begun.swap(false, Ordering::Relaxed) && began.elapsed() >= SHORT {
                failures = 0;
                if ended.is_ok() {
                    continue;
                }
            }
            // The server forgot the place: nothing is wrong, and the next watch begins anew.
            if ended.is_ok() && knew_place && from.is_none() {
                continue;
            }
            failures += 1;
            match ended {
                Ok(()) => sleep(pause(failures)).await,
                Err(problem) => {
                    counter!("pawl_store_watch_failures_total").increment(1);
                    // One that broke off is mostly there again at once.
                    let is_worth_telling = failures > 1 || !problem.is_retryable();
                    if is_worth_telling && !self.is_failing.swap(true, Ordering::Relaxed) {
                        warn!("{self}: it is not watched, so the sweep finds its changes: {problem}");
                    }
                    sleep(rest(&problem, failures)).await;
                }
            }
        }
    }

    /// Takes in what the watches tell.
    async fn listen(&self, mut told: Receiver<StoreSighting>) {
        while let Some(sighting) = told.recv().await {
            counter!("pawl_store_sightings_total").increment(1);
            match sighting {
                StoreSighting::Begun { anew } => {
                    self.has_begun.store(true, Ordering::Relaxed);
                    if self.is_failing.swap(false, Ordering::Relaxed) {
                        info!("{self}: it is watched again");
                    }
                    if anew {
                        self.missed.notify_one();
                    }
                }
                StoreSighting::Changed(change) => self.note(|news| news.add(change)),
            }
        }
    }

    /// Looks at everything when a watch began without a place to go on from: nobody told what happened before.
    async fn catch_up(&self, mut stopped: Stopped) {
        let mut failures = 0;
        loop {
            let called = async {
                self.missed.notified().await;
                if failures > 0 {
                    sleep(pause(failures)).await;
                }
            };
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = called => {}
            }
            let is_whole = match self.pipeline.catch_up(&self.of).await {
                // Where nobody but a person can help, the declarations were told, and their retries are the sweep's.
                Ok(Some(swept)) => !swept.failed.iter().any(|(_, problem)| problem.is_retryable()),
                Ok(None) => false,
                Err(problem) => {
                    warn!("{self}: what changed before it was watched is not known yet: {problem}");
                    false
                }
            };
            failures = if is_whole { 0 } else { failures + 1 };
            if !is_whole {
                self.missed.notify_one();
            }
        }
    }

    /// Syncs changes as they come.
    async fn sync(&self, mut stopped: Stopped) {
        let mut failures = 0;
        loop {
            let called = async {
                self.changed.notified().await;
                sleep(if failures == 0 { QUIET } else { pause(failures) }).await;
            };
            tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                () = called => {}
            }
            let news = std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner));
            let failed = self.sync_all(news).await;
            failures = if failed.is_empty() { 0 } else { failures + 1 };
            if let Some((_, problem)) = failed.first() {
                warn!("{self}: {} changes are not synced yet: {problem}", failed.len());
                self.note(|news| failed.into_iter().for_each(|(change, _)| news.again(change)));
            }
        }
    }

    /// Returns those of which something is neither done nor recorded nor queued; to sync them again is harmless.
    async fn sync_all(&self, news: News) -> Vec<(Change, Error)> {
        let timed = &self.pipeline.until(Instant::now() + SYNC);
        let sync = |change: Change| async move {
            let settled = intake::settle(timed, from_ref(&change)).await;
            settled.err().map(|problem| (change, problem))
        };
        let syncs: Vec<_> = news.into_changes().map(sync).collect();
        stream::iter(syncs).buffer_unordered(AT_ONCE).filter_map(ready).collect().await
    }

    fn note(&self, noting: impl FnOnce(&mut News)) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        noting(&mut news);
        if news.len() > MOST_CHANGES {
            *news = News::default();
            self.missed.notify_one();
        }
        self.changed.notify_one();
    }
}

impl fmt::Display for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut stores = self.of.stores();
        if let Some(first) = stores.next() {
            write!(f, "{first}")?;
        }
        match stores.count() {
            0 => Ok(()),
            others => write!(f, " and {others} more of the same identity"),
        }
    }
}

fn pause(failures: u32) -> Duration {
    backoff::pause(failures).min(LONGEST_PAUSE)
}

/// The pause after a watch that failed. Credentials may be replaced at any time; a right that is missing stays missing for long.
fn rest(problem: &Error, failures: u32) -> Duration {
    if problem.step != Step::Authenticate && !problem.is_retryable() {
        return LATER;
    }
    pause(failures).max(problem.retry_after().unwrap_or_default().min(LATER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::Kind;

    #[test]
    fn a_right_that_is_missing_is_asked_for_less_often_than_a_server_that_is_away() {
        for (step, kind, shortest, longest) in [
            (Step::Fetch, Kind::Unreachable, 1, 2),
            (Step::Authenticate, Kind::Denied, 1, 2),
            (Step::Fetch, Kind::Denied, 300, 300),
        ] {
            let rest = rest(&Error::new(step, kind, "what"), 1).as_secs();
            assert!((shortest..=longest).contains(&rest), "{step:?} {kind:?}: {rest}");
        }
        let unreachable = Error::new(Step::Fetch, Kind::Unreachable, "what");
        assert!(rest(&unreachable, 40) <= LONGEST_PAUSE, "it is back within a minute of the server");
    }
}
