//! A bounded buffer between readers that must never wait and a flow that may be slow.
//!
//! Vault answers nobody while an audit device blocks. So a change that finds no room is dropped and counted: the sweep
//! makes up for it, and nothing makes up for a Vault that stands still.

use super::{Audit, Counts};
use crate::intake;
use futures::{StreamExt, stream};
use pawl_domain::Change;
use pawl_pipeline::Pipeline;
use pawl_ports::Ports;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::warn;

/// Changes synced at the same time.
const SYNCS: usize = 16;
/// How often a change is tried whose declarations could not be looked up, and the first pause, which doubles.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The near end: takes lines and never waits. Clones share the room.
#[derive(Clone, Debug)]
pub struct Feed {
    audit: Arc<Audit>,
    changes: mpsc::Sender<Change>,
}

/// There is no room for the changes of a shipment. It may be handed in again as a whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("changes come faster than they are synced; send the records again later")]
pub struct Full;

/// A way with room for this many changes. It ends when every clone of the near end is gone.
pub fn feed(audit: Arc<Audit>, room: usize) -> (Feed, mpsc::Receiver<Change>) {
    let (changes, far) = mpsc::channel(room);
    (Feed { audit, changes }, far)
}

impl Feed {
    /// Takes in one record. What finds no room is counted in `pawl_audit_dropped_total{reason}`.
    pub fn line(&self, line: &[u8]) {
        let (changes, _) = self.audit.changes([line]);
        for change in changes {
            if let Err(refused) = self.changes.try_send(change) {
                // Another device's copy of the record may find room.
                self.audit.forget([&refused.into_inner()]);
                dropped("full");
            }
        }
    }

    /// Takes in the records of a shipment whose sender can send them again.
    ///
    /// # Errors
    /// [`Full`] when a change found no room. What did is not told twice when the shipment comes again.
    pub fn shipment(&self, lines: &[Vec<u8>]) -> Result<Counts, Full> {
        let (changes, counts) = self.audit.changes(lines);
        let mut lost =
            changes.into_iter().filter_map(|change| self.changes.try_send(change).err()).peekable();
        if lost.peek().is_none() {
            return Ok(counts);
        }
        let lost: Vec<Change> = lost.map(mpsc::error::TrySendError::into_inner).collect();
        self.audit.forget(&lost);
        Err(Full)
    }

    pub(crate) fn too_long(&self, count: u64) {
        self.audit.too_long(count);
    }
}

/// The far end: syncs changes as they come, until the near end is gone and nothing is left.
pub async fn sync<P: Ports>(pipeline: Arc<Pipeline<P>>, mut changes: mpsc::Receiver<Change>) {
    stream::poll_fn(move |context| changes.poll_recv(context))
        .for_each_concurrent(SYNCS, |change| settle(Arc::clone(&pipeline), change))
        .await;
}

async fn settle<P: Ports>(pipeline: Arc<Pipeline<P>>, change: Change) {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt - 1)).await;
        }
        match intake::settle(&pipeline, std::slice::from_ref(&change)).await {
            Ok(_) => return,
            Err(problem) => warn!(change.id, "change of an audit record: {problem}"),
        }
    }
    dropped("failed");
}

fn dropped(reason: &'static str) {
    metrics::counter!("pawl_audit_dropped_total", "reason" => reason).increment(1);
}
