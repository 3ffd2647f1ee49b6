//! Writing a target without reading it first.

use crate::declaration::{CreationPolicy, Declaration, TemplateScope};
use crate::hash::data_hash;
use crate::reconcile::desired::Ours;
use crate::render::Rendered;
use crate::secret::SecretValue;
use std::collections::BTreeMap;
use std::fmt;

/// What new values change of a target that stands exactly as it was left.
#[derive(Clone, PartialEq)]
pub struct Replacement {
    /// All data.
    pub data: BTreeMap<String, SecretValue>,
    /// Labels to be set; others stay.
    pub labels: BTreeMap<String, String>,
    /// Annotations to be set, the hash of the data among them; others stay.
    pub annotations: BTreeMap<String, String>,
}

impl Replacement {
    /// Whether new values of this declaration can be written to its target unread: all data there is its own, and its
    /// template always makes the same labels and annotations, if with other values. Under the other policies what
    /// others hold in a target is only known by reading.
    pub fn suits(declaration: &Declaration) -> bool {
        let target = &declaration.target;
        let replaces = matches!(target.creation, CreationPolicy::Owner | CreationPolicy::Orphan);
        let from = target.template.iter().flat_map(|template| &template.from);
        let mut scopes = from.map(|from| &from.scope);
        let fixed = scopes.all(|scope| *scope == TemplateScope::Data);
        replaces && fixed && !target.immutable && target.generic().is_none()
    }

    /// What was rendered for a declaration that [`Replacement::suits`].
    pub fn of(declaration: &Declaration, rendered: &Rendered) -> Self {
        let Ours { labels, annotations } = Ours::of(declaration, rendered, data_hash(&rendered.data));
        Self { data: rendered.data.clone(), labels, annotations }
    }
}

/// Keys only: templates may put values into labels and annotations.
impl fmt::Debug for Replacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replacement")
            .field("data", &self.data)
            .field("labels", &self.labels.keys())
            .field("annotations", &self.annotations.keys())
            .finish()
    }
}
