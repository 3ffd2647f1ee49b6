//! Recording: what was done goes to the ledger and, where the ExternalSecret lives in the cluster, back to it.

use crate::deliver::Written;
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::ports::{Clock, Clusters, Entry, Ledger, Ports};
use crate::status::Status;
use jiff::Timestamp;
use pawl_domain::record::{State, TargetState};
use pawl_domain::refresh::retry_at;
use pawl_domain::store::Home;
use pawl_domain::{Declaration, Found, Kind, Outcome, Record, Values};
use tracing::warn;

/// How often a record that met another one is tried again. Each round means that somebody else just finished.
const ROUNDS: u32 = 5;

impl<P: Ports> Pipeline<P> {
    /// Records how a declaration fared and passes the outcome on.
    ///
    /// # Errors
    /// The failure that was recorded; or that of the ledger, when the write is done but not recorded: doing it again
    /// finds the target as it should be.
    pub(crate) async fn record(
        &self,
        declaration: &Declaration,
        entry: Option<Entry>,
        values: Option<Values>,
        result: Result<Written, Error>,
        started: Timestamp,
    ) -> Result<Outcome, Error> {
        let now = self.ports.clock().now();
        let last = entry.as_ref().map(|entry| &entry.record);
        let (record, result) = match result {
            Ok(written) => {
                self.retire_former_target(declaration, last).await;
                (
                    success(declaration, values.unwrap_or_default(), &written, now, started),
                    Ok(written.outcome),
                )
            }
            Err(error) => (failure(declaration, last, &error, now), Err(error)),
        };
        if let Some(at) = retry_at(&record) {
            self.memory.agenda.note(at, &declaration.id);
        }
        let recorded = self.put_record(declaration, record, entry).await;
        self.publish(declaration, &result, now).await;
        match &result {
            Ok(outcome) => {
                metrics::counter!("pawl_outcomes_total", "outcome" => outcome.as_str()).increment(1);
                recorded?;
            }
            Err(error) => {
                metrics::counter!(
                    "pawl_failures_total", "step" => error.step.as_str(), "kind" => error.kind.as_str()
                )
                .increment(1);
                warn!(
                    declaration.id = %declaration.id,
                    step = error.step.as_str(),
                    kind = error.kind.as_str(),
                    retryable = error.is_retryable(),
                    "{}: {error}",
                    declaration.id
                );
                // Nobody would know of it: it must come again.
                if let Err(problem) = recorded {
                    return Err(problem.within(&format!("{error}; that could not be recorded: ")));
                }
            }
        }
        result
    }

    /// Writes the record. Of two deliveries that finish at the same time, the later write to the cluster counts.
    async fn put_record(
        &self,
        declaration: &Declaration,
        mut record: Record,
        entry: Option<Entry>,
    ) -> Result<(), Error> {
        let ledger = self.ports.ledger();
        let mut expected = entry.map(|entry| entry.revision);
        for round in 1.. {
            let conflict = match ledger.put(&declaration.id, &record, expected).await {
                Ok(_) => return Ok(()),
                Err(error) if error.kind == Kind::Conflict && round < ROUNDS => error,
                Err(error) => return Err(error),
            };
            let Some(theirs) = ledger.entries(std::slice::from_ref(&declaration.id)).await?.pop() else {
                expected = None;
                continue;
            };
            match later(&record, &theirs.record) {
                Later::Theirs => return Ok(()),
                Later::Ours => {}
                Later::Unknown => forget_version(&mut record),
            }
            tracing::debug!(declaration.id = %declaration.id, "recording again: {conflict}");
            expected = Some(theirs.revision);
        }
        Ok(())
    }

    /// A declaration that now names another target leaves none behind that it owned.
    async fn retire_former_target(&self, declaration: &Declaration, last: Option<&Record>) {
        let Some(former) = last.and_then(|record| record.target.as_ref()) else { return };
        let kind = declaration.target.generic();
        if former.name == declaration.target.name && former.manifest.as_ref() == kind {
            return;
        }
        if let Err(error) = self.delete_target(&declaration.id, former.manifest.as_ref(), &former.name).await
        {
            warn!(
                declaration.id = %declaration.id,
                "{}: its former target {} stays: {error}", declaration.id, former.name
            );
        }
    }

    async fn publish(&self, declaration: &Declaration, result: &Result<Outcome, Error>, at: Timestamp) {
        if declaration.home == Home::Applied {
            return;
        }
        let status = Status {
            at,
            kind: declaration.target.generic().map(|kind| kind.kind.clone()),
            result: result.as_ref().copied().map_err(|error| error.to_failure(1)),
            target: matches!(result, Ok(Outcome::Written | Outcome::Unchanged))
                .then(|| declaration.target.name.to_string()),
        };
        if let Err(error) = self.ports.clusters().publish(&declaration.id, &status).await {
            warn!(declaration.id = %declaration.id, "{}: its status stays as it is: {error}", declaration.id);
        }
    }
}

fn success(
    declaration: &Declaration,
    values: Values,
    written: &Written,
    now: Timestamp,
    started: Timestamp,
) -> Record {
    let versions = values.0.iter().map(Found::versions).collect();
    let target = match written.outcome {
        Outcome::Written | Outcome::Unchanged => Some(written.resource_version.clone()),
        Outcome::Retained => Some(None),
        Outcome::Deleted | Outcome::TargetMissing | Outcome::NotWanted | Outcome::Queued => None,
    };
    Record {
        declaration: declaration.digest(),
        versions,
        digest: written.digest.clone(),
        inputs: Some(written.inputs.clone()),
        target: target.map(|resource_version| TargetState {
            name: declaration.target.name.clone(),
            manifest: declaration.target.generic().cloned(),
            resource_version,
        }),
        at: now,
        refreshed: Some(started),
        state: State::Settled(written.outcome),
        unsettled_since: None,
        not_before: None,
    }
}

/// What was written last still stands; only how the last attempt went is new.
fn failure(declaration: &Declaration, last: Option<&Record>, error: &Error, now: Timestamp) -> Record {
    let attempts = match last.map(|record| &record.state) {
        Some(State::Failed(failure)) => failure.attempts.saturating_add(1),
        _ => 1,
    };
    let last = last.cloned().unwrap_or_else(|| Record::pending(declaration, now));
    let not_before = error.retry_after().and_then(|pause| now.checked_add(pause).ok());
    Record { state: State::Failed(error.to_failure(attempts)), not_before, ..last.reopened(now) }
}

enum Later {
    Ours,
    Theirs,
    Unknown,
}

/// Which of two records speaks of the later write. A failure never replaces what somebody else just settled;
/// resourceVersions of one object grow, so the larger number was written later.
fn later(ours: &Record, theirs: &Record) -> Later {
    if !matches!(ours.state, State::Settled(_)) {
        return Later::Theirs;
    }
    let number = |record: &Record| record.target.as_ref()?.resource_version.as_ref()?.parse::<u64>().ok();
    match (number(ours), number(theirs)) {
        (Some(ours), Some(theirs)) if ours > theirs => Later::Ours,
        (Some(_), Some(_)) => Later::Theirs,
        _ => Later::Unknown,
    }
}

/// Makes the next delivery read the target first.
fn forget_version(record: &mut Record) {
    if let Some(target) = &mut record.target {
        target.resource_version = None;
    }
}
