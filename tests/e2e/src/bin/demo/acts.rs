//! The acts, in order. Each waits for what must happen, and fails when it does not.

use pawl_e2e::examples::{self, Example, WITH_SERVICE_ACCOUNT};
use pawl_e2e::show::{self, act, expect, fact, outcomes};
use pawl_e2e::{Answer, Metrics, Result, Server, Stage, until};
use serde_json::Value;
use std::time::{Duration, Instant};

const BLUE: &str = "blue";
const GREEN: &str = "green";
const CLUSTERS: [&str; 2] = [BLUE, GREEN];

/// The stage, the server on it, and what was put into the stores so far.
pub(crate) struct Play {
    pub(crate) stage: Stage,
    pub(crate) server: Server,
    passwords: Vec<String>,
    last_event: Value,
}

impl Play {
    /// AWS, two clusters, and `pawl serve`.
    pub(crate) async fn begin() -> Result<Self> {
        act("The stage");
        let stage = Stage::start(&CLUSTERS).await?;
        fact(&format!("AWS: moto, on {}", stage.aws().endpoint()));
        for cluster in stage.clusters() {
            fact(&format!(
                "cluster {}: an embedded Kubernetes API server, on {}",
                cluster.name(),
                cluster.url()
            ));
        }
        examples::furnish(&stage)?;
        let mut passwords = Vec::new();
        for example in examples::ALL {
            let password = examples::password();
            example.create(&stage, &password).await?;
            passwords.push(password);
            fact(&format!("secret {} in Secrets Manager of {}", example.key, example.region));
        }
        // The acts sweep by hand, so the server's own schedule is set aside.
        let server = Server::start(&stage, &["--sweep", "24h", "--index", "24h"]).await?;
        fact(&format!("pawl serve: one process with its registry in a local file, on {}", server.url()));
        Ok(Self { stage, server, passwords, last_event: Value::Null })
    }

    /// The manifests go into the registry, and the Secrets appear.
    pub(crate) async fn apply(&mut self) -> Result<()> {
        act(
            "Apply: two stores and two ExternalSecrets, as External Secrets Operator has them, to both clusters",
        );
        let clusters = self.stage.path("clusters.yaml").display().to_string();
        self.stage.pawl(&["apply", "--clusters", "-f", &clusters]).await?.well()?;
        let examples = self.stage.write("first-examples.yaml", examples::MANIFESTS)?.display().to_string();
        self.stage.reset_calls();
        let arguments = ["apply", "-f", &examples, "--cluster", BLUE, "--cluster", GREEN];
        for line in self.stage.pawl(&arguments).await?.well()?.lines() {
            fact(&line.replace(&examples, "first-examples.yaml"));
        }
        for (example, password) in examples::ALL.iter().zip(&self.passwords) {
            let took = self.arrival(example, password).await?;
            let Example { namespace, secret, .. } = example;
            fact(&format!(
                "Secret {namespace}/{secret} stands in {BLUE} and {GREEN}, {} later",
                show::time(took)
            ));
        }
        // A Secret stands a moment before the ledger has it, and an event in between would find the slow path.
        self.stage.settled().await?;
        self.tell_calls();
        Ok(())
    }

    /// The password changes, AWS says so, both clusters follow.
    pub(crate) async fn rotate(&mut self) -> Result<()> {
        let example = WITH_SERVICE_ACCOUNT;
        act(&format!(
            "Rotate: {} gets a new password, and Secrets Manager sends \"Secret Label Updated\"",
            example.key
        ));
        let password = examples::password();
        let version = example.rotate(&self.stage, &password).await?;
        self.passwords.push(password.clone());
        self.last_event = example.event(&version);

        let before = self.server.metrics().await?;
        self.stage.reset_calls();
        let (answer, took) = tokio::try_join!(self.send(), self.arrival(&example, &password))?;
        let after = self.server.metrics().await?;
        expect(answer.status == 200, || {
            format!("the event was answered with {}: {}", answer.status, answer.body)
        })?;
        fact(&format!("the password changed in {BLUE} and {GREEN}"));
        fact(&format!("{} from the event to the last cluster's Secret", show::time(took)));
        self.tell_calls();
        fact("(the store is asked once for each identity; these two clusters have one each)");
        let counted = store_calls(&after) - store_calls(&before);
        let seen = self.stage.meter().store_calls().values().sum::<usize>();
        expect(counted == seen as u64, || format!("pawl counted {counted} store calls, AWS saw {seen}"))?;
        let calls = self.stage.cluster_calls();
        expect(calls.values().sum::<usize>() == CLUSTERS.len(), || {
            format!("one request for each cluster was expected, there were {}", show::calls(&calls))
        })
    }

    /// The same event comes again, as events do.
    pub(crate) async fn repeat(&mut self) -> Result<()> {
        act("Repeat: the same event comes once more");
        self.stage.reset_calls();
        let answer = self.send().await?;
        expect(answer.status == 200, || format!("the event was answered with {}", answer.status))?;
        self.tell_calls();
        let (store, clusters) = (self.stage.meter().store_calls(), self.stage.cluster_calls());
        expect(store.is_empty() && clusters.is_empty(), || "a repeated event must cost no call".to_owned())
    }

    /// The password changes, and nobody says so.
    pub(crate) async fn lose_an_event(&mut self) -> Result<()> {
        let example = WITH_SERVICE_ACCOUNT;
        act(&format!("Lose an event: {} gets a new password, and no event comes", example.key));
        let password = examples::password();
        example.rotate(&self.stage, &password).await?;
        self.passwords.push(password.clone());
        self.stage.reset_calls();
        let swept = self.stage.pawl(&["sweep", "--all", "--output", "json"]).await?.well()?;
        self.arrival(&example, &password).await?;
        fact("pawl sweep --all found it, and the password changed in both clusters:");
        for (declaration, outcome) in outcomes(&swept)? {
            fact(&format!("{declaration}: {outcome}"));
        }
        self.tell_calls();
        Ok(())
    }

    /// No value stands where it has no business.
    pub(crate) fn search_for_values(&self) -> Result<()> {
        act("Search: do the passwords show up anywhere but in stores and Secrets?");
        let (log, mut files) = (self.server.log(), 0);
        let found = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            self.passwords.iter().any(|password| text.contains(password.as_str()))
        };
        expect(!found(log.as_bytes()), || "a password stands in the server's log".to_owned())?;
        fact(&format!("not in the {} lines of the server's log", log.lines().count()));
        for name in ["pawl.db", "pawl.db-wal", "pawl.db-shm"] {
            let Ok(bytes) = std::fs::read(self.stage.path(name)) else { continue };
            expect(!found(&bytes), || format!("a password stands in {name}"))?;
            files += 1;
        }
        expect(files > 0, || "there is no registry file".to_owned())?;
        fact(&format!("not in the {files} files of registry, ledger and job queue"));
        Ok(())
    }

    async fn send(&self) -> Result<Answer> {
        self.server.send(&self.last_event).await
    }

    /// Waits until every cluster holds this password, and says how long that took.
    async fn arrival(&self, example: &Example, password: &str) -> Result<Duration> {
        let began = Instant::now();
        let what = format!("the change of Secret {}/{} in both clusters", example.namespace, example.secret);
        let everywhere = || CLUSTERS.iter().all(|cluster| example.holds(&self.stage, cluster, password));
        until(&what, async || everywhere().then_some(())).await?;
        Ok(began.elapsed())
    }

    fn tell_calls(&self) {
        fact(&format!("calls to the stores: {}", show::calls(&self.stage.meter().store_calls())));
        fact(&format!("calls to the clusters: {}", show::calls(&self.stage.cluster_calls())));
    }
}

fn store_calls(metrics: &Metrics) -> u64 {
    metrics.count("pawl_store_calls_total", &[])
}
