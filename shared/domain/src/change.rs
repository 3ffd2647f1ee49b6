//! "This key changed in this store": what every event becomes. A change never carries a value.

use crate::key::{IndexKey, Location};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A key changed in a store, as one sender reported it.
///
/// A change only names a key: what the value is now is always asked of the store, so a duplicated, late or forged
/// change can cause a needless look and nothing else.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Change {
    /// The sender's id of the event, to follow it through the logs.
    pub id: String,
    /// Where the key lives.
    pub location: Location,
    /// The key as the sender named it: every name, full ARN or partial ARN that the event gave, at least one.
    pub names: BTreeSet<String>,
    /// Whether the names are of one key, or of what many keys lie under.
    #[serde(default, skip_serializing_if = "Extent::is_key")]
    pub extent: Extent,
    /// The version that is now in force, where the sender said so.
    pub version: Option<String>,
    /// What moved.
    pub moved: Moved,
    /// When it happened, by the sender's clock.
    pub at: Timestamp,
}

impl Change {
    /// The index keys under which declarations that read this key, or search where it lives, are found. Declarations that
    /// read single keys under a folder are not found so: no index holds the beginnings of keys.
    pub fn index_keys(&self) -> BTreeSet<IndexKey> {
        let named = self.names.iter().flat_map(|name| self.location.index_keys(name));
        let of_key = named.filter(|_| self.extent.is_key());
        of_key.chain([self.location.search_key()]).collect()
    }

    /// Whether it speaks of the key that `text` names, whichever of its names that is. The location is not looked at.
    pub fn speaks_of(&self, text: &str) -> bool {
        let meant = self.location.index_keys(text);
        match self.extent {
            Extent::Key => self.names.iter().any(|name| !self.location.index_keys(name).is_disjoint(&meant)),
            Extent::Under => {
                let begins = |name: &String| meant.iter().any(|key| self.location.is_under(key, name));
                self.names.iter().any(begins)
            }
        }
    }

    /// The same, but not in the future: a sender's clock, or a forger, must not make every answer of the store look old.
    #[must_use]
    pub fn not_after(&self, now: Timestamp) -> Self {
        Self { at: self.at.min(now), ..self.clone() }
    }

    /// The key in the form that people know best: a plain name where there is one.
    pub fn key(&self) -> &str {
        let plain = self.names.iter().find(|name| !name.starts_with("arn:"));
        plain.or_else(|| self.names.first()).map_or("", String::as_str)
    }
}

/// How much of a store a change is of.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Extent {
    /// One key, under each of the names that it may have.
    #[default]
    Key,
    /// Every key whose name begins with one of the names, such as `/app/`: a folder, an environment. An empty name means
    /// everything at the location. Names no version: each key has its own.
    Under,
}

impl Extent {
    /// Whether it is a single key.
    pub fn is_key(&self) -> bool {
        *self == Self::Key
    }
}

/// What a change moved: it decides which declared versions it concerns.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Moved {
    /// The version in force: `AWSCURRENT`, or the latest version.
    Current,
    /// One named label.
    Label(String),
    /// Some label; the sender did not say which.
    SomeLabel,
    /// The key came, went or came back: every version is concerned.
    Existence,
    /// What the store knows about the key, such as its tags; not its value.
    Metadata,
}
