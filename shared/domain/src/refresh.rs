//! When a declaration is due without anybody having said that its keys changed.

use crate::declaration::Declaration;
use crate::record::{Record, State};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The shortest pause between two attempts at a declaration that keeps failing.
const FIRST_RETRY: Duration = Duration::from_secs(30);
/// The longest such pause; ESO's workqueue ends there too.
const LAST_RETRY: Duration = Duration::from_secs(7 * 60);

/// Whether the declaration must be read again: it never was, it is another one than was written, its last attempt
/// failed long enough ago, or `refreshInterval` has passed since the target was last known to be as declared. The last
/// two wait for `syncWindows`. Source: ESO's refresh decision.
pub fn due(declaration: &Declaration, record: Option<&Record>, now: Timestamp) -> bool {
    let Some(record) = record else { return true };
    let edited = is_edited(declaration, record);
    let called_for = is_called_for(declaration, record);
    let wanted = called_for || !declaration.refresh.reads_once();
    wanted
        && (called_for || declaration.refresh.is_let_run(now))
        && match (&record.state, record.refreshed) {
            (State::Failed(failure), _) => passed(record.at, pause(failure.attempts), now),
            (State::Settled(_), Some(refreshed)) if !edited => {
                passed(refreshed, declaration.refresh.interval, now)
            }
            (State::Pending | State::Settled(_), _) => true,
        }
}

/// Whether the declaration must be read whatever its sync windows say: it never was, or it was edited since.
pub fn is_called_for(declaration: &Declaration, record: &Record) -> bool {
    record.refreshed.is_none() || is_edited(declaration, record)
}

fn is_edited(declaration: &Declaration, record: &Record) -> bool {
    declaration.follows_manifest() && record.declaration != declaration.digest()
}

/// Doubles from [`FIRST_RETRY`] to [`LAST_RETRY`].
fn pause(attempts: u32) -> Duration {
    FIRST_RETRY.saturating_mul(1 << attempts.saturating_sub(1).min(8)).min(LAST_RETRY)
}

/// Whether `pause` or more lies between `since` and `now`. A `since` in the future counts as long ago, as in ESO.
fn passed(since: Timestamp, pause: Duration, now: Timestamp) -> bool {
    let elapsed = now.duration_since(since);
    elapsed.is_negative() || SignedDuration::try_from(pause).is_ok_and(|pause| elapsed >= pause)
}
