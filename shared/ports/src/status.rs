//! What is written back to an ExternalSecret that lives in a cluster.

use jiff::Timestamp;
use pawl_domain::reconcile::Deed;
use pawl_domain::record::Told;
use pawl_domain::{Declaration, Failure, Outcome};

/// How the last sync of a declaration went, for its Ready condition and an Event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Status {
    /// When.
    pub at: Timestamp,
    /// The uid of the ExternalSecret that was synced.
    pub uid: Option<String>,
    /// ESO's `syncedResourceVersion` of the manifest that was synced.
    pub synced: Option<String>,
    /// The target's kind, where it is no Secret.
    pub kind: Option<String>,
    /// The target's name.
    pub target: String,
    /// What was done, or why it failed.
    pub result: Result<Outcome, Failure>,
    /// What was done to the target.
    pub deed: Deed,
    /// Whether a target of a former name was deleted.
    pub retired: bool,
    /// Whether somebody else has told since how the declaration stands: only what was done is told.
    pub overtaken: bool,
    /// What the status says already, as far as is known.
    pub before: Option<Told>,
}

impl Status {
    /// The status of a declaration of which nothing was told yet.
    pub fn of(declaration: &Declaration, at: Timestamp, result: Result<Outcome, Failure>) -> Self {
        Self {
            at,
            uid: declaration.uid.clone(),
            synced: declaration.synced.clone(),
            kind: declaration.target.generic().map(|kind| kind.kind.clone()),
            target: declaration.target.name.to_string(),
            result,
            deed: Deed::Nothing,
            retired: false,
            overtaken: false,
            before: None,
        }
    }

    /// What the status says once it was told; `None` for what has not happened yet, of which nothing is told.
    pub fn told(&self) -> Option<Told> {
        let outcome = match &self.result {
            Ok(Outcome::Queued) => return None,
            Ok(Outcome::Written | Outcome::Unchanged) => "synced",
            Ok(outcome) => outcome.as_str(),
            Err(failure) => failure.complaint.as_str(),
        };
        let (uid, kind) = (self.uid.as_deref().unwrap_or_default(), self.kind.as_deref().unwrap_or_default());
        // A failure leaves what was synced last.
        let synced = self.synced.as_deref().filter(|_| self.result.is_ok()).unwrap_or_default();
        // Another object of the same name was told nothing yet.
        Some(Told::of(self.result.is_ok(), &[uid, outcome, kind, &self.target, synced]))
    }
}
