//! Why a target must not be touched.

use crate::declaration::CreationPolicy;
use crate::name::{Namespace, ObjectName};
use crate::record::Complaint;

/// The target must not be touched. The texts begin with ESO's, which people search for, and end with what to do.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refused {
    /// Another ExternalSecret controls it.
    #[error(
        "unable to mutate secret {target}: secret is owned by another ExternalSecret: {owner}; give one of them \
         another target.name"
    )]
    OwnedByAnother {
        /// The Secret.
        target: ObjectName,
        /// The other ExternalSecret's name.
        owner: String,
    },
    /// Some controller that is no ExternalSecret owns it.
    #[error(
        "unable to mutate secret {target}: could not set controller reference on secret: Object {namespace}/{target} \
         is already owned by another {kind} controller {name}; use another target.name or creationPolicy"
    )]
    Controlled {
        /// The Secret's namespace.
        namespace: Namespace,
        /// The Secret.
        target: ObjectName,
        /// The controller's kind.
        kind: String,
        /// The controller's name.
        name: String,
    },
    /// Its data or type differs, and it cannot be changed.
    #[error(
        "unable to update secret {target}: secret is immutable; delete the Secret so that it can be made again"
    )]
    Immutable {
        /// The Secret.
        target: ObjectName,
    },
    /// Something that is neither a map nor a list stands where a template's path leads through.
    #[error(
        "unable to mutate {kind} {target}: path {path} leads through a value that holds nothing; correct \
         templateFrom[].target or the object"
    )]
    Misplaced {
        /// The target's kind.
        kind: String,
        /// The target.
        target: ObjectName,
        /// The path.
        path: String,
    },
    /// deletionPolicy Delete goes with creationPolicy Owner only.
    #[error(
        "unable to delete secret {target}: creationPolicy={creation:?} is not Owner; deletionPolicy Delete needs \
         creationPolicy Owner"
    )]
    DeleteNeedsOwner {
        /// The Secret.
        target: ObjectName,
        /// What it has instead.
        creation: CreationPolicy,
    },
}

impl Refused {
    /// What the Ready condition says of it.
    pub fn complaint(&self) -> Complaint {
        match self {
            Self::OwnedByAnother { .. } => Complaint::OwnedByAnother,
            Self::Controlled { .. } => Complaint::Ownership,
            Self::Immutable { .. } => Complaint::Immutable,
            Self::Misplaced { .. } => Complaint::Update,
            Self::DeleteNeedsOwner { .. } => Complaint::Delete,
        }
    }
}
