//! One run of one PushSecret.

use crate::parts::Push;
use crate::push::note::{self, Ended, Noted, Pushing};
use crate::push::plan::{Because, Plan};
use jiff::Timestamp;
use pawl_domain::push::{PushDeletion, Standing};
use pawl_domain::{DeclarationId, Failure, Home, Kind, PushRecord, PushSecret, Step};
use pawl_ports::{Clock, Clusters, Error, Ports, Pushes, wants_finalizer};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{instrument, warn};

/// How often a run that met another one looks again.
const ROUNDS: u32 = 5;
/// How long a run waits for another one of the same PushSecret in this process.
const TURN: Duration = Duration::from_secs(5 * 60);
/// How long a run may take.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// The pause before one is tried again of which nothing could be recorded, or which another run sees to at this moment.
const LATER: Duration = Duration::from_secs(1);

/// How a run came out.
pub(super) enum Ran {
    /// It was carried out, and that is recorded.
    Ended(Result<Pushing, Error>),
    /// It failed before and rests.
    Resting,
    /// It is not due, not there, or another run sees to it.
    NotDue,
}

impl<P: Ports> Push<P> {
    /// Carries out one. `listed` is how it stood a while ago.
    ///
    /// # Errors
    /// Why nothing could be recorded.
    #[instrument(skip_all, fields(push = %id))]
    pub(super) async fn one(
        &self,
        id: &DeclarationId,
        listed: Option<PushSecret>,
        because: Because,
    ) -> Result<Ran, Error> {
        let work = &self.base.memory.pushes;
        if because == Because::Time && self.base.until.is_some_and(|until| Instant::now() >= until) {
            // The next pass has more time.
            return Ok(Ran::NotDue);
        }
        let running = match because {
            Because::Time => work.turns.enter_now(id),
            Because::Source if work.agenda.is_read() => {
                let running = work.turns.enter_now(id);
                if running.is_none() {
                    // It may have read the source before that was changed.
                    self.note_later(id);
                }
                running
            }
            Because::Source | Because::Asked => Some(self.turn(id).await?),
        };
        let Some(_running) = running else { return Ok(Ran::NotDue) };
        // Whoever is cut off here is taken for gone by no other run yet: what it begun stands in the record for longer.
        let ran = timeout(LONGEST, self.rounds(id, listed, because)).await.unwrap_or_else(|_| {
            let message = "it took too long; the next pass goes on";
            Err(Error::new(Step::Push, Kind::Transient, message))
        });
        let acted = match &ran {
            Ok(Ran::Ended(Ok(pushing))) => *pushing != Pushing::default(),
            Ok(Ran::Ended(Err(_))) | Err(_) => true,
            Ok(Ran::Resting | Ran::NotDue) => false,
        };
        if because == Because::Source && acted {
            work.ran(id, self.base.ports.clock().now());
        }
        if ran.is_err() {
            self.note_later(id);
        }
        ran
    }

    async fn rounds(
        &self,
        id: &DeclarationId,
        listed: Option<PushSecret>,
        because: Because,
    ) -> Result<Ran, Error> {
        let registry = self.base.ports.registry();
        // The starts of the attempts that were overtaken: what they wrote may be older than what is on record.
        let mut overtaken = Vec::new();
        for _ in 0..ROUNDS {
            let known = registry.push_record(id).await?;
            let (record, now) = (known.as_ref().map(|(record, _)| record), self.base.ports.clock().now());
            if overtaken.is_empty()
                && let Some(rests) = self.rests(id, listed.as_ref(), record, because, now)
            {
                return Ok(rests);
            }
            // Read only now: whoever wrote the record had read no newer one.
            let Some(push) = registry.push(id).await? else { return Ok(Ran::NotDue) };
            let digest = pawl_documents::digest(&push);
            let noted = Noted::of(push, digest, known, now, &overtaken);
            let ended = if noted.push.deleting {
                self.retire(noted, because).await?
            } else {
                self.attempt(noted, because).await?
            };
            match ended {
                Ended::With(result) => return Ok(Ran::Ended(result)),
                Ended::Overtaken(begun) => overtaken.extend(begun),
            }
        }
        let message = "other runs of it end all the time; the next pass looks again";
        Err(Error::new(Step::Record, Kind::Conflict, message))
    }

    /// Why it is not carried out now, if it is not.
    fn rests(
        &self,
        id: &DeclarationId,
        listed: Option<&PushSecret>,
        record: Option<&PushRecord>,
        because: Because,
        now: Timestamp,
    ) -> Option<Ran> {
        match because {
            Because::Asked => None,
            Because::Time => {
                let listed = listed?;
                let has_failed = record.is_some_and(|record| matches!(record.state, Standing::Failed(_)));
                let is_due = listed.is_due(&pawl_documents::digest(listed), record, now);
                (!is_due).then_some(if has_failed { Ran::Resting } else { Ran::NotDue })
            }
            Because::Source => {
                let until = record?.held_back_until(now)?;
                self.base.memory.pushes.agenda.note(until, id);
                Some(Ran::Resting)
            }
        }
    }

    /// Waits until nobody else in this process carries it out; the next one waits until the answer is dropped.
    async fn turn(&self, id: &DeclarationId) -> Result<OwnedSemaphorePermit, Error> {
        let own = Instant::now() + TURN;
        let until = self.base.until.map_or(own, |until| until.min(own));
        let turn = timeout_at(until, self.base.memory.pushes.turns.enter(id)).await;
        turn.ok().flatten().ok_or_else(|| {
            let message = "another run of it has not ended; the next pass looks again";
            Error::new(Step::Record, Kind::Conflict, message)
        })
    }

    pub(super) fn note_later(&self, id: &DeclarationId) {
        let (work, now) = (&self.base.memory.pushes, self.base.ports.clock().now());
        let later = now.checked_add(LATER).unwrap_or(now);
        work.agenda.note(work.next(id, later), id);
    }

    async fn attempt(&self, mut noted: Noted, because: Because) -> Result<Ended, Error> {
        match self.claim(&mut noted).await {
            Ok(true) => {}
            // The next index takes it out of the registry.
            Ok(false) => return Ok(Ended::With(Ok(Pushing::default()))),
            Err(error) => {
                // It is claimed anew the next time.
                noted.digest = noted.record.declared.clone();
                return self.fail(noted, error, because).await;
            }
        }
        let plan = match self.plan(&noted.push, &noted.record, &noted.digest_terms()).await {
            Ok(plan) => plan,
            Err(error) => return self.fail(noted, error, because).await,
        };
        if plan.source_is_missing() {
            let removes = noted.push.deletion == PushDeletion::Delete;
            if removes && (!noted.record.entries.is_empty() || noted.record.state == Standing::SourceGone) {
                return self.clean_up(noted, because).await;
            }
            let error = plan.missing_source(&noted.push);
            return self.fail(noted, error, because).await;
        }
        self.carry_out(noted, plan, because).await
    }

    /// Sees to the finalizer, before anything is pushed that would have to be removed; takes over what ESO has pushed. `false`
    /// where the PushSecret is gone from its cluster.
    async fn claim(&self, noted: &mut Noted) -> Result<bool, Error> {
        let push = &noted.push;
        let Home::Cluster(cluster) = &push.home else { return Ok(true) };
        if noted.record.declared == noted.digest {
            return Ok(true);
        }
        let call = self.base.ports.clusters().finalize_push(push, wants_finalizer(push));
        let Some(standing) = self.base.at_cluster(cluster, Step::Write, call).await? else {
            return Ok(false);
        };
        if noted.was_never_carried_out() {
            noted.adopt(standing);
        }
        Ok(true)
    }

    /// The source is gone: what was pushed of it goes, too.
    async fn clean_up(&self, mut noted: Noted, because: Because) -> Result<Ended, Error> {
        let plan = Plan::empty(self.rules_and_stores(&noted.push, &noted.record).await?);
        let was_gone = noted.record.state == Standing::SourceGone;
        if noted.record.entries.is_empty() && was_gone && because != Because::Asked {
            noted.record.refreshed = Some(noted.now);
            return self.end(noted, Standing::SourceGone, Pushing::default(), false).await;
        }
        if let Some(ended) = self.begin(&mut noted).await? {
            return Ok(ended);
        }
        let (removed, failures) = self.remove_unwanted(&mut noted, &plan).await;
        let pushing = Pushing { removed, ..Pushing::default() };
        match note::first_failure(&failures, "failed to cleanup provider secrets", noted.attempts) {
            Some(failure) => self.end(noted, Standing::Failed(failure), pushing, true).await,
            None => {
                noted.record.refreshed = Some(noted.now);
                self.end(noted, Standing::SourceGone, pushing, true).await
            }
        }
    }

    async fn carry_out(&self, mut noted: Noted, plan: Plan, because: Because) -> Result<Ended, Error> {
        let asks_all = noted.asks_all(because);
        let work = noted.work(&plan, asks_all);
        let nothing = work.is_empty() && noted.unwanted(&plan).next().is_none();
        if because == Because::Source && nothing && noted.is_settled() {
            return Ok(Ended::With(Ok(Pushing::default())));
        }
        let before = noted.record.clone();
        noted.intend(&plan);
        match self.begin(&mut noted).await {
            Ok(None) => {}
            Ok(Some(ended)) => return Ok(ended),
            // The ledger does not take so much.
            Err(error) if error.kind == Kind::Invalid => {
                (noted.record, noted.begun) = (before, false);
                return self.fail(noted, error, because).await;
            }
            Err(error) => return Err(error),
        }
        let mut failures = plan.failures();
        let written = self.push_all(&mut noted, &plan, &work, &mut failures).await;
        let mut removed = 0;
        if noted.push.deletion == PushDeletion::Delete {
            let (gone, failed) = self.remove_unwanted(&mut noted, &plan).await;
            removed = gone;
            failures.extend(failed);
        } else {
            noted.forget_unwanted(&plan);
        }
        let pushing = Pushing { written, removed, gone: false };
        let state = match note::first_failure(&failures, "set secret failed", noted.attempts) {
            Some(failure) => Standing::Failed(failure),
            None => {
                if asks_all || noted.record.refreshed.is_none() {
                    noted.record.refreshed = Some(noted.now);
                }
                Standing::Done
            }
        };
        self.end(noted, state, pushing, written + removed > 0).await
    }

    /// A PushSecret on its way out: what it pushed is removed where its policy says so, then it is let go.
    async fn retire(&self, mut noted: Noted, because: Because) -> Result<Ended, Error> {
        if noted.push.deletion == PushDeletion::Delete
            && noted.was_never_carried_out()
            && let Home::Cluster(cluster) = &noted.push.home
        {
            // What is on its way out gets no finalizer: this only reads what ESO has pushed.
            let call = self.base.ports.clusters().finalize_push(&noted.push, true);
            match self.base.at_cluster(cluster, Step::Write, call).await {
                Ok(standing) => noted.adopt(standing.unwrap_or_default()),
                Err(error) => return self.fail(noted, error, because).await,
            }
        }
        let plan = Plan::empty(self.rules_and_stores(&noted.push, &noted.record).await?);
        // Also where nothing is removed: a run that has not begun yet must find out.
        if let Some(ended) = self.begin(&mut noted).await? {
            return Ok(ended);
        }
        let mut removed = 0;
        if noted.push.deletion == PushDeletion::Delete {
            let (gone, failures) = self.remove_unwanted(&mut noted, &plan).await;
            removed = gone;
            let pushing = Pushing { removed, ..Pushing::default() };
            let words = "Failed to Delete Secrets from Provider";
            if let Some(failure) = note::first_failure(&failures, words, noted.attempts) {
                return self.end(noted, Standing::Failed(failure), pushing, true).await;
            }
            if !noted.record.entries.is_empty() {
                // Another run may still write them.
                return self.end(noted, Standing::Pending, pushing, false).await;
            }
        }
        if let Home::Cluster(cluster) = &noted.push.home {
            let call = self.base.ports.clusters().finalize_push(&noted.push, false);
            if let Err(error) = self.base.at_cluster(cluster, Step::Write, call).await {
                return self.fail(noted, error, because).await;
            }
        }
        match self.base.ports.registry().let_go_push(&noted.push.id).await? {
            true => Ok(Ended::With(Ok(Pushing { removed, gone: true, ..Pushing::default() }))),
            // It was declared again.
            false => Ok(Ended::Overtaken(Some(noted.now))),
        }
    }

    /// Records that nothing could be done, and why.
    async fn fail(&self, mut noted: Noted, error: Error, because: Because) -> Result<Ended, Error> {
        let failure = error.to_failure(noted.attempts + 1);
        noted.record.not_before = error.retry_after().and_then(|pause| noted.now.checked_add(pause).ok());
        let news = because == Because::Asked
            || !matches!(&noted.record.state, Standing::Failed(known) if known.message == failure.message);
        self.end(noted, Standing::Failed(failure), Pushing::default(), news).await
    }

    /// Writes down what is about to be done. Tells how the attempt ended where somebody else recorded something meanwhile, or
    /// the PushSecret is gone.
    async fn begin(&self, noted: &mut Noted) -> Result<Option<Ended>, Error> {
        // Else a run that never ends would make the record longer and longer. This one says that one was cut off, if it is.
        noted.record.forget_cut_off(noted.now);
        noted.record.begun.push(noted.now);
        noted.record.state = Standing::Pending;
        noted.begun = true;
        let (registry, id) = (self.base.ports.registry(), noted.push.id.clone());
        let is_first = noted.revision.is_none();
        match registry.put_push_record(&id, &noted.record, noted.revision).await {
            Ok(revision) => noted.revision = Some(revision),
            Err(error) if error.kind == Kind::Conflict => return Ok(Some(Ended::Overtaken(None))),
            Err(error) => return Err(error),
        }
        // A first record is put whether or not its PushSecret is still there.
        if is_first && registry.push(&id).await?.is_none() {
            registry.let_go_push(&id).await?;
            return Ok(Some(Ended::Overtaken(None)));
        }
        Ok(None)
    }

    /// Records how a run ended, and tells it in the cluster: where that says something new, and after each write.
    async fn end(
        &self,
        mut noted: Noted,
        state: Standing,
        pushing: Pushing,
        news: bool,
    ) -> Result<Ended, Error> {
        let result = match &state {
            Standing::Failed(failure) => Err(failed(failure)),
            Standing::Pending | Standing::Done | Standing::SourceGone => Ok(pushing),
        };
        if result.is_ok() {
            noted.record.not_before = None;
        }
        (noted.record.declared, noted.record.at, noted.record.state) =
            (noted.digest.clone(), noted.now, state);
        if let Some(at) = noted.record.retry_at() {
            self.base.memory.pushes.agenda.note(at, &noted.push.id);
        }
        noted.record.forget_cut_off(noted.now);
        if noted.begun {
            noted.record.end(noted.now);
        }
        let registry = self.base.ports.registry();
        let put = registry.put_push_record(&noted.push.id, &noted.record, noted.revision).await;
        let revision = match put {
            Ok(revision) => revision,
            Err(error) if error.kind == Kind::Conflict => {
                return Ok(Ended::Overtaken(noted.begun.then_some(noted.now)));
            }
            Err(error) => return Err(error),
        };
        if let Some(told) = self.tell(&noted, news).await {
            let record = PushRecord { told: Some(told), ..noted.record };
            if let Err(error) = registry.put_push_record(&noted.push.id, &record, Some(revision)).await
                && error.kind != Kind::Conflict
            {
                warn!("that the status of PushSecret {} was told is not recorded: {error}", noted.push.id);
            }
        }
        Ok(Ended::With(result))
    }
}

/// The error that a run ends with whose record says so.
fn failed(failure: &Failure) -> Error {
    Error::new(failure.step, failure.kind, failure.message.clone()).complaining(failure.complaint)
}
