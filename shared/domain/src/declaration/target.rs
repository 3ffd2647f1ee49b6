//! The object that a declaration produces, and how its template makes it.

use crate::declaration::Decoding;
use crate::name::ObjectName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The Secret that a declaration produces.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Target {
    /// The Secret's name; the ExternalSecret's where the manifest says nothing.
    pub name: ObjectName,
    /// Who makes the Secret and who owns it.
    pub creation: CreationPolicy,
    /// What happens when the store has nothing any more.
    pub deletion: DeletionPolicy,
    /// Whether the Secret is made immutable.
    pub immutable: bool,
    /// `target.template`: how the data becomes the object. Without one the data goes in as it is.
    pub template: Option<Template>,
    /// `target.manifest`: another kind of object than a Secret.
    pub manifest: Option<Manifest>,
}

impl Target {
    /// The kind of the target, where it is no Secret.
    pub fn generic(&self) -> Option<&Manifest> {
        self.manifest.as_ref().filter(|manifest| !manifest.is_secret())
    }

    /// Whether the target becomes immutable; only a Secret does.
    pub fn freezes(&self) -> bool {
        self.immutable && self.generic().is_none()
    }
}

/// `target.creationPolicy`. Source: ESO's guide on ownership and deletion policies.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum CreationPolicy {
    /// Create or adopt the Secret and own it.
    #[default]
    Owner,
    /// Create or update the Secret without owning it.
    Orphan,
    /// Add to a Secret that somebody else makes.
    Merge,
    /// Write nothing.
    None,
    /// Create the Secret if it is missing, else add to it.
    CreateOrMerge,
}

/// `target.deletionPolicy`. Source: ESO's guide on ownership and deletion policies.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum DeletionPolicy {
    /// Delete the Secret when every key is gone.
    Delete,
    /// Keep what is left.
    Merge,
    /// A missing key is an error and nothing is written.
    #[default]
    Retain,
}

/// `target.manifest`: the kind of an object that is no Secret.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Manifest {
    /// Such as `v1` or `argoproj.io/v1alpha1`.
    pub api_version: String,
    /// Such as `ConfigMap`.
    pub kind: String,
}

impl Manifest {
    /// Whether it means the Secrets that are written without it as well.
    pub fn is_secret(&self) -> bool {
        self.api_version == "v1" && self.kind == "Secret"
    }

    /// Whether new objects of it begin with `data` and not with `spec`. Source: ESO looks at the kind alone.
    pub fn is_config_map(&self) -> bool {
        self.kind == "ConfigMap"
    }

    /// Whether no declaration may write it: who may write an ExternalSecret could give himself more than that with
    /// objects of ESO, of Pawl and of RBAC.
    pub fn is_forbidden(&self) -> bool {
        let group = self.api_version.split_once('/').map_or("", |(group, _)| group);
        let of =
            |domain: &str| group == domain || group.strip_suffix(domain).is_some_and(|it| it.ends_with('.'));
        of("external-secrets.io") || of("pawl.dev") || group == "rbac.authorization.k8s.io"
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version, self.kind)
    }
}

/// `target.template`.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Template {
    /// The engine that renders it.
    pub engine: Engine,
    /// The Secret's type; the API server's default where absent.
    pub kind: Option<String>,
    /// `mergePolicy: Merge`: what was read goes in as well, below what the template makes.
    pub merge: bool,
    /// `metadata.labels`; the values are templates.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`; the values are templates.
    pub annotations: BTreeMap<String, String>,
    /// `metadata.finalizers`.
    pub finalizers: Vec<String>,
    /// `data`: a template for each key.
    pub data: BTreeMap<String, String>,
    /// `templateFrom`, in order.
    pub from: Vec<TemplateFrom>,
}

impl Template {
    /// The objects that `templateFrom` names: what they hold must be known before anything can be rendered.
    pub fn sources(&self) -> BTreeSet<TemplateSource> {
        let of = |from: &TemplateFrom| {
            let config_map = from.config_map.as_ref().map(|it| TemplateSource::ConfigMap(it.name.clone()));
            let secret = from.secret.as_ref().map(|it| TemplateSource::Secret(it.name.clone()));
            config_map.into_iter().chain(secret)
        };
        self.from.iter().flat_map(of).collect()
    }
}

/// An object in the declaration's namespace, of its cluster, that holds templates.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum TemplateSource {
    /// A ConfigMap, of which `data` counts; `binaryData` does not, as in ESO.
    ConfigMap(ObjectName),
    /// A Secret.
    Secret(ObjectName),
}

impl TemplateSource {
    /// Its kind, as messages name it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ConfigMap(_) => "configmap",
            Self::Secret(_) => "secret",
        }
    }

    /// Its name.
    pub fn name(&self) -> &ObjectName {
        let (Self::ConfigMap(name) | Self::Secret(name)) = self;
        name
    }
}

impl fmt::Display for TemplateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

/// `template.engineVersion`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Engine {
    /// Go's text/template with sprig and ESO's functions: the only one that ESO has left.
    #[default]
    V2,
}

/// One element of `templateFrom`: all that it names is rendered, in the order of the fields.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TemplateFrom {
    /// Templates in a ConfigMap of the declaration's namespace.
    pub config_map: Option<TemplateObject>,
    /// Templates in a Secret of the declaration's namespace.
    pub secret: Option<TemplateObject>,
    /// A template that renders to YAML of keys and values.
    pub literal: Option<String>,
    /// Where the result goes.
    pub scope: TemplateScope,
    /// `valuesDecodingStrategy`, applied to each rendered value.
    pub decoding: Decoding,
}

/// An object whose entries are templates.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TemplateObject {
    /// The object's name.
    pub name: ObjectName,
    /// Its entries, in order.
    pub items: Vec<TemplateItem>,
}

/// One entry of a ConfigMap or Secret that is a template.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TemplateItem {
    /// The key in the object's data.
    pub key: String,
    /// What its text renders to.
    pub as_what: TemplateAs,
}

/// `templateAs`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum TemplateAs {
    /// The value of the entry of the same key.
    #[default]
    Values,
    /// YAML of keys and values.
    KeysAndValues,
}

/// `templateFrom[].target`: the part of the object that the result goes to.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum TemplateScope {
    /// `data`.
    #[default]
    Data,
    /// `metadata.labels`.
    Labels,
    /// `metadata.annotations`.
    Annotations,
    /// A path into an object that is no Secret, such as `spec` or `spec.rules[0].host`.
    Path(String),
}
