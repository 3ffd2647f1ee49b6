//! What is written back to a PushSecret that lives in a cluster.

use jiff::Timestamp;
use pawl_domain::push::{PushData, PushDeletion};
use pawl_domain::record::Told;
use pawl_domain::{Failure, PushSecret, StoreId};

/// How the last run of a PushSecret went, for its status and an Event. Source of reasons and messages: ESO 2.9.
#[derive(Clone, Debug, PartialEq)]
pub struct PushStatus {
    /// When the run began.
    pub at: Timestamp,
    /// The uid of the PushSecret that was carried out.
    pub uid: Option<String>,
    /// ESO's `syncedResourceVersion` of the manifest that was carried out.
    pub synced: Option<String>,
    /// What stands in the stores, with the store of each.
    pub entries: Vec<(StoreId, PushData)>,
    /// How it went.
    pub outcome: PushVerdict,
    /// Whether `updatePolicy` is `IfNotExists`, which ESO says in the message.
    pub keeps_existing: bool,
    /// What the status says already, as far as is known.
    pub before: Option<Told>,
}

/// How a run went.
#[derive(Clone, Debug, PartialEq)]
pub enum PushVerdict {
    /// All is as declared.
    Synced,
    /// The source is gone, and what was pushed of it was removed.
    SourceDeleted,
    /// Something failed; the message says of each entry what, and never quotes a value or a server.
    Failed(Failure),
}

impl PushVerdict {
    /// Whether the Ready condition is `True`.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Synced)
    }

    /// The reason of the Ready condition and of the Event.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Synced => "Synced",
            Self::SourceDeleted => "SourceDeleted",
            Self::Failed(_) => "Errored",
        }
    }
}

impl PushStatus {
    /// What the Ready condition and the Event say.
    pub fn message(&self) -> &str {
        match &self.outcome {
            PushVerdict::Synced if self.keeps_existing => {
                "PushSecret synced successfully. Existing secrets in providers unchanged."
            }
            PushVerdict::Synced => "PushSecret synced successfully",
            PushVerdict::SourceDeleted => "source secret deleted; provider secrets cleaned up",
            PushVerdict::Failed(failure) => &failure.message,
        }
    }

    /// What the status says once it was told.
    pub fn told(&self) -> Told {
        let entries: Vec<String> =
            self.entries.iter().map(|(store, data)| format!("{store} {}", data.to)).collect();
        let uid = self.uid.as_deref().unwrap_or_default();
        let synced = self.synced.as_deref().filter(|_| self.outcome.is_ready()).unwrap_or_default();
        let mut words = vec![uid, self.outcome.reason(), self.message(), synced];
        words.extend(entries.iter().map(String::as_str));
        Told::of(self.outcome.is_ready(), &words)
    }
}

/// Whether ESO's finalizer belongs to a PushSecret: what it pushed is to be removed before it goes.
pub fn wants_finalizer(push: &PushSecret) -> bool {
    push.deletion == PushDeletion::Delete && !push.deleting
}
