//! What the registry knows of a kind of which one that cannot be read must not pass for none.

use crate::{Unreadable, readable};
use pawl_domain::StorePolicy;
use pawl_domain::spread::Pattern;

/// All documents of a kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known<T> {
    /// Those that can be read.
    pub known: Vec<T>,
    /// The ids of those that cannot.
    pub unreadable: Vec<String>,
}

/// The operator's policies, as the registry knows them.
pub type Policies = Known<StorePolicy>;

/// The applied ClusterExternalSecrets, as the registry knows them.
pub type Patterns = Known<Pattern>;

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { known: Vec::new(), unreadable: Vec::new() }
    }
}

impl<T> Known<T> {
    /// The documents that were read, in their order, each of which may be unreadable.
    pub fn of(read: impl IntoIterator<Item = Result<T, Unreadable>>) -> Self {
        let mut all = Self::default();
        for one in read {
            let id = one.as_ref().err().map(|document| document.id.clone());
            all.unreadable.extend(id);
            all.known.extend(readable(one));
        }
        all
    }
}
