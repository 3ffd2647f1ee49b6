//! What stores are asked for, and what their listings tell.

use jiff::Timestamp;
use pawl_domain::VersionSelector;
use std::collections::{BTreeMap, BTreeSet};

/// A key to fetch, and which version of it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Wanted {
    /// The key as the provider knows it, prefix included: a name, an ARN or a path.
    pub key: String,
    /// Which version.
    pub selector: VersionSelector,
    /// What of it.
    pub part: Part,
}

/// What of a key is fetched.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Part {
    /// Its value.
    #[default]
    Value,
    /// What the store knows about it, as ESO's `metadataPolicy: Fetch` gives it: a JSON object.
    Metadata,
}

/// The answer of [`Sources::changed_since`](crate::Sources::changed_since).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing {
    /// The keys, each once.
    pub keys: Vec<Listed>,
    /// Whether `keys` are all keys of the store, changed or not: a key that is not among them does not exist then.
    /// Otherwise a key that is not among them may be unchanged or gone.
    pub complete: bool,
}

/// A key that a listing tells of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// Its names and ARN.
    pub names: BTreeSet<String>,
    /// The id of its version in force, or [`Version::listed_since`](pawl_domain::Version::listed_since) where the listing
    /// tells none; `None` when it has no such version, as after a deletion.
    pub version: Option<String>,
    /// When it changed, if the store says. Of Parameter Store it is the last change of the value: neither a label
    /// that moves nor a tag changes it.
    pub changed: Option<Timestamp>,
    /// The id of the version that each label is at, empty for a key that can be read no more; `None` where the listing
    /// tells no labels, so that only [`Sources::versions`](crate::Sources::versions) does.
    pub labels: Option<BTreeMap<String, String>>,
    /// Its tags; `None` where the listing tells no tags.
    pub tags: Option<BTreeMap<String, String>>,
}
