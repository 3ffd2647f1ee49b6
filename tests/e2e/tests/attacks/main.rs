//! Attacks on clusters, on what is applied from git, and on everybody's time and memory: carried out as an attacker would,
//! against a real `pawl serve`. Each story says what the attacker must not get, and what the neighbours must keep.
//!
//! | module | who attacks |
//! |---|---|
//! | `clusters` | somebody who may add a Cluster to a folder that a pipeline applies |
//! | `git` | one team's pipeline, another team's objects |
//! | `senders` | somebody who may hand in events, or only reach the port |
//! | `floods` | a tenant whose manifests cost too much |
//! | `crashes` | a tenant whose manifest ends the process |
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod clusters;
mod crashes;
mod floods;
mod git;
mod senders;

use pawl_e2e::{REGION, Result, Server, Stage, events, until};
use pawl_servers::StoredSecret;
use serde_json::json;
use std::time::Duration;

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
    pub(crate) async fn rotates_and_is_served(&mut self, stage: &Stage, server: &Server) -> Result<Duration> {
        let version = self.rotates(stage).await?;
        let event = events::label_updated(REGION, KEY, &version);
        let began = std::time::Instant::now();
        let answer = server.send(&event).await?;
        assert_eq!(answer.status, 200, "{answer:?}");
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
