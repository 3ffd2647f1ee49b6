//! Records the result of a delivery in the ledger, with what is still owed.

use crate::base::stores::Stores;
use crate::deliver::delivery::{Attempted, Delivery, Finished};
use crate::deliver::generate;
use crate::deliver::history::remembered;
use crate::deliver::merge::{Merged, merged};
use crate::deliver::plan::Plan;
use crate::deliver::write::Written;
use crate::parts::Deliver;
use jiff::Timestamp;
use pawl_domain::declaration::CreationPolicy;
use pawl_domain::reconcile::Deed;
use pawl_domain::record::{
    Begun, FormerTarget, History, MOST_STARTS, Owed, State, TargetState, is_looked_for,
};
use pawl_domain::refresh::retry_at;
use pawl_domain::store::Home;
use pawl_domain::{Declaration, DeclarationId, Found, Kind, Outcome, Record, Step, Values, Versions};
use pawl_ports::{Clock, Error, Ledger, Ports, Registry, Status, TargetRef};
use std::time::Duration;
use tracing::warn;

/// The longest pause between two looks for what was deleted.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);
/// How often a record is written anew that somebody removed.
const ROUNDS: u32 = 2;

impl<P: Ports> Deliver<P> {
    /// Records how a declaration fared and passes the outcome on: the failure that was recorded; or, where nothing could
    /// be recorded, a failure that may be tried again, for nobody else would know of it.
    pub(crate) async fn record(&self, plan: Plan, attempted: Attempted, delivery: &Delivery<'_>) -> Finished {
        let Attempted { result, values, behind, waits, is_aside, created } = attempted;
        let now = self.base.ports.clock().now();
        let declaration = &plan.declaration;
        let mut owed = plan.record().map(|record| record.owed.clone()).unwrap_or_default();
        let (mut deed, mut retired) = (Deed::Nothing, false);
        let (mut record, result) = match result {
            Ok(written) => {
                deed = if created && written.deed != Deed::Deleted { Deed::Created } else { written.deed };
                owed.older_since = None;
                owed.changes.clear();
                behind.iter().filter(|it| is_looked_for(it, now)).for_each(|it| owed.want(it));
                if owed.declared.is_some() && owed.admits(&self.base.basis(declaration, delivery.stores), now)
                {
                    owed.declared = None;
                }
                owed.target = written.outcome == Outcome::Deleted && comes_back(declaration);
                let problem;
                (retired, problem) = self.retire_former_targets(&plan, &mut owed).await;
                let mut record =
                    success(&plan, values, &written, owed, problem.as_ref(), now, delivery.started);
                record.history = remembered(&plan, &record, written.outcome, self.mode.insists);
                (record, problem.map_or(Ok(written.outcome), Err))
            }
            Err(error) => {
                if error.kind == Kind::Stale && !waits {
                    owed.older_since.get_or_insert(now);
                }
                let sought = plan.sought.iter().map(|sought| sought.change.as_ref());
                sought.filter(|it| is_looked_for(it, now)).for_each(|it| owed.want(it));
                let record =
                    if waits { waiting(&plan, owed, now) } else { failure(&plan, &error, owed, now) };
                (record, Err(error))
            }
        };
        let aside = || Begun { declaration: plan.digest.clone(), times: MOST_STARTS + 1 };
        record.begun = is_aside.then(aside);
        if let Some(at) = retry_at(&record) {
            self.base.memory.agenda.note(at, &declaration.id);
        }
        if matches!(result, Ok(Outcome::Written | Outcome::Deleted)) {
            self.tell_pushes(declaration);
        }
        let status = if waits { None } else { status(&plan, &result, now) };
        let status = status.map(|status| Status { deed, retired, ..status });
        if let Some(status) = &status {
            record.told = status.told();
        }
        let is_behind = !record.owed.changes.is_empty() && result.is_ok();
        let recorded = self.put_record(&plan, record, delivery.stores).await;
        if !waits {
            tell(&declaration.id, &result);
        }
        let (result, status) = match recorded {
            Ok(Recorded::Stands) => (Some(result), status),
            // How it stands since is the other delivery's to tell; what this one did is nobody else's.
            Ok(Recorded::Theirs) => {
                let has_done = |status: &Status| status.deed != Deed::Nothing || status.retired;
                (Some(result), status.filter(has_done).map(|status| Status { overtaken: true, ..status }))
            }
            Ok(Recorded::Removed) => {
                self.undo(declaration).await;
                (None, None)
            }
            // It comes again, and is told then.
            Err(problem) => (Some(Err(unrecorded(&declaration.id, &result, &problem))), None),
        };
        Finished { id: plan.declaration.id, result, behind: is_behind, status, is_left: false }
    }

    /// A target that was written or deleted may be the source of PushSecrets.
    fn tell_pushes(&self, declaration: &Declaration) {
        if self.base.settings.pushes && declaration.target.generic().is_none() {
            let id = &declaration.id;
            let secret = (id.namespace.clone(), declaration.target.name.clone());
            self.base.memory.pushes.changed([(id.cluster.clone(), [secret].into())].into());
        }
    }

    /// Writes the record. Of two deliveries that finish at the same time, the later write to the cluster counts; what
    /// somebody else noted meanwhile as still to be done stays to be done.
    async fn put_record(&self, plan: &Plan, mut record: Record, stores: &Stores) -> Result<Recorded, Error> {
        let id = &plan.declaration.id;
        let mut expected = plan.entry.as_ref().map(|entry| entry.revision);
        for _ in 0..ROUNDS {
            let (mut recorded, mut unmet) = (Recorded::Stands, None);
            let merging = |ours: Record, theirs: Option<Record>| {
                tracing::debug!(declaration.id = %id, "somebody else recorded meanwhile");
                match theirs.map(|theirs| merged(plan, stores, ours.clone(), theirs)) {
                    Some(Merged::Both(record)) => return Some(*record),
                    Some(Merged::Theirs) => recorded = Recorded::Theirs,
                    Some(Merged::Removed) => recorded = Recorded::Removed,
                    None => unmet = Some(ours),
                }
                None
            };
            self.base.ports.ledger().put_merged(id, record, expected, "it comes again", merging).await?;
            let Some(ours) = unmet else { return Ok(recorded) };
            // There is no record any more: the declaration is gone, or was declared anew.
            if self.base.ports.registry().declarations(std::slice::from_ref(id)).await?.is_empty() {
                return Ok(Recorded::Removed);
            }
            (record, expected) = (ours, None);
        }
        Err(Error::new(Step::Record, Kind::Conflict, "its record comes and goes; it comes again"))
    }

    /// A declaration that now names another target leaves none behind that it owned. What cannot be deleted now stays
    /// owed; returns whether one was deleted, and why not.
    async fn retire_former_targets(&self, plan: &Plan, owed: &mut Owed) -> (bool, Option<Error>) {
        let declaration = &plan.declaration;
        if let Some(former) = plan.record().and_then(|record| record.target.as_ref()) {
            owed.owe(FormerTarget::from(former));
        }
        let kind = declaration.target.generic();
        owed.targets
            .retain(|former| former.name != declaration.target.name || former.manifest.as_ref() != kind);
        self.base.delete_owed(&declaration.id, owed).await
    }

    /// The declaration was removed or edited while its target was created. Where that target is not declared any more it
    /// goes again: at once, or with the next delivery.
    pub(crate) async fn disown(&self, declaration: &Declaration) {
        let id = &declaration.id;
        let target = FormerTarget::from(&declaration.target);
        let owing = async {
            let declared = self.base.ports.registry().declarations(std::slice::from_ref(id)).await?.pop();
            let Some(declared) = declared else {
                self.undo(declaration).await;
                return Ok(());
            };
            if FormerTarget::from(&declared.target) == target {
                return Ok(());
            }
            let now = self.base.ports.clock().now();
            let owed = |last: Option<Record>| {
                let mut record = last?.reopened(now);
                record.owed.owe(target.clone());
                Some(record)
            };
            self.base.ports.ledger().update(id, "it stays", owed).await.map(drop)
        };
        if let Err(error) = owing.await {
            let name = &target.name;
            warn!(declaration.id = %id, "{id}: it was edited, and its former target {name} stays: {error}");
        }
    }

    /// The declaration was removed while its target was written: what it owns goes again. Where that fails, the one who
    /// removed it has it on record.
    async fn undo(&self, declaration: &Declaration) {
        if declaration.target.creation != CreationPolicy::Owner {
            return;
        }
        let target = TargetRef::of(declaration);
        if let Err(error) = self.base.delete_target(target).await {
            let TargetRef { of: id, name, .. } = target;
            warn!(declaration.id = %id, "{id}: it was removed, and its target {name} stays for now: {error}");
        }
    }
}

/// What became of a record.
enum Recorded {
    /// It stands.
    Stands,
    /// One stands that counts for more.
    Theirs,
    /// The declaration was removed meanwhile.
    Removed,
}

/// Counts and logs how a declaration fared.
fn tell(id: &DeclarationId, result: &Result<Outcome, Error>) {
    match result {
        Ok(outcome) => {
            metrics::counter!("pawl_outcomes_total", "outcome" => outcome.as_str()).increment(1);
        }
        Err(error) => {
            let (step, kind) = (error.step.as_str(), error.kind.as_str());
            metrics::counter!("pawl_failures_total", "step" => step, "kind" => kind).increment(1);
            let retryable = error.is_retryable();
            warn!(declaration.id = %id, code = %error.code(), step, kind, retryable, "{id}: {error}");
        }
    }
}

/// What was done is not recorded, so it must come again, whatever it was: doing it again finds the target as it should
/// be, and a failure that nobody knows of would never be mended.
fn unrecorded(id: &DeclarationId, result: &Result<Outcome, Error>, problem: &Error) -> Error {
    let kind = if problem.is_retryable() { problem.kind } else { Kind::Transient };
    let what = match result {
        Ok(outcome) => format!("it is {outcome}"),
        Err(error) => error.to_string(),
    };
    warn!(declaration.id = %id, "{id}: not recorded: {problem}");
    Error::new(
        Step::Record,
        kind,
        format!("{what}; that could not be recorded, so it comes again: {problem}"),
    )
}

fn status(plan: &Plan, result: &Result<Outcome, Error>, at: Timestamp) -> Option<Status> {
    let declaration = &plan.declaration;
    let how = result.as_ref().copied().map_err(|error| error.to_failure(attempts(plan)));
    let before = plan.record().and_then(|record| record.told.clone());
    (declaration.home != Home::Applied).then(|| Status { before, ..Status::of(declaration, at, how) })
}

fn success(
    plan: &Plan,
    values: Values,
    written: &Written,
    owed: Owed,
    problem: Option<&Error>,
    now: Timestamp,
    started: Timestamp,
) -> Record {
    let declaration = &plan.declaration;
    let target = match written.outcome {
        Outcome::Written | Outcome::Unchanged => Some(written.resource_version.clone()),
        Outcome::Retained => Some(None),
        Outcome::Deleted | Outcome::TargetMissing | Outcome::NotWanted | Outcome::Queued => None,
    };
    let state = match problem {
        Some(error) => State::Failed(error.to_failure(attempts(plan))),
        None if owed.is_empty() => State::Settled(written.outcome),
        None => State::Pending,
    };
    let unsettled_since = plan.record().and_then(Record::open_since).unwrap_or(now);
    let next = now.checked_add(declaration.refresh.interval.min(LONGEST_PAUSE)).ok();
    let generated = generate::remembered(plan);
    let made = generate::versions(declaration, &generated);
    let read = values.0.iter().map(Found::versions);
    Record {
        declaration: plan.digest.clone(),
        versions: read.zip(made).map(|(read, made)| made.map_or(read, Versions::One)).collect(),
        digest: written.digest.clone(),
        inputs: Some(written.inputs.clone()),
        target: target.map(|resource_version| TargetState {
            name: declaration.target.name.clone(),
            manifest: declaration.target.generic().cloned(),
            resource_version,
            declared: Some(declaration.target_digest()),
        }),
        at: now,
        refreshed: Some(started),
        unsettled_since: (!state.is_settled()).then_some(unsettled_since),
        not_before: next.filter(|_| owed.target),
        drifted: false,
        state,
        owed,
        told: None,
        begun: None,
        history: History::default(),
        generated,
    }
}

/// Whether nothing but its target's being gone makes a declaration be read again.
fn comes_back(declaration: &Declaration) -> bool {
    declaration.refresh.reads_once() && !declaration.refresh.interval.is_zero()
}

/// What was written last still stands; only how the last attempt went is new.
fn failure(plan: &Plan, error: &Error, owed: Owed, now: Timestamp) -> Record {
    let last = plan.record().cloned().unwrap_or_else(|| Record::pending(&plan.declaration, now));
    let not_before = error.retry_after().and_then(|pause| now.checked_add(pause).ok());
    let state = State::Failed(error.to_failure(attempts(plan)));
    Record { state, not_before, owed, ..last.reopened(now) }
}

/// Nothing was done, for a store does not show yet what was reported.
fn waiting(plan: &Plan, owed: Owed, now: Timestamp) -> Record {
    let last = plan.record().cloned().unwrap_or_else(|| Record::pending(&plan.declaration, now));
    Record { owed, ..last.reopened(now) }
}

/// How often it has failed in a row, this time included.
fn attempts(plan: &Plan) -> u32 {
    match plan.record().map(|record| &record.state) {
        Some(State::Failed(failure)) => failure.attempts.saturating_add(1),
        _ => 1,
    }
}
