//! What is wrong with an entry of `data` or `dataFrom`.

use super::{RewriteProblem, decoding_name};
use crate::declaration::{Decoding, KeyConversion};
use crate::provider::Provider;
use crate::render::keys::shown;
use pawl_golang::base64::CorruptInput;
use pawl_golang::budget::Exhausted;
use pawl_golang::json::DecodeError;

/// What is wrong with an entry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum EntryProblem {
    /// The store has no such key, and the deletionPolicy says that this is an error.
    #[error("Secret does not exist; make {key:?} in the store, or set deletionPolicy to Delete or Merge")]
    Missing {
        /// The key that was read.
        key: String,
    },
    /// The property is not in the value.
    #[error("{}; correct the property, or the secret {key}", (provider.profile().missing_property)(property, key))]
    MissingProperty {
        /// The kind of store, which words the message.
        provider: Provider,
        /// The property that is not there.
        property: String,
        /// The key that was read.
        key: String,
    },
    /// The item has several fields of the label that is read.
    #[error("secret {key} has several fields that are called {}; give each a name of its own", shown(label))]
    Repeated {
        /// The label.
        label: String,
        /// The key that was read.
        key: String,
    },
    /// The property is a path that costs more to follow in this value than the limits allow.
    #[error("property {} is too complex for secret {key}; write a simpler path", shown(property))]
    TooComplex {
        /// The property.
        property: String,
        /// The key that was read.
        key: String,
    },
    /// It takes more than one rendering may use.
    #[error("it {0}; read fewer or smaller values into one Secret")]
    Exhausted(#[from] Exhausted),
    /// A value of which every member shall become an entry is no JSON object.
    #[error(
        "unable to unmarshal secret {key}: {reason}; read it with data in place of dataFrom, or name a property"
    )]
    NotAnObject {
        /// The key that was read.
        key: String,
        /// What it is.
        reason: DecodeError,
    },
    /// The keys cannot be rewritten.
    #[error("error applying rewrite to keys: failed rewrite operation[{operation}]: {problem}")]
    Rewrite {
        /// Which element of `rewrite`, from 0.
        operation: usize,
        /// What is wrong with it.
        problem: RewriteProblem,
    },
    /// Two names become the same key.
    #[error(
        "error applying conversion strategy {} to keys: secret name collision during conversion: {}; \
         rename one of the two in the store, or set conversionStrategy to Unicode",
        conversion_name(*conversion), shown(key)
    )]
    Collision {
        /// `conversionStrategy`; where the manifest names none, the default.
        conversion: KeyConversion,
        /// What both become.
        key: String,
    },
    /// A name cannot be a key.
    #[error("invalid secret keys (TIP: use rewrite or conversionStrategy to change keys): {0}")]
    InvalidKey(InvalidKey),
    /// A name can be a key for ESO, and the API server would refuse it.
    #[error("invalid secret keys (TIP: use rewrite or conversionStrategy to change keys): {0}")]
    RefusedKey(Refused),
    /// A value is not encoded as `decodingStrategy` says.
    #[error(
        "error applying decoding strategy {} to data: {}{problem}; correct the value or the decodingStrategy",
        decoding_name(*decoding), failing(key.as_deref())
    )]
    Encoding {
        /// `decodingStrategy`.
        decoding: Decoding,
        /// Which of several entries.
        key: Option<String>,
        /// Where the value goes wrong.
        problem: CorruptInput,
    },
    /// A value has a zero byte, and `nullBytePolicy` is `Fail`.
    #[error(
        "fetched secret value for key {:?} contains null bytes; use a text-safe format such as PEM/base64 or \
         leave nullBytePolicy unset for intentional binary data",
        shown(key)
    )]
    NullBytes {
        /// The entry.
        key: String,
    },
}

impl EntryProblem {
    /// Whether there is nothing to read, which `deletionPolicy` may tolerate.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Missing { .. } => true,
            Self::MissingProperty { provider, .. } => provider.profile().missing_property_is_missing_key,
            _ => false,
        }
    }
}

/// The rule that a name breaks.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidKey {
    /// It is too long.
    #[error("key has length {length} but max is 253: {}", shown(key))]
    Long {
        /// In bytes.
        length: usize,
        /// The name.
        key: String,
    },
    /// It has a sign that is neither letter nor number nor one of `-._`.
    #[error(
        "key has invalid character {}, only alphanumeric, '-', '.' and '_' are allowed: {}",
        .sign.escape_debug(), shown(key)
    )]
    Sign {
        /// The first such sign.
        sign: char,
        /// The name.
        key: String,
    },
}

/// A key that no Secret can have. Source: Kubernetes' validation of keys of ConfigMaps and Secrets.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("data[{}]: {rule}", shown(key))]
pub struct Refused {
    /// The key.
    pub key: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

fn failing(key: Option<&str>) -> String {
    key.map(|key| format!("failure decoding key {}: ", shown(key))).unwrap_or_default()
}

fn conversion_name(conversion: KeyConversion) -> &'static str {
    match conversion {
        KeyConversion::Default => "Default",
        KeyConversion::Unicode => "Unicode",
    }
}
