//! Removes declarations completely, wherever the removal is interrupted.
//!
//! A removal is written to the ledger before anything is deleted. From then on nothing new is written for the
//! declaration, but a delivery that started earlier may still restore its target. So the note stays until every such
//! delivery has ended; then a sweep deletes once more what is owed.

use crate::parts::Remove;
use crate::report::Report;
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::declaration::CreationPolicy;
use pawl_domain::record::{FormerTarget, State, is_over};
use pawl_domain::refresh::retry_at;
use pawl_domain::store::Home;
use pawl_domain::{Declaration, DeclarationId, Kind, Outcome, Record};
use pawl_ports::{Catalogue, Clock, Entry, Error, Ledger, Ports, Registry};
use std::collections::{BTreeMap, BTreeSet};

/// Declarations with how their removal went.
pub type Removals = Vec<(DeclarationId, Result<(), Error>)>;

impl<P: Ports> Remove<P> {
    pub(crate) async fn run(&self, ids: &[DeclarationId]) -> Result<Removals, Error> {
        let declarations = self.base.ports.registry().declarations(ids).await?;
        let mut removed = self.retire_all(&declarations).await;
        let known: BTreeSet<&DeclarationId> = declarations.iter().map(|each| &each.id).collect();
        for id in ids.iter().filter(|id| !known.contains(id)) {
            removed.extend(self.remove_unreadable(id).await.map(|result| (id.clone(), result)));
        }
        Ok(removed)
    }

    /// Removes a declaration whose document cannot be read, if there is one. Nobody can tell whether it owned its target,
    /// so that stays.
    pub(crate) async fn remove_unreadable(&self, id: &DeclarationId) -> Option<Result<(), Error>> {
        match self.base.ports.registry().remove(id).await {
            Ok(false) => None,
            Ok(true) => {
                tracing::warn!(
                    "declaration {id} could not be read and is removed; the Secret that it made stays"
                );
                Some(self.base.ports.ledger().remove(id, None).await)
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Removes these declarations.
    pub(crate) async fn retire_all(&self, declarations: &[Declaration]) -> Removals {
        let retiring = declarations.iter().map(|each| {
            let retiring = async move { (each.id.clone(), self.retire(each).await) };
            retiring.boxed()
        });
        // Collected, for compilers take no closure over references for one that may be sent.
        let retiring: Vec<_> = retiring.collect();
        let mut removed: Removals =
            stream::iter(retiring).buffer_unordered(self.base.settings.concurrency).collect().await;
        removed.sort_by(|(a, _), (b, _)| a.cmp(b));
        removed
    }

    async fn retire(&self, declaration: &Declaration) -> Result<(), Error> {
        match self.note_removal(declaration).await? {
            Some(entry) => self.finish_removal(entry, declaration).await,
            None => Ok(()),
        }
    }

    /// Notes that a declaration is being removed, and what must be deleted with it.
    async fn note_removal(&self, declaration: &Declaration) -> Result<Option<Entry>, Error> {
        let owns = declaration.target.creation == CreationPolicy::Owner && declaration.home == Home::Applied;
        let removing = |last: Option<Record>| {
            let now = self.base.ports.clock().now();
            let record = last.unwrap_or_else(|| Record::pending(declaration, now));
            let mut record = record.reopened(now);
            record.owed.removed.get_or_insert(now);
            if owns {
                record.owed.owe(FormerTarget::from(&declaration.target));
                if let Some(written) = record.target.take() {
                    record.owed.owe(FormerTarget::from(&written));
                }
            }
            Some(record)
        };
        self.base.ports.ledger().update(&declaration.id, "try again to remove it", removing).await
    }

    /// Deletes what is owed and takes the declaration out of the registry. The note stays, with what is owed.
    async fn finish_removal(&self, entry: Entry, declaration: &Declaration) -> Result<(), Error> {
        if let Some(problem) = self.base.delete_owed(&entry.id, &mut entry.record.owed.clone()).await.1 {
            self.note_failure(entry, &problem).await;
            return Err(problem);
        }
        self.base.ports.registry().remove_this(declaration).await.map(drop)
    }

    /// Finishes removals among these unsettled declarations: those that were interrupted, and those of which every
    /// delivery that may have been under way has ended. `declared` are those that the registry still knows.
    pub(crate) async fn sweep_removals(
        &self,
        unsettled: &[DeclarationId],
        declared: &[Declaration],
    ) -> Result<Report, Error> {
        if unsettled.is_empty() {
            return Ok(Report::default());
        }
        let declared: BTreeMap<&DeclarationId, &Declaration> =
            declared.iter().map(|each| (&each.id, each)).collect();
        let now = self.base.ports.clock().now();
        let entries = self.base.ports.ledger().entries(unsettled).await?;
        let mut finishing = Vec::new();
        for entry in entries {
            let declared = declared.get(&entry.id).copied();
            let is_left = declared.is_none() || entry.record.owed.removed.is_some();
            if is_left && is_due(declared.is_some(), &entry.record, now) {
                finishing.push(self.go_on_removing(entry, declared, now).boxed());
            }
        }
        let finished: Vec<_> =
            stream::iter(finishing).buffer_unordered(self.base.settings.concurrency).collect().await;
        Ok(Report { outcomes: finished.into_iter().flatten().collect() })
    }

    /// Finishes one removal; tells of it if that fails.
    async fn go_on_removing(
        &self,
        entry: Entry,
        declared: Option<&Declaration>,
        now: Timestamp,
    ) -> Option<(DeclarationId, Result<Outcome, Error>)> {
        let id = entry.id.clone();
        let result = match declared {
            Some(declaration) => self.resume_removal(entry, declaration, now).await,
            None => self.end_removal(entry).await,
        };
        result.err().map(|error| (id, Err(error)))
    }

    /// Goes on with a removal that was interrupted, unless somebody else does, or declared it anew.
    async fn resume_removal(
        &self,
        entry: Entry,
        declaration: &Declaration,
        now: Timestamp,
    ) -> Result<(), Error> {
        let record = entry.record.clone().reopened(now);
        match self.base.ports.ledger().put_unless_changed(&entry.id, &record, Some(entry.revision)).await? {
            Some(revision) => self.finish_removal(Entry { record, revision, ..entry }, declaration).await,
            None => Ok(()),
        }
    }

    /// Deletes once more what is owed, and forgets the declaration.
    async fn end_removal(&self, entry: Entry) -> Result<(), Error> {
        if let Some(problem) = self.base.delete_owed(&entry.id, &mut entry.record.owed.clone()).await.1 {
            self.note_failure(entry, &problem).await;
            return Err(problem);
        }
        match self.base.ports.ledger().remove(&entry.id, Some(entry.revision)).await {
            // It was declared anew.
            Err(error) if error.kind == Kind::Conflict => Ok(()),
            result => result,
        }
    }

    /// Notes why a removal cannot be finished, so that people see it and sweeps pause. The note of the removal itself
    /// stands already, so it may fail.
    async fn note_failure(&self, entry: Entry, problem: &Error) {
        let attempts = match &entry.record.state {
            State::Failed(failure) => failure.attempts.saturating_add(1),
            State::Pending | State::Settled(_) => 1,
        };
        let state = State::Failed(problem.to_failure(attempts));
        let record = Record { state, ..entry.record.reopened(self.base.ports.clock().now()) };
        if let Err(error) = self.base.ports.ledger().put(&entry.id, &record, Some(entry.revision)).await {
            tracing::debug!(declaration.id = %entry.id, "its failure is not recorded: {error}");
        }
    }
}

/// Whether there is something to do now. What nobody declares and nobody removes was left by an index that was
/// interrupted.
fn is_due(is_declared: bool, record: &Record, now: Timestamp) -> bool {
    let paused = retry_at(record).is_some_and(|at| at > now);
    let over = match record.owed.removed {
        Some(_) => record.owed.removal_is_over(now),
        None => is_over(record.at, now),
    };
    !paused && (is_declared || over)
}
