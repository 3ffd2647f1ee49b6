//! Attacks on clusters, on what is applied from git, and on everybody's time and memory: carried out as an attacker would,
//! against a real `pawl serve` and against the functions. Each story says what the attacker must not get, and what the neighbours
//! must keep.
//!
//! | module | who attacks |
//! |---|---|
//! | `clusters` | somebody who may add a Cluster to a folder that a pipeline applies |
//! | `git` | one team's pipeline, another team's objects |
//! | `senders` | somebody who may hand in events, or only reach the port |
//! | `floods` | a tenant whose manifests cost too much |
//! | `large` | a tenant whose stores answer with megabytes |
//! | `slow` | a tenant whose stores do not answer |
//! | `crashes` | a tenant whose manifest ends the process |
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "make attacks shows the figures")]

mod clusters;
mod crashes;
mod floods;
mod git;
mod large;
mod senders;
mod slow;

use pawl_e2e::{Deployment, Form, REGION, Result, Rhythm, Stage, events, until};
use pawl_servers::StoredSecret;
use serde_json::json;
use std::time::Duration;

/// Sweeps all the time.
pub(crate) const SWEEPING: Rhythm = Rhythm { sweeps: true, indexes: false };

/// A deployment of this form with one cluster, `blue`, where the neighbour lives.
pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) pawl: Deployment,
    pub(crate) neighbour: Neighbour,
}

impl Scene {
    /// The scene before Pawl works of its own accord.
    pub(crate) async fn set(form: Form, variables: &[(&str, &str)]) -> Result<Self> {
        let mut stage = Stage::start(&["blue"]).await?;
        for (name, value) in variables {
            stage.set(name, value);
        }
        let pawl = Deployment::on(form, &mut stage).await?;
        let neighbour = Neighbour::moves_in(&stage).await?;
        namespace(&stage, "evil");
        Ok(Self { stage, pawl, neighbour })
    }

    /// The scene with Pawl at work, and the neighbour served.
    pub(crate) async fn begun(form: Form, rhythm: Rhythm) -> Result<Self> {
        let mut scene = Self::set(form, &[]).await?;
        scene.pawl.begin(&scene.stage, rhythm).await?;
        scene.neighbour.is_served(&scene.stage).await?;
        Ok(scene)
    }

    /// Applies what the attacker wrote, as its own pipeline does.
    pub(crate) async fn applies(&self, name: &str, manifests: &str) -> Result<pawl_e2e::Ran> {
        let file = self.stage.write(&format!("{name}.yaml"), manifests)?.display().to_string();
        self.stage.pawl(&["apply", "--set", "evil", "-f", &file, "--cluster", "blue"]).await
    }

    /// A row of the table that `make attacks` shows: how long the neighbour's Secret took, and the most memory that a process of
    /// Pawl had by then.
    pub(crate) fn figure(&self, case: &str, took: Duration) {
        let peak = self.pawl.peak_memory().unwrap_or_default() >> 20;
        let form = format!("{:?}", self.pawl.form());
        println!("figure | {form:<9} | {case:<28} | {:>6.2} s | {peak:>4} MiB |", took.as_secs_f64());
    }

    /// A rotation of the neighbour's with its event; says how long the Secret took.
    pub(crate) async fn rotates(&mut self) -> Result<Duration> {
        self.neighbour.rotates_and_is_served(&self.stage, &self.pawl).await
    }
}

/// A tenant who has done nothing: a Secret in the namespace `bank`, which reads `bank/swift`.
pub(crate) struct Neighbour {
    number: usize,
}

const KEY: &str = "bank/swift";

/// The store that all use here.
pub(crate) const STORE: &str = "---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: { name: aws }
spec: { provider: { aws: { service: SecretsManager, region: eu-central-1 } } }
";

const DECLARED: &str = "---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: swift, namespace: bank }
spec:
  refreshInterval: 1s
  secretStoreRef: { kind: ClusterSecretStore, name: aws }
  data: [{ secretKey: key, remoteRef: { key: bank/swift } }]
";

impl Neighbour {
    /// Moves in: namespace, key, store and ExternalSecret, applied with the set `bank` and the stage's clusters.
    pub(crate) async fn moves_in(stage: &Stage) -> Result<Self> {
        namespace(stage, "bank");
        let neighbour = Self { number: 0 };
        stage.aws().create_secret(REGION, KEY, &neighbour.value()).await?;
        let manifests = stage.write("bank.yaml", &format!("{STORE}{DECLARED}"))?.display().to_string();
        let clusters = stage.path("clusters.yaml").display().to_string();
        stage.pawl(&["apply", "--clusters", "-f", &clusters]).await?.well()?;
        stage.pawl(&["apply", "--set", "bank", "-f", &manifests, "--cluster", "blue"]).await?.well()?;
        Ok(neighbour)
    }

    fn value(&self) -> String {
        format!("swift-{}-of-the-neighbour", self.number)
    }

    pub(crate) fn holds(&self, stage: &Stage) -> bool {
        let found = stage.find("blue").and_then(|blue| blue.secret_value("bank", "swift", "key"));
        found.as_deref() == Some(self.value().as_bytes())
    }

    /// Waits until the Secret holds what the store does; says how long that took.
    pub(crate) async fn is_served(&self, stage: &Stage) -> Result<Duration> {
        let what = "the neighbour's Secret";
        Ok(until(what, async || self.holds(stage).then_some(())).await?.1)
    }

    /// A new value in the store, of which nobody is told.
    pub(crate) async fn rotates(&mut self, stage: &Stage) -> Result<StoredSecret> {
        self.number += 1;
        Ok(stage.aws().put_secret_value(REGION, KEY, &self.value()).await?)
    }

    /// A rotation with its event; says how long the Secret took.
    pub(crate) async fn rotates_and_is_served(
        &mut self,
        stage: &Stage,
        pawl: &Deployment,
    ) -> Result<Duration> {
        let version = self.rotates(stage).await?;
        let event = events::label_updated(REGION, KEY, &version);
        let began = std::time::Instant::now();
        pawl.send(stage, &event).await?;
        self.is_served(stage).await?;
        Ok(began.elapsed())
    }
}

pub(crate) fn namespace(stage: &Stage, name: &str) {
    let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    for cluster in stage.clusters() {
        cluster.put(object.clone()).unwrap();
    }
}
