//! Why values do not give what a declaration asks of them. No message holds a value.
//!
//! The first half of each message is worded as ESO's Event for the same failure, as far as that quotes nothing of the
//! data; behind a semicolon stands what to do.

use super::keys::shown;
use crate::declaration::{Decoding, KeyConversion, TemplateSource};
use crate::key::Provider;
use pawl_golang::base64::CorruptInput;
use pawl_golang::json::DecodeError;
use pawl_golang::regexp::RegexpError;
use pawl_golang::template::{ExecError, ParseError};
use pawl_golang::yaml::YamlError;
use std::fmt;

/// The values do not give what the declaration asks of them, or nothing could. Never holds a value.
///
/// Trying again helps only after the declaration, the secret or an object that holds templates has changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RenderError {
    /// An entry of `data` or `dataFrom` gives nothing usable.
    #[error("error processing {entry}, err: {problem}")]
    Entry {
        /// Which entry.
        entry: Entry,
        /// What is wrong with it.
        problem: EntryProblem,
    },
    /// The template cannot be used, or fails on the data.
    #[error("could not apply template: {0}")]
    Template(#[from] TemplateProblem),
    /// The target's data would have a key that the API server refuses.
    #[error("could not apply template: {0}; rename it in the secret or in the template")]
    Key(Refused),
}

/// An entry of `data` or `dataFrom`, nearly as ESO names it in messages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Entry {
    /// `spec.data[n]`.
    Data {
        /// Where it stands.
        path: String,
        /// The key that it reads.
        key: String,
    },
    /// `spec.dataFrom[n].extract`.
    Extract {
        /// Where it stands.
        path: String,
        /// The key that it reads.
        key: String,
    },
    /// `spec.dataFrom[n].find`.
    Find {
        /// Where it stands.
        path: String,
    },
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data { path, key } => write!(f, "{path} (key: {key})"),
            // ESO leaves the key out here.
            Self::Extract { path, key } => write!(f, "{path}.extract (key: {key})"),
            Self::Find { path } => write!(f, "{path}.find"),
        }
    }
}

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
    #[error("{}; correct the property, or the secret {key}", missing_property(*provider, property, key))]
    MissingProperty {
        /// The kind of store, which words the message.
        provider: Provider,
        /// The property that is not there.
        property: String,
        /// The key that was read.
        key: String,
    },
    /// The property is a path that costs more to follow in this value than the limits allow.
    #[error("property {property} is too complex for secret {key}; write a simpler path")]
    TooComplex {
        /// The property.
        property: String,
        /// The key that was read.
        key: String,
    },
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
        /// `conversionStrategy`, where the manifest names one.
        conversion: Option<KeyConversion>,
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
    /// Whether there is nothing to read, which `deletionPolicy` may tolerate. Source: of ESO's providers only Fake
    /// says so of a missing property.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::MissingProperty { provider: Provider::Fake, .. })
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

/// What is wrong with an element of `rewrite`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RewriteProblem {
    /// `regexp.source` is no regular expression.
    #[error("regexp failed with failed to compile: {0}")]
    Regexp(#[from] RegexpError),
    /// `transform.template` is no template.
    #[error("transform failed with failed to parse template: {0}")]
    Parse(Box<ParseError>),
    /// `transform.template` fails on a key.
    #[error("transform failed with failed to execute template: {0}")]
    Execute(Box<ExecError>),
    /// Several values have these members.
    #[error(
        "merge failed with conflicts: {}; name an order in priority and set conflictPolicy to Ignore",
        .0.iter().map(|key| shown(key)).collect::<Vec<_>>().join(", ")
    )]
    Conflicts(Vec<String>),
    /// A key of `priority` is not there.
    #[error(
        "merge failed with key {0:?} not found in input map; set priorityPolicy to IgnoreNotFound if it may be absent"
    )]
    NoPriority(String),
    /// `strategy: JSON` without `into`.
    #[error("merge failed with missing 'into' field; write the key for the merged object")]
    NoInto,
    /// A value is no JSON object.
    #[error(
        "merge failed with failed to unmarshal JSON: {reason}: the value of {} must be an object",
        shown(key)
    )]
    NotAnObject {
        /// Its key.
        key: String,
        /// What it is.
        reason: DecodeError,
    },
}

/// What is wrong with the template.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TemplateProblem {
    /// One of the texts is no template.
    #[error("{}unable to parse template at key {key}: {error}", stage.prefix(key))]
    Parse {
        /// Where the text stands.
        stage: TemplateStage,
        /// Its key.
        key: String,
        /// What is wrong with it.
        error: Box<ParseError>,
    },
    /// One of the texts fails on this data.
    #[error("{}unable to execute template at key {key}: {error}", stage.prefix(key))]
    Execute {
        /// Where the text stands.
        stage: TemplateStage,
        /// Its key.
        key: String,
        /// What fails.
        error: Box<ExecError>,
    },
    /// An object that `templateFrom` names is not there.
    #[error(
        "error fetching templateFrom data: {0} does not exist; create it in the namespace of the ExternalSecret"
    )]
    NoSource(TemplateSource),
    /// An object that `templateFrom` names has not this key.
    #[error(
        "error fetching templateFrom data: error in {object}: missing key {key}; add it, or correct items[].key"
    )]
    NoItem {
        /// The object.
        object: TemplateSource,
        /// The key.
        key: String,
    },
    /// A text of keys and values renders to something else.
    #[error(
        "error fetching templateFrom data: could not unmarshal template to 'map[string][]byte': {key}: {error}; \
         quote values with | toJson"
    )]
    NotKeysAndValues {
        /// Where the text stands.
        key: String,
        /// What it renders to.
        error: YamlError,
    },
    /// A rendered value is not encoded as `valuesDecodingStrategy` says.
    #[error(
        "error fetching templateFrom data: error applying decoding strategy {} to data: failure decoding key {}: \
         {problem}; correct the template or the valuesDecodingStrategy",
        decoding_name(*decoding), shown(key)
    )]
    Encoding {
        /// `valuesDecodingStrategy`.
        decoding: Decoding,
        /// The entry.
        key: String,
        /// Where the value goes wrong.
        problem: CorruptInput,
    },
    /// `templateFrom[].target` is a path, and the target is a Secret.
    #[error(
        "templateFrom target={0:?} is not allowed when targeting a Secret, must be one of \"Data\", \
         \"Annotations\" or \"Labels\""
    )]
    Scope(String),
    /// The template would make a Secret that Kubernetes fills with a service account's token, or that lets nodes join.
    #[error("template.type={kind:?}{} is not allowed; remove it from the template", with(*annotation))]
    Kind {
        /// `template.type`.
        kind: String,
        /// The annotation that may not go with it.
        annotation: Option<&'static str>,
    },
}

/// Where a text of the template stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TemplateStage {
    /// In `template.data`, or in the labels and annotations of `template.metadata`.
    Template,
    /// In `templateFrom`.
    From,
}

impl TemplateStage {
    /// What ESO puts before its messages.
    fn prefix(self, key: &str) -> String {
        match self {
            Self::Template => format!(
                "could not execute template: could not execute template: unable to execute template at key {key}: "
            ),
            Self::From => {
                format!("error fetching templateFrom data: unable to execute template at key {key}: ")
            }
        }
    }
}

/// Source: ESO's providers differ in wording, and Fake takes a missing property for a missing secret.
fn missing_property(provider: Provider, property: &str, key: &str) -> String {
    match provider {
        Provider::Fake => format!("Secret does not exist: it has no property {property:?}"),
        Provider::Vault => format!("cannot find secret data for key: {property:?}"),
        Provider::ParameterStore | Provider::SecretsManager => {
            format!("key {property} does not exist in secret {key}")
        }
    }
}

fn failing(key: Option<&str>) -> String {
    key.map(|key| format!("failure decoding key {}: ", shown(key))).unwrap_or_default()
}

fn with(annotation: Option<&str>) -> String {
    annotation.map(|annotation| format!(" with annotation {annotation:?}")).unwrap_or_default()
}

fn conversion_name(conversion: Option<KeyConversion>) -> &'static str {
    match conversion {
        None => "",
        Some(KeyConversion::Default) => "Default",
        Some(KeyConversion::Unicode) => "Unicode",
    }
}

fn decoding_name(decoding: Decoding) -> &'static str {
    match decoding {
        Decoding::None => "None",
        Decoding::Base64 => "Base64",
        Decoding::Base64Url => "Base64URL",
        Decoding::Auto => "Auto",
    }
}
