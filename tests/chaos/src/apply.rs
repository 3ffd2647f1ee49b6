//! The pipeline that applies manifests from git: always all of them, one run after the other, again until one goes well.

use crate::dice::Dice;
use crate::faults::Kind;
use crate::lock;
use crate::manifests;
use crate::options::Options;
use crate::stage::{PATIENCE, Stage};
use crate::world::{Place, Spec};
use pawl_e2e::{Error, Result, TRUST};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

type Specs = BTreeMap<Place, Spec>;

/// Whose the manifests are.
const SET: &str = "chaos";

/// Applies whatever is wanted last. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Applier {
    wanted: watch::Sender<Arc<Specs>>,
    applied: watch::Receiver<Arc<Specs>>,
    counts: Arc<Mutex<BTreeMap<&'static str, usize>>>,
    last: Arc<Mutex<String>>,
    _task: JoinSet<()>,
}

struct Run {
    stage: Arc<Stage>,
    dice: Dice,
    may_be_killed: bool,
    declared: Specs,
    /// Whether the clusters are declared. A function may not do that.
    knows_clusters: bool,
    counts: Arc<Mutex<BTreeMap<&'static str, usize>>>,
    last: Arc<Mutex<String>>,
}

impl Applier {
    pub(crate) fn start(stage: Arc<Stage>, options: &Options, specs: Specs) -> Self {
        let (wanted, mut wants) = watch::channel(Arc::new(applied_only(&specs)));
        let (done, applied) = watch::channel(Arc::new(Specs::new()));
        let (counts, last) = (Arc::<Mutex<_>>::default(), Arc::<Mutex<String>>::default());
        let mut run = Run {
            stage,
            dice: Dice::new(options.seed ^ 0xa99_17e5),
            may_be_killed: options.faults.contains(&Kind::Kill),
            declared: Specs::new(),
            knows_clusters: false,
            counts: Arc::clone(&counts),
            last: Arc::clone(&last),
        };
        let mut task = JoinSet::new();
        task.spawn(async move {
            loop {
                let specs = Arc::clone(&wants.borrow_and_update());
                match run.once(&specs).await {
                    true => {
                        done.send_replace(specs);
                        if wants.changed().await.is_err() {
                            return;
                        }
                    }
                    false => tokio::time::sleep(Duration::from_millis(500)).await,
                }
            }
        });
        Self { wanted, applied, counts, last, _task: task }
    }

    pub(crate) fn want(&self, specs: &Specs) {
        let specs = applied_only(specs);
        self.wanted.send_if_modified(|wanted| {
            let is_new = **wanted != specs;
            if is_new {
                *wanted = Arc::new(specs);
            }
            is_new
        });
    }

    /// Waits until what is wanted is applied.
    pub(crate) async fn finish(&self) -> Result<()> {
        let wanted = Arc::clone(&self.wanted.borrow());
        let mut applied = self.applied.clone();
        let done = applied.wait_for(|applied| **applied == *wanted && !applied.is_empty());
        match tokio::time::timeout(PATIENCE, done).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Error::Otherwise(format!(
                "manifests could not be applied within {PATIENCE:?}, although nothing is broken; the last attempt said:\n{}",
                lock(&self.last)
            ))),
        }
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, usize> {
        lock(&self.counts).clone()
    }
}

fn applied_only(specs: &Specs) -> Specs {
    specs
        .iter()
        .filter(|(place, _)| !place.is_indexed())
        .map(|(place, spec)| (*place, spec.clone()))
        .collect()
}

impl Run {
    /// One run of the pipeline. Says whether it went well.
    async fn once(&mut self, specs: &Specs) -> bool {
        self.tell(specs);
        let stage = &self.stage;
        let mut documents: Vec<Value> = stage
            .clusters
            .iter()
            .enumerate()
            .map(|(index, cluster)| cluster.manifest(index + 1 == stage.clusters.len()))
            .collect();
        // Stores that live in clusters are the operator's here, as those that are applied.
        documents.extend(serde_json::from_str::<Value>(TRUST));
        documents.extend(stage.vault_store.stores());
        documents.extend(specs.iter().map(|(place, spec)| manifests::external_secret(*place, spec)));
        let (by_function, killed) = (self.dice.happens(500), self.dice.happens(200));
        let by_function = by_function && self.knows_clusters;
        let time = Duration::from_millis(self.dice.millis(50, 2000));
        // A command can be killed; a function goes on when its caller has gone, and its work would meet the next run's.
        let is_killed = killed && self.may_be_killed && (!by_function || stage.pawl.lambda().is_none());
        let limit = if is_killed { time } else { Duration::from_secs(90) };
        let run = async {
            match stage.pawl.lambda() {
                Some(lambda) if by_function => {
                    let request = json!({
                        "manifests": manifests::yaml(&documents),
                        "set": SET, "prune": true, "pruneMost": true,
                    });
                    let summary = lambda.invoke("index", &request).await?;
                    let is_well = summary["failed"].as_array().is_some_and(Vec::is_empty);
                    Ok::<_, Error>((is_well, summary.to_string()))
                }
                _ => {
                    let file = stage.path("manifests.yaml");
                    std::fs::write(&file, manifests::yaml(&documents))
                        .map_err(crate::io("cannot write manifests"))?;
                    let file = file.display().to_string();
                    let prune = ["--set", SET, "--prune", "--prune-most"];
                    let arguments = [&["apply", "--clusters"], &prune[..], &["-f", &file]].concat();
                    stage.pawl.command(&arguments).await
                }
            }
        };
        let ended = tokio::time::timeout(limit, run).await;
        let (word, said) = match ended {
            Ok(Ok((true, said))) => ("applies", said),
            Ok(Ok((false, said))) => ("applies that failed", said),
            Ok(Err(error)) => ("applies that failed", error.to_string()),
            Err(_) => ("applies killed", String::new()),
        };
        let problem = if word == "applies" { "" } else { said.lines().last().unwrap_or_default() };
        stage.journal.note(&format!("{word}: {} manifests {problem}", specs.len()));
        *lock(&self.counts).entry(word).or_default() += 1;
        *lock(&self.last) = said;
        self.knows_clusters |= word == "applies";
        word == "applies"
    }

    /// Notes what is different from the last run, from now on.
    fn tell(&mut self, specs: &Specs) {
        let (journal, now) = (&self.stage.journal, self.stage.journal.now());
        for (place, spec) in specs {
            if self.declared.get(place) != Some(spec) {
                journal.note(&format!("{place} is declared: {spec:?}"));
                journal.declares(*place, now, Some(spec.clone()));
            }
        }
        for place in self.declared.keys().filter(|place| !specs.contains_key(place)) {
            journal.note(&format!("{place} is removed"));
            journal.declares(*place, now, None);
        }
        self.declared.clone_from(specs);
    }
}
