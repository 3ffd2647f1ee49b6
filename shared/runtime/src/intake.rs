//! Takes in one event, whatever way it came: reads it, syncs what it changes, and says whether it is done.

use crate::measure;
use pawl_domain::Change;
use pawl_events::Error as EventError;
use pawl_pipeline::{Pipeline, Report};
use pawl_ports::{Error, Ports};
use tracing::warn;

/// What became of an event.
#[derive(Debug)]
pub enum Intake {
    /// Everything that it affects is written, recorded as failed for good, or in the job queue.
    Done {
        /// How many changes it spoke of.
        changes: usize,
        /// What became of the declarations.
        report: Report,
    },
    /// It cannot be read, and will not be the next time either. Counted and logged; acknowledge it.
    Dropped(EventError),
    /// Registry, ledger or job queue could not be asked: it must come again.
    Again(Error),
}

/// Takes in one event in any envelope that [`pawl_events::changes`] knows. Taking it in twice is harmless.
pub async fn take<P: Ports>(pipeline: &Pipeline<P>, body: &[u8]) -> Intake {
    let changes = match read(body) {
        Ok(changes) => changes,
        Err(problem) => return Intake::Dropped(problem),
    };
    match settle(pipeline, &changes).await {
        Ok(report) => Intake::Done { changes: changes.len(), report },
        Err(problem) => {
            warn!("event comes again: {problem}");
            Intake::Again(problem)
        }
    }
}

/// The changes that an event speaks of, in any envelope that [`pawl_events::changes`] knows. Counted and logged.
///
/// # Errors
/// As there; the event is no better the next time.
pub fn read(body: &[u8]) -> Result<Vec<Change>, EventError> {
    let changes = pawl_events::changes(body).inspect_err(|problem| {
        count(match problem {
            EventError::Unknown { .. } => "unknown",
            EventError::Malformed { .. } | EventError::TooLarge { .. } => "malformed",
        });
        warn!("event dropped: {problem}");
    })?;
    count(if changes.is_empty() { "no-change" } else { "change" });
    Ok(changes)
}

/// Counts an event whose sender was not let in.
pub fn refused() {
    count("refused");
}

/// The same for an event that was taken out for the `attempt`th time, this time included. One that comes again may have ended
/// the process that had it before, so it is taken in with care.
pub async fn take_again<P: Ports>(pipeline: &Pipeline<P>, body: &[u8], attempt: u32) -> Intake {
    let careful = (attempt > 1).then(|| pipeline.with_care());
    take(careful.as_ref().unwrap_or(pipeline), body).await
}

/// Syncs these changes: what they affect is then written, recorded as failed for good, or in the job queue.
///
/// # Errors
/// When that cannot be said of all of it; the changes must be handed in again, which is harmless.
pub async fn settle<P: Ports>(pipeline: &Pipeline<P>, changes: &[Change]) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut failed = None;
    // One change that cannot be looked up does not keep the others waiting.
    for change in changes {
        match pipeline.sync(change).await {
            Ok(synced) => {
                measure::written(pipeline, Some(change), &synced);
                report.extend(synced);
            }
            Err(problem) => failed = Some(problem),
        }
    }
    let unsettled =
        report.failures().find(|(_, error)| error.is_retryable()).map(|(_, error)| error.shared());
    failed.or(unsettled).map_or(Ok(report), Err)
}

fn count(outcome: &'static str) {
    metrics::counter!("pawl_events_total", "outcome" => outcome).increment(1);
}
