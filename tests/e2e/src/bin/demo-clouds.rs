//! Pawl at work with three clouds: one rotation in each store reaches two clusters by its cloud's own kind of event; then each
//! event is lost, and the sweep makes up for it. Run it with `make demo-clouds`.
//!
//! AWS is moto; Google Secret Manager and Azure Key Vault are doubles, which `pawl serve` asks by the vendors' own addresses; the
//! two Kubernetes API servers are embedded. Everything else is real. Anything that does not happen as it must ends the demo with
//! what went wrong and exit code 1.

use pawl_e2e::clouds::{self, Cloud, Clouds, NAMESPACE};
use pawl_e2e::show::{self, act, expect, fact, outcomes};
use pawl_e2e::{Answer, Result, Server, Stage, examples, shows, until};
use std::process::ExitCode;
use std::time::Duration;

const CLUSTERS: [&str; 2] = ["blue", "green"];

#[tokio::main]
async fn main() -> ExitCode {
    match Play::begin().await {
        Ok(mut play) => match play.acts().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => show::failure(&error, &play.server.log()),
        },
        Err(error) => show::failure(&error, ""),
    }
}

struct Play {
    stage: Stage,
    clouds: Clouds,
    server: Server,
    passwords: Vec<String>,
}

impl Play {
    async fn begin() -> Result<Self> {
        act("The stage");
        let mut stage = Stage::start(&CLUSTERS).await?;
        let clouds = Clouds::start(&mut stage).await?;
        fact(&format!("AWS: moto, on {}", stage.aws().endpoint()));
        fact(&format!("Google Secret Manager and Azure Key Vault: doubles, behind {}", clouds.proxy()));
        for cluster in stage.clusters() {
            let (name, url) = (cluster.name(), cluster.url());
            fact(&format!("cluster {name}: an embedded Kubernetes API server, on {url}"));
        }
        let mut passwords = Vec::new();
        for cloud in Cloud::ALL {
            let password = examples::password();
            clouds.create(&stage, cloud, &password).await?;
            passwords.push(password);
        }
        // The last act sweeps by hand, so the server's own schedule is set aside.
        let arguments = ["--sweep", "24h", "--index", "24h", "--events", clouds.queue()];
        let server = Server::start(&stage, &arguments).await?;
        fact(&format!("pawl serve: one process with its registry in a local file, on {}", server.url()));
        Ok(Self { stage, clouds, server, passwords })
    }

    async fn acts(&mut self) -> Result<()> {
        self.apply().await?;
        for cloud in Cloud::ALL {
            self.rotate(cloud).await?;
        }
        self.lose_events().await?;
        self.search_for_values()
    }

    /// The manifests go into the registry, and the Secrets appear.
    async fn apply(&self) -> Result<()> {
        act("Apply: a store and an ExternalSecret for each cloud, to both clusters");
        let clusters = self.stage.path("clusters.yaml").display().to_string();
        self.stage.pawl(&["apply", "--clusters", "-f", &clusters]).await?.well()?;
        let manifests = self.stage.write("clouds.yaml", &clouds::manifests())?.display().to_string();
        let arguments = ["apply", "-f", &manifests, "--cluster", CLUSTERS[0], "--cluster", CLUSTERS[1]];
        for line in self.stage.pawl(&arguments).await?.well()?.lines() {
            fact(&line.replace(&manifests, "clouds.yaml"));
        }
        let mut took = Duration::ZERO;
        for (cloud, password) in Cloud::ALL.into_iter().zip(&self.passwords) {
            took += self.arrival(cloud, password).await?;
        }
        fact(&format!("the Secrets of all three stand in both clusters, {} later", show::time(took)));
        self.stage.settled().await
    }

    /// A password changes, its cloud says so, both clusters follow.
    async fn rotate(&mut self, cloud: Cloud) -> Result<()> {
        act(&format!("Rotate in {}: the word comes by {}", cloud.name(), cloud.tells_by()));
        let password = examples::password();
        let rotated = self.clouds.rotate(&self.stage, cloud, &password).await?;
        self.passwords.push(password.clone());
        self.forget_calls();
        if let Some(Answer { status, .. }) = self.clouds.forge(&self.server, &rotated).await? {
            expect(status == 401, || format!("a forged event was answered with {status}"))?;
            self.no_calls("a forged event")?;
            fact("the same word with another token: 401, and nobody is asked anything");
        }
        let (told, arrived) = tokio::join!(
            self.clouds.tell(&self.stage, &self.server, &rotated),
            self.arrival(cloud, &password)
        );
        let took = arrived?;
        if let Some(Answer { status, body }) = told? {
            expect(matches!(status, 200 | 204), || format!("the event was answered with {status}: {body}"))?;
        }
        fact(&format!("the password changed in both clusters, {} after it was told", show::time(took)));
        let asked = self.clouds.asked(&self.stage, cloud);
        let writes = self.stage.cluster_calls();
        fact(&format!("calls to the store: {asked}; to the clusters: {}", show::calls(&writes)));
        expect((1..=2 * CLUSTERS.len()).contains(&asked), || format!("{asked} calls to the store"))?;
        expect(writes.get("patch secrets") == Some(&CLUSTERS.len()), || {
            format!("one write for each cluster was expected, there were {}", show::calls(&writes))
        })
    }

    /// All passwords change, and nobody says so.
    async fn lose_events(&mut self) -> Result<()> {
        act("Lose every event: all three get a new password, and no word comes");
        let mut fresh = Vec::new();
        for cloud in Cloud::ALL {
            let password = examples::password();
            self.clouds.rotate(&self.stage, cloud, &password).await?;
            fresh.push(password);
        }
        self.passwords.extend(fresh.iter().cloned());
        self.forget_calls();
        let swept = self.stage.pawl(&["sweep", "--all", "--output", "json"]).await?.well()?;
        for (cloud, password) in Cloud::ALL.into_iter().zip(&fresh) {
            self.arrival(cloud, password).await?;
            let asked = self.clouds.asked(&self.stage, cloud);
            fact(&format!("{}: found, {asked} calls to the store", cloud.name()));
        }
        let outcomes = outcomes(&swept)?;
        for (declaration, outcome) in &outcomes {
            fact(&format!("{declaration}: {outcome}"));
        }
        let written = outcomes.iter().filter(|(_, outcome)| outcome == "written").count();
        expect(written == Cloud::ALL.len() * CLUSTERS.len(), || {
            format!("the sweep wrote {written} targets")
        })?;
        fact(&format!("calls to the clusters: {}", show::calls(&self.stage.cluster_calls())));
        self.forget_calls();
        let swept = self.stage.pawl(&["sweep", "--all", "--output", "json"]).await?.well()?;
        expect(show::outcomes(&swept)?.is_empty(), || "a sweep after it must find nothing".to_owned())?;
        fact("a sweep after it finds nothing to do");
        Ok(())
    }

    /// No value stands where it has no business.
    fn search_for_values(&self) -> Result<()> {
        act("Search: do the passwords show up anywhere but in stores and Secrets?");
        let log = self.server.log();
        let leaked = self.passwords.iter().any(|password| shows(&log, password));
        expect(!leaked, || "a password stands in the server's log".to_owned())?;
        fact(&format!("not in the {} lines of the server's log", log.lines().count()));
        let mut files = 0;
        for name in ["pawl.db", "pawl.db-wal", "pawl.db-shm"] {
            let Ok(bytes) = std::fs::read(self.stage.path(name)) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            let leaked = self.passwords.iter().any(|password| shows(&text, password));
            expect(!leaked, || format!("a password stands in {name}"))?;
            files += 1;
        }
        expect(files > 0, || "there is no registry file".to_owned())?;
        fact(&format!("not in the {files} files of registry, ledger and job queue"));
        Ok(())
    }

    /// Waits until every cluster holds this password, and says how long that took.
    async fn arrival(&self, cloud: Cloud, password: &str) -> Result<Duration> {
        let what = format!("the change of Secret {NAMESPACE}/{} in both clusters", cloud.name());
        let everywhere =
            || CLUSTERS.iter().all(|cluster| clouds::holds(&self.stage, cluster, cloud, password));
        let (_, took) = until(&what, async || everywhere().then_some(())).await?;
        // A Secret stands a moment before the ledger has it, and an event in between would find the slow path.
        self.stage.settled().await?;
        Ok(took)
    }

    fn forget_calls(&self) {
        self.stage.reset_calls();
        for cloud in Cloud::ALL {
            self.clouds.asked(&self.stage, cloud);
        }
    }

    fn no_calls(&self, after: &str) -> Result<()> {
        let stores: usize = Cloud::ALL.into_iter().map(|cloud| self.clouds.asked(&self.stage, cloud)).sum();
        let clusters = self.stage.cluster_calls();
        expect(stores == 0 && clusters.is_empty(), || {
            format!(
                "{after} must cost no call; there were {stores} to stores, {} to clusters",
                show::calls(&clusters)
            )
        })
    }
}
