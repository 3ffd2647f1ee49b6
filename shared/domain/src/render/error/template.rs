//! What is wrong with the template.

use super::decoding_name;
use crate::declaration::{Decoding, TemplateSource};
use crate::render::keys::shown;
use pawl_golang::base64::CorruptInput;
use pawl_golang::budget::Exhausted;
use pawl_golang::template::{ExecError, ParseError};
use pawl_golang::yaml::YamlError;

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
    /// It takes more than one rendering may use.
    #[error("the template {0}; let it make less")]
    Exhausted(#[from] Exhausted),
    /// An object that `templateFrom` names is not there.
    #[error(
        "error fetching templateFrom data: {}s \"{}\" not found; create it in the namespace of the ExternalSecret",
        .0.kind(), .0.name()
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
    /// `templateFrom[].target` leads to a part of the object that templates may not write.
    #[error(
        "templateFrom target={0:?} is not allowed: templates write an object's content; for its metadata write Labels or \
         Annotations"
    )]
    Reserved(String),
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

fn with(annotation: Option<&str>) -> String {
    annotation.map(|annotation| format!(" with annotation {annotation:?}")).unwrap_or_default()
}
