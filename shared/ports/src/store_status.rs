//! What is written back to a SecretStore or ClusterSecretStore that lives in a cluster.

use jiff::Timestamp;
use pawl_domain::{Rule, Standing, Verdict};

/// How a store was validated, for its Ready condition and Events.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreStatus {
    /// When.
    pub at: Timestamp,
    /// The store as it stood when it was read.
    pub standing: Standing,
    /// Whether it can be used.
    pub validity: Validity,
    /// Whether the store is new or was edited, so that people are told even if all is as before.
    pub edited: bool,
}

/// Whether a store can be used. Source: ESO's validation of stores.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Validity {
    /// Its credentials were accepted, or it needs none.
    Valid,
    /// Whose credentials it takes depends on who reads.
    Unknown,
    /// Its identity cannot be proven, or its manifest cannot be used; with why.
    NoClient(String),
    /// It says of itself that it cannot be used; with why.
    Refused(String),
    /// The operator does not allow it; by which rule, and with why.
    NotAllowed(Rule, String),
}

impl Validity {
    /// What the Ready condition says.
    pub fn verdict(&self) -> Verdict {
        let (is_ready, reason, message) = match self {
            Self::Valid => (true, "Valid", "store validated"),
            Self::Unknown => (true, "ValidationUnknown", "could not determine validation status"),
            Self::NoClient(_) => (false, "InvalidProviderConfig", "unable to create client"),
            Self::Refused(_) => (false, "InvalidProviderConfig", "unable to validate store"),
            Self::NotAllowed(rule, _) => (false, "InvalidProviderConfig", rule.words()),
        };
        Verdict { is_ready, reason: reason.to_owned(), message: message.to_owned() }
    }
}
