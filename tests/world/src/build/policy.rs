use super::object_name;
use pawl_domain::StorePolicy;
use pawl_domain::policy::{Allow, StoreSelector};
use std::collections::BTreeSet;

/// A policy for every store that was found in a cluster, which allows nothing.
pub fn policy(name: &str) -> StorePolicy {
    StorePolicy {
        name: object_name(name),
        clusters: None,
        namespaces: None,
        stores: StoreSelector::default(),
        allow: Allow::default(),
    }
}

/// A set of patterns, of hosts or of ranges of addresses.
pub fn patterns<T>(texts: &[&str]) -> BTreeSet<T>
where
    T: std::str::FromStr<Err: std::fmt::Display> + Ord,
{
    texts.iter().map(|text| text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))).collect()
}
