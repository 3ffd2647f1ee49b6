//! What a declaration reads of its stores, and what becomes of it.

use crate::query::{Query, Remote};
use crate::store::StoreId;
use serde::{Deserialize, Serialize};

/// One `data` or `dataFrom` entry.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Read {
    /// Where it stands in the manifest, such as `spec.data[0]`, for messages.
    pub path: String,
    /// The store that is asked: the entry's own `sourceRef.storeRef`, else `spec.secretStoreRef`.
    pub store: StoreId,
    /// What the store is asked for.
    pub query: Query,
    /// What becomes of the answer.
    pub into: Into,
    /// `decodingStrategy`, applied to each value.
    pub decoding: Decoding,
    /// `nullBytePolicy`, applied to each decoded value.
    pub null_bytes: NullBytes,
}

impl Read {
    /// The one key that is read, unless the store is searched.
    pub fn remote(&self) -> Option<&Remote> {
        match &self.query {
            Query::Key(remote) => Some(remote),
            Query::Find(_) | Query::Generate => None,
        }
    }
}

/// What becomes of what was read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Into {
    /// One entry of the data (`data[].secretKey`).
    Key(String),
    /// One entry for each member of a JSON object (`extract`), or for each key found (`find`).
    Every {
        /// `conversionStrategy`, where the manifest names one; used only without `rewrite`.
        conversion: Option<KeyConversion>,
        /// `rewrite`, in order.
        rewrite: Vec<Rewrite>,
    },
}

/// ESO's `conversionStrategy`: what becomes of characters that a Secret's keys cannot have.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum KeyConversion {
    /// Each becomes `_`.
    #[default]
    Default,
    /// Each becomes `_U<hex>_`.
    Unicode,
}

/// ESO's `decodingStrategy`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Decoding {
    /// The value as it is.
    #[default]
    None,
    /// Base64 of the standard alphabet, padded.
    Base64,
    /// Base64 of the URL alphabet, padded.
    Base64Url,
    /// Base64 of either alphabet where the value is such, else as it is.
    Auto,
}

/// ESO's `nullBytePolicy`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum NullBytes {
    /// Values may hold zero bytes.
    #[default]
    Ignore,
    /// A value with a zero byte fails the declaration.
    Fail,
}

/// One `rewrite` operation on the keys of an entry, applied to all of them at once.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Rewrite {
    /// Replaces every match of an RE2 pattern in each key.
    Regexp {
        /// The pattern.
        source: String,
        /// What each match becomes, with `$1` and `${name}`.
        target: String,
    },
    /// Renders each key through a Go template in which it is `.value`.
    Transform {
        /// The template.
        template: String,
    },
    /// Merges the JSON objects that the values hold.
    Merge(Merge),
}

/// `rewrite[].merge`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Merge {
    /// `strategy: JSON` with its `into`: the key that holds the merged object. `None` is `strategy: Extract`, where
    /// its members take the place of all keys.
    pub into: Option<String>,
    /// Keys whose members win, the last one over all.
    pub priority: Vec<String>,
    /// `priorityPolicy: IgnoreNotFound`: a key of `priority` need not be there.
    pub ignore_missing_priority: bool,
    /// `conflictPolicy`.
    pub on_conflict: OnConflict,
}

/// ESO's `conflictPolicy`: what a member that several values hold does.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum OnConflict {
    /// It fails the declaration.
    #[default]
    Error,
    /// The later one wins.
    Ignore,
}
