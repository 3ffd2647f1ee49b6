//! When a declaration is due without anybody having said that its keys changed.

use crate::declaration::Declaration;
use crate::record::{Failure, Kind, MOST_STARTS, Outcome, Record, State};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// The shortest pause between two attempts at a declaration that keeps failing. Source: ESO's workqueue.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest such pause. Source: as above.
pub(crate) const LAST_RETRY: Duration = Duration::from_secs(7 * 60);
/// The longest that [`Record::not_before`] holds anything back: a clock that was ahead once must not stop retries.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// Whether the declaration must be read again: it never was, it is another one than was written, its last attempt
/// failed long enough ago, or `refreshInterval` has passed since the target was last known to be as declared. The last
/// two wait for `syncWindows`. Source: ESO's refresh decision.
pub fn due(declaration: &Declaration, record: Option<&Record>, now: Timestamp) -> bool {
    let Some(record) = record else { return true };
    let edited = is_edited(declaration, record);
    let called_for = is_called_for(declaration, record);
    let wanted = called_for || !declaration.refresh.reads_once() || !record.owed.is_empty();
    wanted
        && !record.is_set_aside(declaration)
        && !is_held_back(record.not_before, now)
        && (called_for || declaration.refresh.is_let_run(now))
        && match (&record.state, record.refreshed) {
            (State::Failed(failure), _) => passed(record.at, rest(declaration, failure), now),
            (State::Settled(_), Some(refreshed)) if !edited => {
                passed(refreshed, declaration.refresh.interval, now)
            }
            (State::Pending | State::Settled(_), _) => true,
        }
}

/// Whether what generators made for the declaration must be made anew by the clock, although nothing else is due.
pub fn renews(declaration: &Declaration, record: Option<&Record>, now: Timestamp) -> bool {
    let Some(record) = record else { return false };
    matches!(record.state, State::Settled(_))
        && declaration.refresh.is_let_run(now)
        && record.generated.renews(&declaration.refresh).is_some_and(|at| at <= now)
}

/// When the next attempt is made at what fails or waits; `None` where there is nothing to try again.
pub fn retry_at(record: &Record) -> Option<Timestamp> {
    if record.begun.as_ref().is_some_and(|begun| begun.times > MOST_STARTS) {
        return None;
    }
    let at = match &record.state {
        State::Failed(failure) if failure.kind == Kind::Refused => return None,
        State::Failed(failure) => record.at.saturating_add(pause(failure.attempts)).ok()?,
        State::Pending => record.at,
        State::Settled(_) => return None,
    };
    Some(record.not_before.map_or(at, |until| until.max(at)))
}

/// How long the promise of `refreshInterval` has been broken, if it is: something was left to do for longer than the
/// interval and `period`, the time between two sweeps.
pub fn overdue(
    declaration: &Declaration,
    record: &Record,
    period: Duration,
    now: Timestamp,
) -> Option<Duration> {
    if matches!(record.state, State::Settled(Outcome::TargetMissing)) {
        return None;
    }
    // What is read once promises nothing but its first Secret.
    let interval =
        if declaration.refresh.reads_once() { Duration::ZERO } else { declaration.refresh.interval };
    let age = Duration::try_from(now.duration_since(record.open_since()?)).ok()?;
    age.checked_sub(interval.saturating_add(period)).filter(|late| !late.is_zero())
}

/// Whether the declaration must be read whatever its sync windows say: it never was, it was edited since, or its target was
/// changed by somebody else.
pub fn is_called_for(declaration: &Declaration, record: &Record) -> bool {
    record.refreshed.is_none() || record.drifted || is_edited(declaration, record)
}

/// Whether `pause` or more lies between `since` and `now`. A `since` in the future counts as long ago, as in ESO.
pub fn passed(since: Timestamp, pause: Duration, now: Timestamp) -> bool {
    let elapsed = now.duration_since(since);
    elapsed.is_negative() || SignedDuration::try_from(pause).is_ok_and(|pause| elapsed >= pause)
}

fn is_edited(declaration: &Declaration, record: &Record) -> bool {
    declaration.follows_manifest() && record.declaration != declaration.digest()
}

/// Whether it waits in the job queue, or a server asked for a pause, until this moment.
pub(crate) fn is_held_back(until: Option<Timestamp>, now: Timestamp) -> bool {
    let wait = until.map(|until| until.duration_since(now));
    wait.is_some_and(|wait| wait.is_positive() && wait <= LONGEST_WAIT)
}

/// How long a failure rests. What the operator refused is looked at as seldom as what is well: a changed policy marks what
/// it concerns.
fn rest(declaration: &Declaration, failure: &Failure) -> Duration {
    match failure.kind {
        Kind::Refused => declaration.refresh.interval.max(LAST_RETRY),
        _ => pause(failure.attempts),
    }
}

/// Doubles from [`FIRST_RETRY`] to [`LAST_RETRY`].
pub(crate) fn pause(attempts: u32) -> Duration {
    FIRST_RETRY.saturating_mul(1 << attempts.saturating_sub(1).min(9)).min(LAST_RETRY)
}
