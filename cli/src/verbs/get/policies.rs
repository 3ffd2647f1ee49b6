//! `pawl get policies`.

use crate::output::Table;
use pawl_domain::StorePolicy;
use pawl_pipeline::explain::words::UNREADABLE;
use pawl_ports::Unreadable;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Display;

#[derive(Debug, Serialize)]
pub(super) struct Policies(pub(super) Vec<PolicyRow>);

/// A policy, in the words of its manifest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyRow {
    policy: String,
    clusters: String,
    namespaces: String,
    stores: String,
    own_identity: bool,
    roles: Vec<String>,
    keys: Vec<String>,
    /// `None` where it says nothing of hosts.
    hosts: Option<Vec<String>>,
    addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl PolicyRow {
    pub(super) fn unreadable(document: Unreadable) -> Self {
        Self {
            message: Some(document.to_string()),
            policy: document.id,
            clusters: UNREADABLE.to_owned(),
            namespaces: String::new(),
            stores: String::new(),
            own_identity: false,
            roles: Vec::new(),
            keys: Vec::new(),
            hosts: None,
            addresses: Vec::new(),
        }
    }
}

impl From<StorePolicy> for PolicyRow {
    fn from(policy: StorePolicy) -> Self {
        let (stores, allow) = (&policy.stores, &policy.allow);
        let kinds = [(stores.found, "found"), (stores.applied, "applied")];
        let kinds: Vec<&str> = kinds.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
        Self {
            policy: policy.name.to_string(),
            clusters: all_or(policy.clusters.as_ref()),
            namespaces: all_or(policy.namespaces.as_ref()),
            stores: format!("{} of {}", all_or(stores.names.as_ref()), kinds.join(" and ")),
            own_identity: allow.own_identity,
            roles: texts(&allow.roles),
            keys: texts(&allow.keys),
            hosts: allow.hosts.as_ref().map(texts),
            addresses: texts(&allow.addresses),
            message: None,
        }
    }
}

fn texts<T: Display>(items: &BTreeSet<T>) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn all_or<T: Display>(items: Option<&BTreeSet<T>>) -> String {
    items.map_or_else(|| "*".to_owned(), |items| texts(items).join(","))
}

impl Table for Policies {
    const HEADINGS: &'static [&'static str] = &[
        "POLICY",
        "CLUSTERS",
        "NAMESPACES",
        "STORES",
        "OWN IDENTITY",
        "ROLES",
        "KEYS",
        "HOSTS",
        "ADDRESSES",
        "MESSAGE",
    ];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &PolicyRow| {
            vec![
                row.policy.clone(),
                row.clusters.clone(),
                row.namespaces.clone(),
                row.stores.clone(),
                if row.own_identity { "yes" } else { "no" }.to_owned(),
                row.roles.join(","),
                row.keys.join(","),
                row.hosts.as_ref().map_or_else(|| "any".to_owned(), |hosts| hosts.join(",")),
                row.addresses.join(","),
                row.message.clone().unwrap_or_default(),
            ]
        };
        self.0.iter().map(row).collect()
    }
}
