//! What is too dear to be made for every visitor: made in the background, by one task at a time, and shown until it is old.

use jiff::Timestamp;
use pawl_ports::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// How long a visitor waits for a new one, before the old one is shown or that it is being made.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one is shown at least.
const SHORTEST: Duration = Duration::from_secs(5);
/// It is shown for so many times as long as it took to make, so that a large registry is not walked through all the time.
const TIMES: u32 = 20;

/// Holds the last one that was made.
pub(crate) struct Snapshot<T> {
    state: Mutex<State<T>>,
    ended: watch::Sender<()>,
}

struct State<T> {
    taken: Option<Taken<T>>,
    good_until: Option<Instant>,
    is_running: bool,
}

/// One that was made.
pub(crate) struct Taken<T> {
    /// When it was begun.
    pub(crate) at: Timestamp,
    /// It, or why there is none.
    pub(crate) result: Result<Arc<T>, String>,
}

impl<T> Clone for Taken<T> {
    fn clone(&self) -> Self {
        Self { at: self.at, result: self.result.clone() }
    }
}

impl<T> Default for Snapshot<T> {
    fn default() -> Self {
        let state = State { taken: None, good_until: None, is_running: false };
        Self { state: Mutex::new(state), ended: watch::Sender::new(()) }
    }
}

impl<T: Send + Sync + 'static> Snapshot<T> {
    /// The last one, or a new one where that is old. `take` is dropped where it is not needed, and goes on where its visitor
    /// leaves.
    pub(crate) async fn look(
        self: &Arc<Self>,
        now: Timestamp,
        take: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Option<Taken<T>> {
        let mut ended = self.ended.subscribe();
        {
            let mut state = self.state();
            if state.good_until.is_some_and(|until| until > Instant::now()) {
                return state.taken.clone();
            }
            if !state.is_running {
                state.is_running = true;
                tokio::spawn(Running(Arc::clone(self)).run(now, take));
            }
        }
        let _ = timeout(PATIENCE, ended.changed()).await;
        self.state().taken.clone()
    }

    /// The last one that was made, however old it is.
    pub(crate) fn last(&self) -> Option<Taken<T>> {
        self.state().taken.clone()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that makes one. However it ends, the next visitor may begin another.
struct Running<T: Send + Sync + 'static>(Arc<Snapshot<T>>);

impl<T: Send + Sync + 'static> Running<T> {
    async fn run(self, at: Timestamp, take: impl Future<Output = Result<T, Error>>) {
        let begun = Instant::now();
        let result = take.await.map(Arc::new).map_err(|error| error.to_string());
        let mut state = self.0.state();
        state.good_until = Some(Instant::now() + SHORTEST.max(begun.elapsed() * TIMES));
        state.taken = Some(Taken { at, result });
    }
}

impl<T: Send + Sync + 'static> Drop for Running<T> {
    fn drop(&mut self) {
        self.0.state().is_running = false;
        self.0.ended.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// Makes the number of those that were begun, after so many seconds.
    fn counting(begun: &Arc<AtomicU32>, seconds: u64) -> impl Future<Output = Result<u32, Error>> + use<> {
        let begun = Arc::clone(begun);
        async move {
            let number = begun.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(number)
        }
    }

    fn number(taken: Option<Taken<u32>>) -> Option<u32> {
        taken.map(|taken| *taken.result.unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_made_for_all_that_come_and_shown_for_twenty_times_as_long() {
        let (snapshot, begun) = (Arc::new(Snapshot::default()), Arc::default());
        let looks = (0..10).map(|_| snapshot.look(NOW, counting(&begun, 2)));
        let seen = futures::future::join_all(looks).await;
        assert!(seen.into_iter().all(|taken| number(taken) == Some(1)));
        tokio::time::advance(Duration::from_secs(39)).await;
        assert_eq!(number(snapshot.look(NOW, counting(&begun, 2)).await), Some(1));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(number(snapshot.look(NOW, counting(&begun, 2)).await), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_takes_long_goes_on_without_its_visitor() {
        let (snapshot, begun) = (Arc::new(Snapshot::default()), Arc::default());
        assert_eq!(number(snapshot.look(NOW, counting(&begun, 25)).await), None, "after ten seconds");
        assert_eq!(number(snapshot.look(NOW, counting(&begun, 25)).await), None, "after twenty");
        assert_eq!(number(snapshot.look(NOW, counting(&begun, 25)).await), Some(1));
        assert_eq!(begun.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_panics_is_made_again() {
        let (snapshot, begun) = (Arc::new(Snapshot::default()), Arc::default());
        let taken = snapshot.look(NOW, async { panic!("as an adapter might") }).await;
        assert_eq!(number(taken), None);
        assert_eq!(number(snapshot.look(NOW, counting(&begun, 1)).await), Some(1));
    }
}
