//! What was done to a target, as ESO's Events tell of it.

use crate::reconcile::desired::labelled_only;
use crate::reconcile::{Action, Existing, Parts};

/// What was done to a target. Source: ESO tells of what it creates, updates and deletes, but not of the managed label
/// that it puts on a Secret before it looks any closer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Deed {
    /// Nothing that anybody is told of.
    #[default]
    Nothing,
    /// It was created.
    Created,
    /// It was updated.
    Updated,
    /// It was deleted.
    Deleted,
}

impl Action {
    /// What carrying this out on `existing` does.
    pub fn deed(&self, existing: Option<&Existing>) -> Deed {
        match self {
            Self::Create(_) => Deed::Created,
            Self::Update { desired, parts, .. } => {
                let labels = Parts { labels: true, ..Parts::default() };
                let only_marks = *parts == labels
                    && existing.is_some_and(|standing| desired.labels == labelled_only(standing).labels);
                if only_marks { Deed::Nothing } else { Deed::Updated }
            }
            Self::Delete { .. } => Deed::Deleted,
            Self::Leave => Deed::Nothing,
        }
    }
}
