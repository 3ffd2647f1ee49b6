//! Whether the server lives, and whether it can do its work: what `/healthz` and `/readyz` answer.

use super::crew::Running;
use super::schedule::{Stopped, every};
use pawl_pipeline::Pipeline;
use pawl_ports::{Error, Ledger, Ports, Registry};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::warn;

/// How often registry and ledger are asked. Whoever asks for readiness gets the last answer, so that asking costs
/// nothing and nobody can wear out a table by it.
const PROBE: Duration = Duration::from_secs(2);
/// How long they may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of the server's health.
#[derive(Debug)]
pub(crate) struct Health {
    running: Running,
    reachable: AtomicBool,
    /// Whether the log has said why they are not.
    told: AtomicBool,
    indexed: AtomicBool,
}

impl Health {
    /// Of a server that has asked nobody yet.
    pub(crate) fn new(running: Running) -> Self {
        let no = || AtomicBool::new(false);
        Self { running, reachable: no(), told: no(), indexed: no() }
    }

    /// The clusters' own manifests have been read once; those that could not be are tried again at each interval.
    pub(crate) fn index_done(&self) {
        self.indexed.store(true, Ordering::Relaxed);
    }

    /// Whether every part runs. That there is an answer at all says that the event loop does.
    pub(crate) fn alive(&self) -> Result<(), String> {
        self.running.ended().map_or(Ok(()), |ended| Err(ended.to_string()))
    }

    /// Whether work can be done; else everything that it waits for.
    pub(crate) fn ready(&self) -> Result<(), Vec<String>> {
        let mut waits: Vec<String> = self.alive().err().into_iter().collect();
        if !self.reachable.load(Ordering::Relaxed) {
            waits.push("registry or ledger cannot be reached; the log says why".to_owned());
        }
        if !self.indexed.load(Ordering::Relaxed) {
            waits.push("the first index has not ended".to_owned());
        }
        if waits.is_empty() { Ok(()) } else { Err(waits) }
    }

    /// Keeps asking registry and ledger, until told to stop.
    pub(crate) async fn probe<P: Ports>(self: Arc<Self>, pipeline: Arc<Pipeline<P>>, stopped: Stopped) {
        let look = || async {
            let asked = tokio::time::timeout(PATIENCE, ask(pipeline.ports())).await;
            let reachable = matches!(asked, Ok(Ok(())));
            self.reachable.store(reachable, Ordering::Relaxed);
            let told = self.told.swap(!reachable, Ordering::Relaxed);
            match asked {
                Ok(Ok(())) => {}
                _ if told => {}
                Ok(Err(problem)) => warn!("not ready: {problem}"),
                Err(_) => warn!("not ready: registry and ledger do not answer within {PATIENCE:?}"),
            }
        };
        every(PROBE, stopped, look).await;
    }
}

async fn ask<P: Ports>(ports: &P) -> Result<(), Error> {
    ports.registry().clusters().await?;
    ports.ledger().mark("readiness").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::crew::Crew;
    use super::*;

    #[tokio::test]
    async fn health_says_what_is_missing() {
        let mut crew = Crew::default();
        let health = Health::new(crew.running());
        assert_eq!(health.alive(), Ok(()));
        assert_eq!(health.ready().unwrap_err().len(), 2);
        health.index_done();
        health.reachable.store(true, Ordering::Relaxed);
        assert_eq!(health.ready(), Ok(()));
        crew.spawn("jobs", async {});
        crew.first_end().await;
        assert_eq!(health.alive(), Err("jobs ended by itself".to_owned()));
        assert_eq!(health.ready(), Err(vec!["jobs ended by itself".to_owned()]));
    }
}
