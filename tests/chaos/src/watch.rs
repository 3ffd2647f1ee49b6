//! The record of what targets showed: one watch of all Secrets for each cluster, past everything that breaks.

use crate::cluster::Data;
use crate::journal::Journal;
use crate::lock;
use crate::stage::Stage;
use crate::world::Target;
use pawl_e2e::Result;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;

/// What a Secret showed from a moment on; none when it was deleted.
#[derive(Clone, Debug)]
pub(crate) struct Sight {
    pub(crate) at: Duration,
    pub(crate) target: Target,
    pub(crate) data: Option<Data>,
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    seen: Arc<Mutex<Vec<Sight>>>,
    gaps: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Watch {
    pub(crate) fn start(stage: &Arc<Stage>, journal: &Arc<Journal>) -> Self {
        let (seen, gaps) = (Arc::<Mutex<Vec<Sight>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let mut tasks = JoinSet::new();
        for index in 0..stage.clusters.len() {
            let (stage, journal) = (Arc::clone(stage), Arc::clone(journal));
            let (seen, gaps) = (Arc::clone(&seen), Arc::clone(&gaps));
            tasks.spawn(async move {
                let mut version = "0".to_owned();
                loop {
                    // A watch that ends goes on from where it was. What it cannot tell any more is a gap in the proof.
                    let ended = follow(&stage, index, &journal, &seen, &mut version).await;
                    if let Err(error) = ended {
                        lock(&gaps).push(format!("{}: {error}", stage.clusters[index].name));
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        }
        Self { seen, gaps, _tasks: tasks }
    }

    pub(crate) fn seen(&self) -> Vec<Sight> {
        lock(&self.seen).clone()
    }

    /// Why the record may have holes.
    pub(crate) fn gaps(&self) -> Vec<String> {
        lock(&self.gaps).clone()
    }
}

async fn follow(
    stage: &Stage,
    index: usize,
    journal: &Journal,
    seen: &Mutex<Vec<Sight>>,
    version: &mut String,
) -> Result<()> {
    let cluster = &stage.clusters[index];
    let mut answer = cluster.watch(version).await?;
    let mut buffer = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        buffer.extend_from_slice(&chunk);
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let event: Value = serde_json::from_slice(&line).unwrap_or_default();
            let (kind, object) = (event["type"].as_str().unwrap_or_default(), &event["object"]);
            if kind == "ERROR" {
                "0".clone_into(version);
                return Err(pawl_e2e::Error::Otherwise(format!(
                    "the watch was ended: {}",
                    object["message"]
                )));
            }
            if let Some(newest) = object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
                newest.clone_into(version);
            }
            if let Some((target, data)) = cluster.read_secret(object) {
                let data = (kind != "DELETED").then_some(data);
                lock(seen).push(Sight { at: journal.now(), target, data });
            }
        }
    }
    Ok(())
}
