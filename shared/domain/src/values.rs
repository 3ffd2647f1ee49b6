//! What was fetched for a declaration, each value with its version. Values live in memory only.

use crate::key::Provider;
use crate::secret::SecretValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One version of a key: its id, and when it came to be where the store tells.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Version {
    /// Secrets Manager's version id, or a parameter's version number.
    pub id: String,
    /// When this version came to be, by the store's clock.
    pub since: Option<Timestamp>,
}

/// One value as a store gave it.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The store's kind; property lookup differs by it.
    pub provider: Provider,
    /// The value, text or binary.
    pub value: SecretValue,
    /// Its version.
    pub version: Version,
    /// The labels that this version carries now, where the store says so.
    pub labels: Vec<String>,
}

/// The values of a declaration's reads, one for each, in the same order.
///
/// `None` is a key that the store says does not exist, where the declaration's deletionPolicy tolerates that.
#[derive(Clone, Debug, Default)]
pub struct Values(pub Vec<Option<Arc<Fetched>>>);
