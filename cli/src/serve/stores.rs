//! What `pawl serve` does with stores that tell what changes in them as it happens: it watches them and syncs each change at
//! once. One task for each identity, so that stores do not wait for each other. The sweep finds the same by the clock.

use super::tasks::Stopped;
use super::watch::pause;
use futures::{StreamExt, stream};
use metrics::counter;
use pawl_domain::{Access, Change, Moved, Step, StoreId};
use pawl_pipeline::Pipeline;
use pawl_pipeline::sweep::Watchable;
use pawl_ports::{Error, Ports, Sources, StoreSighting};
use pawl_runtime::{World, backoff, intake};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, Sender};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{error, info, warn};

/// How often the registry is asked which stores there are, unless something was taken in from a cluster; less often where it
/// takes long to answer.
const LOOK: Duration = Duration::from_secs(15);
/// The pause between two looks.
const BETWEEN: Duration = Duration::from_secs(1);
/// A look may take one part in so many of the time.
const LOOKS_SHARE: u32 = 20;
/// Watches of one process: each holds a connection, and a line of half a megabyte at most. The other stores live on the sweep.
const MOST: usize = 256;
/// Sightings that may wait to be coalesced; a watch waits when there is no room.
const ROOM: usize = 64;
/// After a sighting more are waited for so long: `kubectl apply` of a folder is one piece of work.
const QUIET: Duration = Duration::from_millis(50);
/// So many changes are remembered one by one; if more came, the store is looked at as a whole.
const MOST_CHANGES: usize = 1_000;
/// Changes of one store that are synced at the same time.
const AT_ONCE: usize = 16;
/// How long changes may take before what is left of them becomes jobs.
const SYNC: Duration = Duration::from_secs(25);
/// A watch that ended sooner than this is not resumed without a pause.
const SHORT: Duration = Duration::from_secs(1);
/// The longest pause after watches that failed or were short.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long a store that may not be watched is left alone.
const LATER: Duration = Duration::from_secs(5 * 60);

/// Watches every store that can be watched and that declarations read. `taken_in` says that there may be others.
pub(super) async fn stores(pipeline: Arc<Pipeline<World>>, taken_in: Arc<Notify>, mut stopped: Stopped) {
    let mut watching: BTreeMap<Access, (Vec<StoreId>, AbortHandle)> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    let (mut next, mut soonest, mut left_out) = (Instant::now(), Instant::now(), 0);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            () = sleep_until(next) => {}
            () = taken_in.notified() => {
                next = next.min(soonest);
                continue;
            }
            Some(ended) = tasks.join_next() => {
                if let Err(problem) = ended && problem.is_panic() {
                    error!("a store is not watched for the moment: {problem}");
                }
                continue;
            }
        }
        let began = Instant::now();
        let found = pipeline.watchable().await;
        let took = began.elapsed() * LOOKS_SHARE;
        (soonest, next) = (Instant::now() + BETWEEN.max(took), Instant::now() + LOOK.max(took));
        let found = match found {
            Ok(found) => found,
            Err(problem) => {
                warn!("stores to watch: {problem}");
                continue;
            }
        };
        let before = std::mem::replace(&mut left_out, found.len().saturating_sub(MOST));
        if left_out > 0 && before == 0 {
            warn!("{left_out} stores are not watched, for at most {MOST} are; the sweep finds their changes");
        }
        let tenant = |of: &Watchable| (of.access().cluster.clone(), of.access().namespace.clone());
        let wanted: BTreeMap<Access, Watchable> =
            fair(found, tenant, MOST).into_iter().map(|of| (of.access().clone(), of)).collect();
        watching.retain(|access, (stores, task)| {
            let same =
                wanted.get(access).is_some_and(|of| of.stores().eq(stores.iter())) && !task.is_finished();
            if !same {
                task.abort();
            }
            same
        });
        for (access, of) in wanted {
            watching.entry(access).or_insert_with(|| {
                let stores = of.stores().cloned().collect();
                (stores, tasks.spawn(follow(Arc::clone(&pipeline), of, stopped.clone())))
            });
        }
    }
    // Each ends after the piece of work that it began.
    while tasks.join_next().await.is_some() {}
}

/// At most so many, and of each tenant as many as of any other that has as many.
fn fair<T, K: Ord>(all: Vec<T>, tenant: impl Fn(&T) -> K, most: usize) -> Vec<T> {
    let mut turns: BTreeMap<K, usize> = BTreeMap::new();
    let mut in_turn = |one: T| {
        let turn = turns.entry(tenant(&one)).or_default();
        *turn += 1;
        (*turn, one)
    };
    let mut ranked: Vec<_> = all.into_iter().map(&mut in_turn).collect();
    ranked.sort_by_key(|(turn, _)| *turn);
    ranked.into_iter().take(most).map(|(_, one)| one).collect()
}

/// Follows one identity's stores until told to stop.
async fn follow(pipeline: Arc<Pipeline<World>>, of: Watchable, mut stopped: Stopped) {
    let (tell, mut told) = mpsc::channel(ROOM);
    let failing = AtomicBool::new(false);
    let mut watching = Box::pin(watch(pipeline.ports().sources(), &of, &tell, &failing));
    let mut news = News::default();
    let (mut act_at, mut not_before, mut failures) = (Instant::now(), Instant::now(), 0);
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            never = &mut watching => match never {},
            Some(sighting) = told.recv() => {
                if news.is_empty() {
                    act_at = not_before.max(Instant::now() + QUIET);
                }
                tell_begun(&of, &sighting, &failing);
                news.add(sighting);
                continue;
            }
            () = sleep_until(act_at), if !news.is_empty() => {}
        }
        let taken = std::mem::take(&mut news);
        let acted = {
            let mut acting = Box::pin(act(&pipeline, &of, &taken));
            // The watch goes on meanwhile, for a server drops those that do not listen.
            loop {
                tokio::select! {
                    acted = &mut acting => break acted,
                    never = &mut watching => match never {},
                    Some(sighting) = told.recv() => {
                        tell_begun(&of, &sighting, &failing);
                        news.add(sighting);
                    }
                }
            }
        };
        not_before = Instant::now();
        match acted {
            Ok(true) => failures = 0,
            Ok(false) => {
                news.again(taken);
                not_before += pause(0);
            }
            Err(problem) => {
                warn!("{}: changes are not synced: {problem}", named(&of));
                news.again(taken);
                not_before += pause(failures);
                failures += 1;
            }
        }
        act_at = not_before;
    }
}

/// Watches for ever, and says once when that begins to fail.
async fn watch(
    sources: &impl Sources,
    of: &Watchable,
    tell: &Sender<StoreSighting>,
    failing: &AtomicBool,
) -> Infallible {
    let (mut from, mut failures) = (None, 0);
    loop {
        let began = Instant::now();
        let ended = sources.watch(of.access(), &mut from, tell).await;
        if began.elapsed() >= SHORT {
            failures = 0;
            if ended.is_ok() {
                continue;
            }
        }
        failures += 1;
        let mut rest = backoff::pause(failures).min(LONGEST_PAUSE);
        if let Err(problem) = ended {
            counter!("pawl_store_watch_failures_total").increment(1);
            if !failing.swap(true, Ordering::Relaxed) {
                warn!("{}: it is not watched, so the sweep finds its changes: {problem}", named(of));
            }
            if problem.step != Step::Authenticate && !problem.is_retryable() {
                rest = LATER;
            }
            rest = rest.max(problem.retry_after().unwrap_or_default().min(LATER));
        }
        sleep(rest).await;
    }
}

fn tell_begun(of: &Watchable, sighting: &StoreSighting, failing: &AtomicBool) {
    counter!("pawl_store_sightings_total").increment(1);
    if matches!(sighting, StoreSighting::Begun { .. }) && failing.swap(false, Ordering::Relaxed) {
        info!("{}: it is watched again", named(of));
    }
}

/// Syncs what was seen. `false` when it must be done again, because a sweep is at the same store.
///
/// # Errors
/// When registry or ledger could not be asked, or something is neither done nor queued; doing it again is harmless.
async fn act(pipeline: &Pipeline<World>, of: &Watchable, news: &News) -> Result<bool, Error> {
    if news.anew && !pipeline.catch_up(of).await? {
        return Ok(false);
    }
    let timed = pipeline.until(Instant::now() + SYNC);
    let syncs = news.changes.values().map(|change| intake::settle(&timed, std::slice::from_ref(change)));
    let mut syncs = stream::iter(syncs.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    let mut failed = None;
    while let Some(synced) = syncs.next().await {
        failed = synced.err().or(failed);
    }
    failed.map_or(Ok(true), Err)
}

fn named(of: &Watchable) -> String {
    let mut stores = of.stores();
    let first = stores.next().map(ToString::to_string).unwrap_or_default();
    match stores.count() {
        0 => first,
        others => format!("{first} and {others} more of the same identity"),
    }
}

/// What was seen since it was last acted on: of each key the last word, in bounded memory.
#[derive(Debug, Default)]
struct News {
    anew: bool,
    changes: BTreeMap<BTreeSet<String>, Change>,
}

impl News {
    fn is_empty(&self) -> bool {
        !self.anew && self.changes.is_empty()
    }

    fn add(&mut self, sighting: StoreSighting) {
        match sighting {
            StoreSighting::Begun { anew: false } => {}
            // A look at the whole store finds what came before.
            StoreSighting::Begun { anew: true } => (self.anew, self.changes) = (true, BTreeMap::new()),
            StoreSighting::Changed(mut change) => {
                let before = self.changes.get(&change.names);
                if before.is_some_and(|before| before.moved == Moved::Existence) {
                    change.moved = Moved::Existence;
                }
                self.changes.insert(change.names.clone(), change);
            }
        }
        self.bound();
    }

    /// Notes what could not be acted on; what was seen since is newer.
    fn again(&mut self, failed: Self) {
        self.anew |= failed.anew;
        for (names, before) in failed.changes {
            let change = self.changes.entry(names).or_insert_with(|| before.clone());
            if before.moved == Moved::Existence {
                change.moved = Moved::Existence;
            }
        }
        self.bound();
    }

    fn bound(&mut self) {
        if self.changes.len() > MOST_CHANGES {
            (self.anew, self.changes) = (true, BTreeMap::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use pawl_domain::change::Extent;
    use pawl_domain::{Location, Provider};

    fn changed(key: &str, version: &str, moved: Moved) -> StoreSighting {
        StoreSighting::Changed(Change {
            id: version.to_owned(),
            location: Location { provider: Provider::ALL[0], region: String::new(), account: None },
            names: BTreeSet::from([key.to_owned()]),
            extent: Extent::Key,
            version: Some(version.to_owned()),
            moved,
            at: Timestamp::UNIX_EPOCH,
        })
    }

    fn told(news: &News) -> Vec<(&str, bool)> {
        let told = |change: &'_ Change| change.moved == Moved::Existence;
        news.changes.values().map(|change| (change.id.as_str(), told(change))).collect()
    }

    #[test]
    fn of_each_key_the_last_word_counts_and_that_it_came_or_went() {
        let mut news = News::default();
        assert!(news.is_empty());
        news.add(StoreSighting::Begun { anew: false });
        assert!(news.is_empty(), "a watch that goes on says nothing new");
        for (key, version, moved) in
            [("a", "1", Moved::Existence), ("a", "2", Moved::Current), ("b", "3", Moved::Current)]
        {
            news.add(changed(key, version, moved));
        }
        assert_eq!(told(&news), [("2", true), ("3", false)]);
        let failed = std::mem::take(&mut news);
        news.add(changed("a", "4", Moved::Current));
        news.again(failed);
        assert_eq!(told(&news), [("4", true), ("3", false)], "what was seen since is newer");
        news.add(StoreSighting::Begun { anew: true });
        assert!(news.anew && news.changes.is_empty(), "the whole store is looked at anyway");
    }

    #[test]
    fn memory_is_bounded() {
        let mut news = News::default();
        for number in 0..=MOST_CHANGES {
            news.add(changed(&number.to_string(), "1", Moved::Current));
        }
        assert!(news.anew && news.changes.is_empty());
    }

    #[test]
    fn no_tenant_crowds_out_another() {
        let all = ["a1", "a2", "a3", "a4", "b1", "c1", "c2"];
        let tenant = |one: &&str| one.as_bytes()[0];
        for (most, want) in [
            (2, &["a1", "b1"][..]),
            (4, &["a1", "b1", "c1", "a2"]),
            (5, &["a1", "b1", "c1", "a2", "c2"]),
            (9, &["a1", "b1", "c1", "a2", "c2", "a3", "a4"]),
        ] {
            assert_eq!(fair(all.to_vec(), tenant, most), want, "{most}");
        }
    }
}
