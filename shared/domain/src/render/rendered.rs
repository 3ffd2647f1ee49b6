//! What a declaration makes of its values, before anybody looks at the target.

use crate::content::Placement;
use crate::secret::SecretValue;
use std::collections::BTreeMap;
use std::fmt;

/// What a declaration wants in its target. What stands there already is not in it: the next layer lays this over it.
///
/// Two maps of ESO must not be confused. The *assembled* map is what the reads gave, laid over each other; by it
/// deletionPolicy is decided. [`Rendered::data`] is what goes into the target: the assembled map itself without a
/// template, else what the template made of it.
#[derive(Clone, Default, PartialEq)]
pub struct Rendered {
    /// The entries of the target's `data` that are this declaration's, complete. Every key is one that the API server
    /// takes.
    pub data: BTreeMap<String, SecretValue>,
    /// What goes into a target that is no Secret, in order; [`Rendered::data`] is empty then.
    pub placed: Vec<Placement>,
    /// The labels that the template makes, rendered. Without a template empty: the target then takes over
    /// [`Declaration::labels`](crate::Declaration::labels).
    pub labels: BTreeMap<String, String>,
    /// The annotations that the template makes, rendered; without a template as [`Rendered::labels`].
    pub annotations: BTreeMap<String, String>,
    /// The assembled map has no key. Unless deletionPolicy is `Merge`, no template was applied then and the other
    /// fields are empty.
    pub assembled_is_empty: bool,
    /// The declaration has a template: labels and annotations are those above, and `type` and finalizers are
    /// [`Target::template`](crate::declaration::Target::template)'s.
    pub templated: bool,
    /// A template that made this calls a function that is random or looks at the clock: the same values give other
    /// bytes next time. Where nothing that it was made from changed, the target is better left as it is.
    pub random: bool,
}

impl Rendered {
    /// What a declaration without a template makes of this assembled map.
    pub fn plain(data: BTreeMap<String, SecretValue>) -> Self {
        Self { assembled_is_empty: data.is_empty(), data, ..Self::default() }
    }
}

/// Keys only: labels and annotations come out of templates as well, and may hold what nobody should see.
impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<Vec<_>>();
        f.debug_struct("Rendered")
            .field("data", &self.data)
            .field("placed", &self.placed)
            .field("labels", &keys(&self.labels))
            .field("annotations", &keys(&self.annotations))
            .field("assembled_is_empty", &self.assembled_is_empty)
            .field("templated", &self.templated)
            .field("random", &self.random)
            .finish()
    }
}
