//! What tenants' stores may do: an operator's [`StorePolicy`] objects, and the one decision that follows from them.
//!
//! Nothing is allowed that no policy allows. A store that was found in a cluster is judged by all policies that speak of
//! it: it may do what one of them allows, whole: the identity, the key and the host of a read must be allowed by the
//! same policy. A store that the operator applied is free, until a policy speaks of it (`spec.stores.applied`); from then on
//! it is judged as one that was found.

mod decide;
mod refusal;

pub use decide::{Permit, Rules};
pub use refusal::{Refusal, Rule};

use crate::grant::{Glob, HostPattern, Network};
use crate::name::{ClusterName, Namespace, ObjectName};
use crate::store::{Home, StoreId};
use std::collections::BTreeSet;

/// A `pawl.dev/v1alpha1` StorePolicy, parsed and closed. Only ever the operator's: one that stands in a cluster is none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StorePolicy {
    /// Its name.
    pub name: ObjectName,
    /// The clusters that declarations are for; `None` for all.
    pub clusters: Option<BTreeSet<Glob>>,
    /// The namespaces of declarations; `None` for all.
    pub namespaces: Option<BTreeSet<Glob>>,
    /// The stores that it speaks of.
    pub stores: StoreSelector,
    /// What they may do there.
    pub allow: Allow,
}

/// The stores that a policy speaks of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoreSelector {
    /// Stores that were found in a cluster.
    pub found: bool,
    /// Stores that the operator applied.
    pub applied: bool,
    /// Their names; `None` for all.
    pub names: Option<BTreeSet<Glob>>,
}

impl Default for StoreSelector {
    /// Every store that was found.
    fn default() -> Self {
        Self { found: true, applied: false, names: None }
    }
}

/// What a policy allows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Allow {
    /// Stores without credentials may use the identity that Pawl runs with.
    pub own_identity: bool,
    /// ARNs of the roles that may be assumed with that identity.
    pub roles: BTreeSet<Glob>,
    /// The keys that may be read by either.
    pub keys: BTreeSet<Glob>,
    /// The hosts that stores may have. `None` says nothing of hosts: any, unless another policy names some.
    pub hosts: Option<BTreeSet<HostPattern>>,
    /// Addresses that may be reached although they are refused without a policy.
    pub addresses: BTreeSet<Network>,
}

impl StorePolicy {
    /// Whether it speaks of this store, for whomever.
    fn is_of_store(&self, store: &StoreId) -> bool {
        let of_home = match store.home {
            Home::Applied => self.stores.applied,
            Home::Cluster(_) => self.stores.found,
        };
        of_home && any(self.stores.names.as_ref(), store.name.as_str())
    }

    /// Whether it speaks of declarations there; of some namespace where none is given.
    pub fn is_for(&self, cluster: &ClusterName, namespace: Option<&Namespace>) -> bool {
        any(self.clusters.as_ref(), cluster.as_str())
            && namespace.is_none_or(|namespace| any(self.namespaces.as_ref(), namespace.as_str()))
    }

    /// What is allowed and cannot have an effect, for people: the field, and what to write.
    pub fn oddities(&self) -> Vec<(&'static str, &'static str)> {
        let mut odd = Vec::new();
        let Allow { own_identity, roles, keys, hosts, addresses } = &self.allow;
        let identity = *own_identity || !roles.is_empty();
        if identity && keys.is_empty() {
            odd.push((
                "spec.allow.keys",
                "is empty, so nothing can be read by ownIdentity and roles; name keys, or write \"*\"",
            ));
        }
        if !identity && !keys.is_empty() {
            odd.push((
                "spec.allow.keys",
                "has no effect without ownIdentity or roles: other stores have credentials of their own",
            ));
        }
        if *own_identity && keys.iter().any(|each| each.to_string() == "*") {
            odd.push((
                "spec.allow.keys",
                "lets everything be read that Pawl's own identity may read; name the keys of this tenant",
            ));
        }
        if !self.stores.found && !self.stores.applied {
            odd.push(("spec.stores", "speaks of no store; set found or applied"));
        }
        if addresses.iter().any(|each| each.to_string().ends_with("/0")) && hosts.is_none() {
            odd.push((
                "spec.allow.addresses",
                "lets any host reach metadata services and this machine; name hosts, or fewer addresses",
            ));
        }
        odd
    }
}

/// Whether one of these patterns matches; all do where there are none.
fn any(patterns: Option<&BTreeSet<Glob>>, text: &str) -> bool {
    patterns.is_none_or(|patterns| patterns.iter().any(|each| each.matches(text)))
}
