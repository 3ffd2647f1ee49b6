//! What was fetched for a declaration, each value with its version. Values live in memory only.

use crate::key::Provider;
use crate::secret::SecretValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One version of a key: its id, and when it came to be where the store tells.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Version {
    /// Secrets Manager's version id, or the version's number.
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

/// What a declaration's reads gave, one for each, in the same order.
#[derive(Clone, Debug, Default)]
pub struct Values(pub Vec<Found>);

/// What one read gave.
#[derive(Clone, Debug)]
pub enum Found {
    /// The store says that the key does not exist, and the declaration's deletionPolicy tolerates that.
    Missing,
    /// The value of a key.
    One(Arc<Fetched>),
    /// The values of a search, by the name that ESO gives each: a search that finds nothing is empty.
    Many(BTreeMap<String, Arc<Fetched>>),
}

impl Found {
    /// The versions of what was found, for the ledger.
    pub fn versions(&self) -> Versions {
        match self {
            Self::Missing => Versions::Missing,
            Self::One(fetched) => Versions::One(fetched.version.clone()),
            Self::Many(found) => {
                let id =
                    |(name, fetched): (&String, &Arc<Fetched>)| (name.clone(), fetched.version.id.clone());
                Versions::Many(found.iter().map(id).collect())
            }
        }
    }
}

/// The versions that one read gave.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Versions {
    /// The key did not exist.
    Missing,
    /// The version of a key.
    One(Version),
    /// The id of the version of each key that a search found, by name.
    Many(BTreeMap<String, String>),
}

impl Versions {
    /// The version of a single key.
    pub fn one(&self) -> Option<&Version> {
        match self {
            Self::One(version) => Some(version),
            Self::Missing | Self::Many(_) => None,
        }
    }
}
