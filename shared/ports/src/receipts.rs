//! The contract of receipts: who is told that a change has arrived everywhere.

use crate::Error;
use jiff::Timestamp;
use pawl_domain::{Change, DeclarationId};
use std::future::Future;

/// Whoever waits to hear that a change has arrived, such as a rotation that retires the old password then.
pub trait Receipts: Send + Sync {
    /// Whether anybody is told.
    fn is_on(&self) -> bool;

    /// Tells a receipt. What was told comes a second time where the teller ended in between; it then has the same
    /// [`Told::id`].
    ///
    /// # Errors
    /// Of step `Enqueue`, when nobody took it. The same must be told again.
    fn tell(&self, told: &Told) -> impl Future<Output = Result<(), Error>> + Send;
}

/// How the targets of one change stand, as it is told once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Told {
    /// The change.
    pub change: Change,
    /// When this was so.
    pub at: Timestamp,
    /// How many declarations read the key and follow it.
    pub targets: usize,
    /// Those of them that do not stand on what the store gives out, and why, in ascending order. None where the change has
    /// arrived everywhere.
    pub missing: Vec<(DeclarationId, String)>,
    /// How many read the key once and follow no change: nobody waits for them.
    pub read_once: usize,
}

impl Told {
    /// Names the receipt: the same for the same change, whoever tells it and how often.
    pub fn id(&self) -> String {
        let version = self.change.version.as_ref().unwrap_or(&self.change.id);
        format!("{}/{}#{version}", self.change.location, self.change.key())
    }

    /// Whether the change has arrived everywhere.
    pub fn is_delivered(&self) -> bool {
        self.missing.is_empty()
    }
}
