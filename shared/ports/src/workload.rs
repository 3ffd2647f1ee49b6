//! What runs in a cluster and uses Secrets.

use std::collections::{BTreeMap, BTreeSet};

/// What makes Pods, or a Pod that nothing made.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Workload {
    /// Its kind, such as `Deployment`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The Secrets of its namespace that its Pods use, by name, and how.
    pub secrets: BTreeMap<String, BTreeSet<Usage>>,
}

/// How a Pod uses a Secret.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Usage {
    /// A variable has the value of a key: the one that it had when the Pod started.
    Env,
    /// All keys are variables, as above.
    EnvFrom,
    /// To get images from a registry.
    ImagePull,
    /// A volume holds it, or a part of it.
    Volume,
}

impl Usage {
    /// The field, in the words of a Pod.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::EnvFrom => "envFrom",
            Self::ImagePull => "imagePullSecrets",
            Self::Volume => "volumes",
        }
    }
}
