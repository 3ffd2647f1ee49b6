//! Secrets of clusters to stores: what PushSecrets declare.
//!
//! A run of one PushSecret: what is known and what is wanted (`plan`), noted before anything is done (`note`), pushed entry by
//! entry and removed where nothing wants it any more (`carry`), recorded, and told in the cluster (`tell`). What a run may
//! have left in a store stands in the record before the store is asked, so that whatever stops it is finished by the next
//! pass. Of two runs that meet, the one that ends later looks again: it may have written what it read before the other did.

mod carry;
mod note;
mod plan;
mod tell;

use crate::base::panicked::panicked;
use crate::parts::Push;
pub use crate::push::note::Pushing;
use crate::push::note::{Ended, Noted};
use crate::push::plan::{Because, Plan};
use crate::report::Report;
use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;
use pawl_domain::push::{PushDeletion, Standing};
use pawl_domain::{
    ClusterName, DeclarationId, Failure, Home, Kind, Namespace, ObjectName, Outcome, PushRecord, PushSecret,
    Step,
};
use pawl_ports::{Clock, Clusters, Error, PAGE, Ports, PushScope, Pushes, Registry, wants_finalizer};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tracing::{instrument, warn};

/// How many PushSecrets are carried out at a time. Each has its own limit for each of its stores.
const AT_ONCE: usize = 16;
/// How often a run that met another one looks again.
const ROUNDS: u32 = 5;
/// Between two looks whether another run of the same PushSecret in this process has ended.
const TURN: Duration = Duration::from_millis(20);

/// What became of each PushSecret.
#[derive(Debug, Default)]
pub struct PushReport {
    /// In the order of their ids; those that were not due are left out.
    pub outcomes: Vec<(DeclarationId, Result<Pushing, Error>)>,
}

impl PushReport {
    /// Those that failed, with why.
    pub fn failures(&self) -> impl Iterator<Item = (&DeclarationId, &Error)> {
        self.outcomes.iter().filter_map(|(id, result)| result.as_ref().err().map(|error| (id, error)))
    }
}

impl<P: Ports> Push<P> {
    /// Carries out every PushSecret that is due; all of them where `all`.
    #[instrument(name = "push", skip_all)]
    pub(crate) async fn run(&self, all: bool) -> Result<PushReport, Error> {
        let mut report = PushReport::default();
        let mut after = None;
        loop {
            let page = self.base.ports.registry().pushes(&PushScope::All, after.as_ref(), PAGE).await?;
            let because = if all { Because::Asked } else { Because::Time };
            report.outcomes.extend(self.each(page.pushes, because).await);
            after = page.next;
            if after.is_none() {
                return Ok(report);
            }
        }
    }

    /// Carries out these, whether or not they are due.
    pub(crate) async fn those(&self, ids: &BTreeSet<DeclarationId>) -> Result<PushReport, Error> {
        let mut pushes = Vec::new();
        for id in ids {
            pushes.extend(self.base.ports.registry().push(id).await?);
        }
        Ok(PushReport { outcomes: self.each(pushes, Because::Asked).await })
    }

    /// Carries out those whose source may be one of these Secrets, as far as what they push has changed.
    pub(crate) async fn sources(
        &self,
        cluster: &ClusterName,
        secrets: &BTreeSet<(Namespace, ObjectName)>,
    ) -> Result<PushReport, Error> {
        let mut report = PushReport::default();
        let namespaces: BTreeSet<&Namespace> = secrets.iter().map(|(namespace, _)| namespace).collect();
        for namespace in namespaces {
            let scope = PushScope::Namespace(cluster.clone(), namespace.clone());
            let mut pushes = self.base.ports.registry().all_pushes(&scope).await?;
            let names = secrets.iter().filter(|(of, _)| of == namespace).map(|(_, name)| name);
            let names: BTreeSet<&ObjectName> = names.collect();
            pushes.retain(|push| push.may_push(&names));
            report.outcomes.extend(self.each(pushes, Because::Source).await);
        }
        Ok(report)
    }

    /// The same of all of a cluster.
    pub(crate) async fn all_of(&self, cluster: &ClusterName) -> Result<PushReport, Error> {
        let pushes = self.base.ports.registry().all_pushes(&PushScope::Cluster(cluster.clone())).await?;
        Ok(PushReport { outcomes: self.each(pushes, Because::Source).await })
    }

    /// Carries out those whose source is a target that was just written, or deleted. What fails is in the log and is found by
    /// the next pass.
    pub(crate) async fn after(&self, delivered: &Report) {
        let changed =
            |result: &Result<Outcome, Error>| matches!(result, Ok(Outcome::Written | Outcome::Deleted));
        let written = delivered.outcomes.iter().filter(|(_, result)| changed(result)).map(|(id, _)| id);
        let mut namespaces: BTreeMap<(&ClusterName, &Namespace), Vec<DeclarationId>> = BTreeMap::new();
        for id in written {
            namespaces.entry((&id.cluster, &id.namespace)).or_default().push(id.clone());
        }
        for ((cluster, namespace), ids) in namespaces {
            match self.after_in(cluster, namespace, &ids).await {
                Ok(report) => tell_failures(&report),
                Err(error) => {
                    warn!(
                        "PushSecrets of {cluster}/{namespace} are not looked at: {error}; the next pass does it"
                    );
                }
            }
        }
    }

    async fn after_in(
        &self,
        cluster: &ClusterName,
        namespace: &Namespace,
        ids: &[DeclarationId],
    ) -> Result<PushReport, Error> {
        let registry = self.base.ports.registry();
        let scope = PushScope::Namespace(cluster.clone(), namespace.clone());
        if registry.pushes(&scope, None, 1).await?.pushes.is_empty() {
            return Ok(PushReport::default());
        }
        let mut secrets = BTreeSet::new();
        for page in ids.chunks(PAGE) {
            let declarations = registry.declarations(page).await?.into_iter();
            let targets = declarations.filter(|each| each.target.generic().is_none());
            secrets.extend(targets.map(|each| (namespace.clone(), each.target.name)));
        }
        self.sources(cluster, &secrets).await
    }

    async fn each(
        &self,
        pushes: Vec<PushSecret>,
        because: Because,
    ) -> Vec<(DeclarationId, Result<Pushing, Error>)> {
        let running = pushes.into_iter().map(|push| {
            async move {
                let id = push.id.clone();
                let run = AssertUnwindSafe(self.one(push, because)).catch_unwind().await;
                // What the panic says may hold a value.
                let result = run.unwrap_or_else(|_| Err(panicked(Step::Push)));
                result.transpose().map(|result| (id, result))
            }
            .boxed()
        });
        let running: Vec<_> = running.collect();
        let done: Vec<_> = stream::iter(running).buffer_unordered(AT_ONCE).collect().await;
        let mut done: Vec<_> = done.into_iter().flatten().collect();
        done.sort_by(|(a, _), (b, _)| a.cmp(b));
        done
    }

    /// Carries out one; `None` where it is not due.
    #[instrument(skip_all, fields(push = %push.id))]
    async fn one(&self, mut push: PushSecret, because: Because) -> Result<Option<Pushing>, Error> {
        let _running = self.turn(&push.id).await;
        // The starts of the attempts that were overtaken.
        let mut overtaken = Vec::new();
        for _ in 0..ROUNDS {
            let id = push.id.clone();
            let known = self.base.ports.registry().push_record(&id).await?;
            let digest = pawl_documents::digest(&push);
            let now = self.base.ports.clock().now();
            let record = known.as_ref().map(|(record, _)| record);
            if because == Because::Time && !push.is_due(&digest, record, now) {
                return Ok(None);
            }
            let noted = Noted::of(push, digest, known, now, &overtaken);
            let ended = if noted.push.deleting {
                self.retire(noted, because).await?
            } else {
                self.attempt(noted, because).await?
            };
            match ended {
                Ended::With(result) => return result.map(Some),
                Ended::Overtaken(begun) => match self.base.ports.registry().push(&id).await? {
                    Some(again) => {
                        overtaken.extend(begun);
                        push = again;
                    }
                    None => return Ok(Some(Pushing { gone: true, ..Pushing::default() })),
                },
            }
        }
        let message = "other runs of it end all the time; the next pass looks again";
        Err(Error::new(Step::Record, Kind::Conflict, message))
    }

    /// Waits until nobody else in this process carries it out; the next one waits until the answer is dropped.
    async fn turn(&self, id: &DeclarationId) -> impl Send + '_ {
        let name = format!("push/{id}");
        loop {
            if let Some(running) = self.base.memory.marks.begin(&name) {
                return running;
            }
            tokio::time::sleep(TURN).await;
        }
    }

    async fn attempt(&self, mut noted: Noted, because: Because) -> Result<Ended, Error> {
        if !self.claim(&mut noted).await? {
            // The next index takes it out of the registry.
            return Ok(Ended::With(Ok(Pushing::default())));
        }
        let plan = match self.plan(&noted.push, &noted.digest_terms()).await {
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
        if noted.is_known() && noted.record.declared == noted.digest {
            return Ok(true);
        }
        let call = self.base.ports.clusters().finalize_push(push, wants_finalizer(push));
        let Some(standing) = self.base.at_cluster(cluster, Step::Write, call).await? else {
            return Ok(false);
        };
        if !noted.is_known() {
            noted.adopt(standing);
        }
        Ok(true)
    }

    /// The source is gone: what was pushed of it goes, too.
    async fn clean_up(&self, mut noted: Noted, because: Because) -> Result<Ended, Error> {
        let plan = Plan::empty(self.rules_and_stores(&noted.push).await?);
        let was_gone = noted.record.state == Standing::SourceGone;
        if noted.record.entries.is_empty() && was_gone && because != Because::Asked {
            noted.record.refreshed = Some(noted.now);
            return self.end(noted, Standing::SourceGone, Pushing::default(), false).await;
        }
        if !self.begin(&mut noted).await? {
            return Ok(Ended::Overtaken(None));
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
        let work = noted.work(&plan, because);
        let nothing = work.is_empty() && noted.unwanted(&plan).next().is_none();
        if because == Because::Source && nothing && noted.is_settled() {
            return Ok(Ended::With(Ok(Pushing::default())));
        }
        noted.intend(&plan);
        if !self.begin(&mut noted).await? {
            return Ok(Ended::Overtaken(None));
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
                noted.record.refreshed = Some(noted.now);
                Standing::Done
            }
        };
        self.end(noted, state, pushing, written + removed > 0).await
    }

    /// A PushSecret on its way out: what it pushed is removed where its policy says so, then it is let go.
    async fn retire(&self, mut noted: Noted, because: Because) -> Result<Ended, Error> {
        let id = noted.push.id.clone();
        let mut removed = 0;
        if noted.push.deletion == PushDeletion::Delete && !noted.record.entries.is_empty() {
            let plan = Plan::empty(self.rules_and_stores(&noted.push).await?);
            if !self.begin(&mut noted).await? {
                return Ok(Ended::Overtaken(None));
            }
            let (gone, failures) = self.remove_unwanted(&mut noted, &plan).await;
            removed = gone;
            let words = "Failed to Delete Secrets from Provider";
            if let Some(failure) = note::first_failure(&failures, words, noted.attempts) {
                let pushing = Pushing { removed, ..Pushing::default() };
                return self.end(noted, Standing::Failed(failure), pushing, true).await;
            }
        }
        if let Home::Cluster(cluster) = &noted.push.home {
            let call = self.base.ports.clusters().finalize_push(&noted.push, false);
            if let Err(error) = self.base.at_cluster(cluster, Step::Write, call).await {
                return self.fail(noted, error, because).await;
            }
        }
        self.base.ports.registry().remove_push(&id).await?;
        Ok(Ended::With(Ok(Pushing { removed, gone: true, ..Pushing::default() })))
    }

    /// Records that nothing could be done, and why.
    async fn fail(&self, mut noted: Noted, error: Error, because: Because) -> Result<Ended, Error> {
        let failure = error.to_failure(noted.attempts + 1);
        noted.record.not_before = error.retry_after().and_then(|pause| noted.now.checked_add(pause).ok());
        let news = because == Because::Asked
            || !matches!(&noted.record.state, Standing::Failed(known) if known.message == failure.message);
        self.end(noted, Standing::Failed(failure), Pushing::default(), news).await
    }

    /// Writes down what is about to be done. `false` where somebody else recorded something meanwhile.
    async fn begin(&self, noted: &mut Noted) -> Result<bool, Error> {
        noted.record.begun.push(noted.now);
        noted.record.state = Standing::Pending;
        noted.begun = true;
        let registry = self.base.ports.registry();
        match registry.put_push_record(&noted.push.id, &noted.record, noted.revision).await {
            Ok(revision) => {
                noted.revision = Some(revision);
                Ok(true)
            }
            Err(error) if error.kind == Kind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
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
        recorded(&mut noted.record, &noted.digest, state, noted.now);
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

/// Puts what failed into the log.
pub(crate) fn tell_failures(report: &PushReport) {
    for (id, error) in report.failures() {
        warn!(code = %error.code(), "PushSecret {id} is not carried out: {error}");
    }
}

/// The error that a run ends with whose record says so.
fn failed(failure: &Failure) -> Error {
    Error::new(failure.step, failure.kind, failure.message.clone()).complaining(failure.complaint)
}

/// When the record of a run was made.
fn recorded(record: &mut PushRecord, digest: &str, state: Standing, now: Timestamp) {
    record.declared = digest.to_owned();
    record.at = now;
    record.state = state;
}
