//! Plays a plan on a stage: changes, manifests, faults, each in its round.

use crate::apply::Applier;
use crate::faults::Fault;
use crate::manifests;
use crate::options::Options;
use crate::plan::{Act, Plan, ROUND_MILLIS, Step};
use crate::post::Post;
use crate::stage::Stage;
use crate::world::{Key, Place, Spec};
use pawl_e2e::{Error, Result};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

/// What was done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    pub(crate) rounds: usize,
    pub(crate) by_kind: BTreeMap<&'static str, usize>,
}

impl Done {
    fn count(&mut self, what: &'static str) {
        *self.by_kind.entry(what).or_default() += 1;
    }
}

/// The one who makes changes.
#[derive(Debug)]
pub(crate) struct Driver {
    stage: Arc<Stage>,
    plan: Plan,
    specs: BTreeMap<Place, Spec>,
    applier: Applier,
    post: Post,
    faults: JoinSet<()>,
    done: Done,
}

impl Driver {
    /// Declares what there is at the beginning.
    pub(crate) async fn open(stage: Arc<Stage>, options: &Options) -> Result<Self> {
        let plan = Plan::new(options);
        for key in Key::all() {
            stage.journal.stands(key, Duration::ZERO, 1);
        }
        let specs = plan.specs().clone();
        for (place, spec) in specs.iter().filter(|(place, _)| place.is_indexed()) {
            put(&stage, *place, spec).await?;
        }
        let applier = Applier::start(Arc::clone(&stage), options, specs.clone());
        applier.finish().await?;
        let post = Post::new(Arc::clone(&stage));
        Ok(Self { stage, plan, specs, applier, post, faults: JoinSet::new(), done: Done::default() })
    }

    /// Plays the plan to its end, or as far as the time goes. Then no fault strikes any more, and the last manifests are applied.
    pub(crate) async fn play(&mut self, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        let mut ticks = tokio::time::interval(Duration::from_millis(ROUND_MILLIS));
        // On a slow machine rounds come later, and none of them is left out.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            ticks.tick().await;
            let Some(round) = self.plan.next() else { break };
            for fault in round.faults {
                self.begin(fault);
            }
            let steps = round.steps.iter().map(|step| self.carry_out(step));
            futures::future::try_join_all(steps).await?;
            for step in &round.steps {
                self.follow_up(step);
            }
            self.applier.want(&self.specs);
            self.done.rounds += 1;
        }
        Ok(())
    }

    /// Ends everything that is under way and puts all right. Returns what was done.
    pub(crate) async fn heal(mut self) -> Result<Done> {
        self.stage.journal.note("healing");
        self.faults.shutdown().await;
        crate::faults::heal(&self.stage).await;
        self.applier.finish().await?;
        self.stage.journal.note("healed: all manifests are applied");
        for (kind, count) in self.applier.counts() {
            *self.done.by_kind.entry(kind).or_default() += count;
        }
        Ok(self.done)
    }

    fn begin(&mut self, fault: Fault) {
        while self.faults.try_join_next().is_some() {}
        self.done.count(fault.kind().name());
        let stage = Arc::clone(&self.stage);
        self.faults.spawn(async move {
            stage.journal.note(&format!("fault {fault:?}"));
            fault.strike(&stage).await;
            stage.journal.note(&format!("ended {fault:?}"));
        });
    }

    async fn carry_out(&self, step: &Step) -> Result<()> {
        let journal = &self.stage.journal;
        match step {
            Step::Change { key, act, news } => {
                if let Some(n) = act.stands(*key) {
                    journal.stands(*key, journal.now(), n);
                }
                journal.note(&format!("{key} {act:?} {news:?}"));
                let done = self.stage.stores.act(*key, *act).await;
                done.map_err(|error| Error::Otherwise(format!("{key} {act:?}: {error}")))
            }
            Step::Declare { place, spec } if place.is_indexed() => put(&self.stage, *place, spec).await,
            Step::Remove { place } if place.is_indexed() => {
                journal.note(&format!("{place} is removed"));
                journal.declares(*place, journal.now(), None);
                let cluster = &self.stage.clusters[place.cluster];
                cluster.delete_external_secret(&place.namespace(), &place.name()).await
            }
            // The applier has them.
            Step::Declare { .. } | Step::Remove { .. } => Ok(()),
            Step::Edit { place } | Step::Erase { place } => {
                self.touch(*place, step).await;
                Ok(())
            }
        }
    }

    /// By hand. Whoever finds the cluster in trouble gives up.
    async fn touch(&self, place: Place, step: &Step) {
        let Some(spec) = self.specs.get(&place) else { return };
        let (target, cluster) = (spec.target(place), &self.stage.clusters[place.cluster]);
        let (what, done) = match step {
            // "by hand" in base64, in a field of its own and in one that may be Pawl's.
            Step::Edit { .. } => {
                let data = json!({ "f0": "YnkgaGFuZA==", "own": "YnkgaGFuZA==" });
                ("edited", cluster.edit_secret(&target, &data).await)
            }
            _ => ("deleted", cluster.delete_secret(&target).await),
        };
        let but = done.err().map(|error| format!(", which failed: {error}")).unwrap_or_default();
        self.stage.journal.note(&format!("{place}: {target} is {what} by hand{but}"));
    }

    fn follow_up(&mut self, step: &Step) {
        match step {
            Step::Change { key, act, news } => {
                self.done.count(match act {
                    Act::Put { .. } => "values written",
                    Act::Move { .. } => "labels moved",
                    Act::Recreate { .. } => "secrets made anew",
                });
                match news.delays.len() {
                    0 => self.done.count("events dropped"),
                    1 if news.delays == [0] => {}
                    1 => self.done.count("events delayed"),
                    _ => self.done.count("events doubled"),
                }
                self.post.send(*key, *act, news);
            }
            Step::Declare { place, spec } => {
                self.specs.insert(*place, spec.clone());
                self.done.count("manifests declared");
            }
            Step::Remove { place } => {
                self.specs.remove(place);
                self.done.count("manifests removed");
            }
            Step::Edit { .. } => self.done.count("Secrets edited by hand"),
            Step::Erase { .. } => self.done.count("Secrets deleted by hand"),
        }
    }
}

async fn put(stage: &Stage, place: Place, spec: &Spec) -> Result<()> {
    stage.journal.note(&format!("{place} is declared: {spec:?}"));
    stage.journal.declares(place, stage.journal.now(), Some(spec.clone()));
    stage.clusters[place.cluster].apply(&manifests::external_secret(place, spec)).await
}
