//! Workers that take messages out of a queue. A message that takes long keeps one worker busy and holds up no other.

use super::schedule::Stopped;
use pawl_ports::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{error, warn};

/// How long a receive that is under way may go on after the process was told to stop.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// The pause after a queue could not be asked.
const PAUSE: Duration = Duration::from_secs(2);
/// How often it is tried to say what became of a message.
const SETTLING: u32 = 30;

/// Receives as many messages as workers are free, at most `most` at once, and does each of them. When told to stop, it
/// receives no more and finishes what was begun.
pub(super) async fn run<M, R, W>(
    queue: &'static str,
    workers: usize,
    most: usize,
    receive: impl Fn(usize) -> R,
    work: impl Fn(M) -> W,
    mut stopped: Stopped,
) where
    R: Future<Output = Result<Vec<M>, Error>>,
    W: Future<Output = ()> + Send + 'static,
{
    let free = Arc::new(Semaphore::new(workers));
    let mut working = JoinSet::new();
    loop {
        let first = tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            permit = Arc::clone(&free).acquire_owned() => permit,
        };
        // Only this loop takes permits, so those that are free now stay so.
        let limit = most.min(free.available_permits() + 1);
        drop(first);
        let received = match last_look(receive(limit), &mut stopped).await {
            Ok(received) => received,
            Err(problem) => {
                warn!("{queue}: {problem}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        for message in received {
            let permit = Arc::clone(&free).acquire_owned().await;
            let work = work(message);
            working.spawn(async move {
                work.await;
                drop(permit);
            });
        }
        while let Some(done) = working.try_join_next() {
            note_panic(done);
        }
    }
    while let Some(done) = working.join_next().await {
        note_panic(done);
    }
}

/// Says what became of a message, again and again for a minute: one of which that is not known waits until its lease ends,
/// even if it only has to be tried again.
pub(super) async fn insist<S>(queue: &'static str, settle: impl Fn() -> S)
where
    S: Future<Output = Result<(), Error>>,
{
    for _ in 0..SETTLING {
        match settle().await {
            Ok(()) => return,
            Err(problem) => warn!("{queue}: {problem}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What a receive gives; nothing when the process was told to stop. A message that is being leased at that moment would
/// wait until its lease ends if nobody did it, so the receive has a little time left.
async fn last_look<M>(
    receive: impl Future<Output = Result<Vec<M>, Error>>,
    stopped: &mut Stopped,
) -> Result<Vec<M>, Error> {
    let mut receive = pin!(receive);
    tokio::select! {
        received = &mut receive => return received,
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    tokio::time::timeout(LAST_LOOK, receive).await.unwrap_or_else(|_| Ok(Vec::new()))
}

/// What panicked was not settled, so it comes again. What the panic said may hold a value.
fn note_panic(done: Result<(), tokio::task::JoinError>) {
    if done.is_err_and(|error| error.is_panic()) {
        error!("a worker panicked; its message comes again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::{Kind, Step};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::sync::{mpsc, watch};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn what_became_of_a_message_is_said_until_it_is_heard_or_a_minute_has_passed() {
        for (deaf, tries) in [(0, 1), (5, 6), (u32::MAX, 30)] {
            let tried = AtomicU32::new(0);
            let settle = || {
                let heard = tried.fetch_add(1, Ordering::SeqCst) >= deaf;
                let busy = || Error::new(Step::Enqueue, Kind::Transient, "disk I/O error");
                async move { if heard { Ok(()) } else { Err(busy()) } }
            };
            let began = Instant::now();
            insist("a queue", settle).await;
            assert_eq!(tried.load(Ordering::SeqCst), tries);
            assert!(began.elapsed() <= Duration::from_secs(60));
        }
    }

    #[tokio::test]
    async fn a_message_that_hangs_holds_up_no_other_and_one_that_panics_stops_nobody() {
        let (stop, stopped) = watch::channel(false);
        let (done, mut finished) = mpsc::unbounded_channel();
        let (release, released) = watch::channel(false);
        let left = Mutex::new(vec!["hangs", "panics", "a", "b", "c"].into_iter());
        let receive = |limit: usize| {
            let next: Vec<_> = left.lock().unwrap().by_ref().take(limit).collect();
            async move {
                if next.is_empty() {
                    std::future::pending::<()>().await;
                }
                Ok(next)
            }
        };
        let work = move |message: &'static str| {
            let (done, mut released) = (done.clone(), released.clone());
            async move {
                assert!(message != "panics", "as a fault might");
                if message == "hangs" {
                    released.wait_for(|released| *released).await.unwrap();
                }
                done.send(message).unwrap();
            }
        };
        let others = async {
            let seen = [finished.recv().await, finished.recv().await, finished.recv().await];
            assert_eq!(seen, [Some("a"), Some("b"), Some("c")], "while one hangs");
            stop.send(true).unwrap();
            release.send(true).unwrap();
            assert_eq!(finished.recv().await, Some("hangs"), "what was begun is finished");
        };
        tokio::join!(run("a queue", 2, 2, receive, work, stopped), others);
    }
}
