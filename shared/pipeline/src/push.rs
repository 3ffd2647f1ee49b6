//! Secrets of clusters to stores: what PushSecrets declare.
//!
//! A run of one PushSecret (`run`): what is known and what is wanted (`plan`), noted before anything is done (`note`), pushed
//! entry by entry and removed where nothing wants it any more (`carry`), recorded, and told in the cluster (`tell`). What a
//! run may have left in a store stands in the record before the store is asked, so that whatever stops it is finished by the
//! next pass. Of two runs that meet, the one that ends later looks again: it may have written what it read before the other
//! did.
//!
//! Passes carry out what is due. What a process hears of in between it notes, and carries out at once (`base/pushes`).

mod carry;
mod note;
mod plan;
mod run;
mod tell;

use crate::base::panicked::panicked;
use crate::base::pushes::Secrets;
use crate::parts::Push;
pub use crate::push::note::Pushing;
use crate::push::plan::Because;
use crate::push::run::Ran;
use futures::{FutureExt, StreamExt, stream};
use pawl_domain::{ClusterName, DeclarationId, Namespace, ObjectName, PushSecret, Step};
use pawl_ports::{Clock, Error, Ports, PushScope, Pushes};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use tracing::{instrument, warn};

/// How many PushSecrets are carried out at a time. Each has its own limit for each of its stores.
const AT_ONCE: usize = 16;

/// What became of each PushSecret.
#[derive(Debug, Default)]
pub struct PushReport {
    /// In the order of their ids; those that were not due are left out.
    pub outcomes: Vec<(DeclarationId, Result<Pushing, Error>)>,
    /// How many failed before and rest: they are not due yet.
    pub resting: usize,
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
        let pushes = self.base.ports.registry().all_pushes(&PushScope::All).await?;
        let because = if all { Because::Asked } else { Because::Time };
        Ok(self.each(pushes.into_iter().map(|push| (push.id.clone(), Some(push))).collect(), because).await)
    }

    /// Notes every PushSecret to be carried out as far as its source has changed: what was heard of and not done before the
    /// process ended is done now.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        let pushes = self.base.ports.registry().all_pushes(&PushScope::All).await?;
        let now = self.base.ports.clock().now();
        pushes.iter().for_each(|push| self.base.memory.pushes.agenda.note(now, &push.id));
        Ok(())
    }

    /// Waits until a PushSecret is to be carried out that failed or was put off in this process, or whose source has changed.
    pub(crate) async fn until_due(&self) {
        let work = &self.base.memory.pushes;
        work.agenda.until_due(self.base.ports.clock(), || work.has_changed()).await;
    }

    /// Pushes what was just written to a target that is a source, where PushSecrets are carried out and nobody waits for that
    /// ([`Self::until_due`]).
    pub(crate) async fn after_delivery(&self) {
        let work = &self.base.memory.pushes;
        if work.agenda.is_read() || !work.has_changed() {
            return;
        }
        if let Err(error) = self.look_at_changed().await {
            warn!("what was written is not pushed yet: {error}; it is tried again");
        }
    }

    /// Carries those out.
    pub(crate) async fn those_due(&self) -> Result<PushReport, Error> {
        self.look_at_changed().await?;
        let due = self.base.memory.pushes.agenda.take(self.base.ports.clock().now(), AT_ONCE);
        Ok(self.of_sources(due).await)
    }

    /// Carries out those whose source may be one of the Secrets that this process wrote or saw changed: at once, or where
    /// somebody waits for them ([`Self::until_due`]) by that.
    pub(crate) async fn look_at_changed(&self) -> Result<PushReport, Error> {
        let changed = self.base.memory.pushes.take_changed();
        match self.may_push(&changed).await {
            Ok(ids) => Ok(self.hand_over(ids).await),
            Err(error) => {
                self.base.memory.pushes.changed(changed);
                Err(error)
            }
        }
    }

    /// Carries out those of a cluster whose source has changed, as [`Self::look_at_changed`] does.
    pub(crate) async fn all_of(&self, cluster: &ClusterName) -> Result<PushReport, Error> {
        let pushes = self.base.ports.registry().all_pushes(&PushScope::Cluster(cluster.clone())).await?;
        Ok(self.hand_over(pushes.into_iter().map(|push| push.id).collect()).await)
    }

    /// Carries out these, which are new or edited, as [`Self::look_at_changed`] does.
    pub(crate) async fn edited(&self, ids: BTreeSet<DeclarationId>) -> PushReport {
        let work = &self.base.memory.pushes;
        if !work.agenda.is_read() {
            return self.of_sources(ids).await;
        }
        let now = self.base.ports.clock().now();
        ids.iter().for_each(|id| work.agenda.note(now, id));
        PushReport::default()
    }

    async fn hand_over(&self, ids: BTreeSet<DeclarationId>) -> PushReport {
        let work = &self.base.memory.pushes;
        if !work.agenda.is_read() {
            return self.of_sources(ids).await;
        }
        let now = self.base.ports.clock().now();
        ids.iter().for_each(|id| work.agenda.note(work.next(id, now), id));
        PushReport::default()
    }

    /// Those whose source may be one of these Secrets.
    async fn may_push(&self, secrets: &Secrets) -> Result<BTreeSet<DeclarationId>, Error> {
        let registry = self.base.ports.registry();
        let mut ids = BTreeSet::new();
        for (cluster, secrets) in secrets {
            let namespaces: BTreeSet<&Namespace> = secrets.iter().map(|(namespace, _)| namespace).collect();
            for namespace in namespaces {
                let names = secrets.iter().filter(|(of, _)| of == namespace).map(|(_, name)| name);
                let names: BTreeSet<&ObjectName> = names.collect();
                let scope = PushScope::Namespace(cluster.clone(), namespace.clone());
                let pushes = registry.all_pushes(&scope).await?.into_iter();
                ids.extend(pushes.filter(|push| push.may_push(&names)).map(|push| push.id));
            }
        }
        Ok(ids)
    }

    async fn of_sources(&self, ids: BTreeSet<DeclarationId>) -> PushReport {
        let report = self.each(ids.into_iter().map(|id| (id, None)).collect(), Because::Source).await;
        for (id, error) in report.failures() {
            warn!(code = %error.code(), "PushSecret {id} is not carried out: {error}");
        }
        report
    }

    async fn each(&self, pushes: Vec<(DeclarationId, Option<PushSecret>)>, because: Because) -> PushReport {
        let running = pushes.into_iter().map(|(id, listed)| {
            async move {
                let run = AssertUnwindSafe(self.one(&id, listed, because)).catch_unwind().await;
                // What the panic says may hold a value.
                let result = run.unwrap_or_else(|_| {
                    // More and more slowly, like a source that keeps changing.
                    self.base.memory.pushes.ran(&id, self.base.ports.clock().now());
                    self.note_later(&id);
                    Err(panicked(Step::Push))
                });
                (id, result)
            }
            .boxed()
        });
        let running: Vec<_> = running.collect();
        let mut done: Vec<_> = stream::iter(running).buffer_unordered(AT_ONCE).collect().await;
        done.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut report = PushReport::default();
        for (id, result) in done {
            match result {
                Ok(Ran::Ended(result)) => report.outcomes.push((id, result)),
                Ok(Ran::Resting) => report.resting += 1,
                Ok(Ran::NotDue) => {}
                Err(error) => report.outcomes.push((id, Err(error))),
            }
        }
        report
    }
}
