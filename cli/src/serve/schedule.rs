//! Work at each interval, until the process is told to stop.

use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Says whether the process was told to stop.
pub(super) type Stopped = watch::Receiver<bool>;

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
