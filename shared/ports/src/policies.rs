//! The operator's policies, as the registry knows them.

use crate::{Unreadable, readable};
use pawl_domain::StorePolicy;

/// The operator's policies.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Policies {
    /// Those that can be read.
    pub known: Vec<StorePolicy>,
    /// The names of those that cannot.
    pub unreadable: Vec<String>,
}

impl Policies {
    /// The policies that were read, in their order, each of which may be unreadable.
    pub fn of(read: impl IntoIterator<Item = Result<StorePolicy, Unreadable>>) -> Self {
        let mut policies = Self::default();
        for one in read {
            let name = one.as_ref().err().map(|document| document.id.clone());
            policies.unreadable.extend(name);
            policies.known.extend(readable(one));
        }
        policies
    }
}
