//! Writes the Ready condition in ESO's words. ESO's conditions hide the cause of a failure, which the Event names.

use pawl_domain::{Complaint, Failure, Outcome};
use pawl_ports::Status;

/// What the Ready condition shall say.
#[derive(Debug, PartialEq)]
pub(crate) struct Ready {
    pub(crate) is_ready: bool,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Ready {
    /// `None` for what has not happened yet.
    pub(crate) fn of(status: &Status) -> Option<Self> {
        Self::of_secret(&status.result)
            .map(|ready| if status.kind.is_some() { ready.of_resource() } else { ready })
    }

    /// The condition's `status`.
    pub(crate) fn word(&self) -> &'static str {
        word(self.is_ready)
    }

    /// The same, said of a target that is no Secret.
    fn of_resource(self) -> Self {
        let reason = match self.reason {
            "SecretSynced" => "ResourceSynced",
            "SecretDeleted" => "ResourceDeleted",
            "SecretMissing" => "ResourceMissing",
            // ESO refuses such a target before it looks at what it is.
            _ if self.message == Complaint::GenericTarget.as_str() => return self,
            _ => "ResourceSyncedError",
        };
        // What is said of the provider is the same for every target.
        let message = if self.message == Complaint::Provider.as_str() || self.message.starts_with("PAWL-") {
            self.message
        } else {
            self.message.replace("secret", "resource")
        };
        Self { reason, message, is_ready: self.is_ready }
    }

    fn of_secret(result: &Result<Outcome, Failure>) -> Option<Self> {
        let ready =
            |reason, message: &str| Some(Self { is_ready: true, reason, message: message.to_owned() });
        match result {
            Ok(Outcome::Written | Outcome::Unchanged | Outcome::NotWanted) => {
                ready("SecretSynced", "secret synced")
            }
            Ok(Outcome::Retained) => ready("SecretSynced", "secret retained due to DeletionPolicy=Retain"),
            Ok(Outcome::Deleted) => ready("SecretDeleted", DELETED),
            Ok(Outcome::TargetMissing) => {
                ready("SecretMissing", "secret will not be created due to CreationPolicy=Merge")
            }
            Ok(Outcome::Queued) => None,
            Err(failure) => {
                let message = failure.complaint.as_str().to_owned();
                Some(Self { is_ready: false, reason: "SecretSyncedError", message })
            }
        }
    }
}

/// A condition's `status`.
pub(crate) fn word(is: bool) -> &'static str {
    if is { "True" } else { "False" }
}

/// What condition and Event say of a Secret that is gone because its values are.
pub(super) const DELETED: &str = "secret deleted due to DeletionPolicy=Delete";

/// The target's name, where the status binds it. Source: ESO binds it when it creates the target or sets about
/// updating it, so also where the update then fails, and leaves the binding otherwise.
pub(super) fn binding(status: &Status) -> Option<&str> {
    let binds = match &status.result {
        Ok(outcome) => matches!(outcome, Outcome::Written | Outcome::Unchanged),
        Err(failure) => match failure.complaint {
            Complaint::Immutable | Complaint::Ownership | Complaint::OwnedByAnother => true,
            // Only of a target that stands there is it said so.
            Complaint::Update => ["unable to mutate ", "unable to update "]
                .iter()
                .any(|words| failure.message.starts_with(words)),
            Complaint::Provider | Complaint::Delete | Complaint::GenericTarget | Complaint::Refused(_) => {
                false
            }
        },
    };
    binds.then_some(status.target.as_str())
}
