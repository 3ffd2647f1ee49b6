//! The log of calls: what a test asks for "exactly one PATCH and no GET". Never holds a body.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::route::Target;

/// One request that reached the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// HTTP method.
    pub method: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; `get` for other paths.
    pub verb: &'static str,
    /// API group, empty for the core group.
    pub group: String,
    /// Plural name; for discovery, health and other paths the path itself.
    pub resource: String,
    /// For example `status` or `token`.
    pub subresource: Option<String>,
    /// None for cluster-scoped requests.
    pub namespace: Option<String>,
    /// None for requests for collections.
    pub name: Option<String>,
    /// Status code of the answer; none when a fault cut the connection.
    pub code: Option<u16>,
    /// Who called; empty when the token was refused or a fault answered first.
    pub user: String,
}

/// Calls in the order in which they were answered.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<Vec<Call>>);

impl Call {
    pub(crate) fn new(method: &str, target: Option<&Target>, path: &str) -> Self {
        let target = target.cloned().unwrap_or_else(|| Target {
            verb: "get",
            resource: path.to_owned(),
            ..Target::default()
        });
        Self {
            method: method.to_owned(),
            verb: target.verb,
            group: target.group,
            resource: target.resource,
            subresource: target.subresource,
            namespace: target.namespace,
            name: target.name,
            code: None,
            user: String::new(),
        }
    }

    /// `patch secrets`, `create serviceaccounts/token`.
    pub fn what(&self) -> String {
        match &self.subresource {
            Some(sub) => format!("{} {}/{sub}", self.verb, self.resource),
            None => format!("{} {}", self.verb, self.resource),
        }
    }
}

/// How often each kind of call was made: [`Call::what`] → count.
pub fn tally(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for call in calls {
        *tally.entry(call.what()).or_insert(0) += 1;
    }
    tally
}

impl Log {
    pub(crate) fn push(&self, call: Call) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
