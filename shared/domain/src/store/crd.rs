//! `spec.provider.crd`: objects of one kind of a cluster, as far as a whitelist lets.

use super::Store;
use super::kubernetes::KubernetesApi;
use super::spec::{Claims, Identity, Spec};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::{Find, Remote};
use pawl_golang::regexp::{Regexp, RegexpError};
use serde::{Deserialize, Serialize};

/// `spec.provider.crd` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct CrdStore {
    /// The way to the API server.
    pub api: KubernetesApi,
    /// The kind of the objects.
    pub resource: CrdResource,
    /// What may be read; everything where there are none.
    pub whitelist: Vec<CrdRule>,
    /// The namespace of a SecretStore, whose objects it reads; `None` for a ClusterSecretStore, whose keys begin with one.
    pub namespace: Option<Namespace>,
}

/// A kind of object, as its API server names it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct CrdResource {
    /// The group; empty for the core.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

/// One rule of a whitelist: every pattern that it has must match. Patterns are RE2, not anchored.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct CrdRule {
    /// Of the object's name.
    pub name: Option<String>,
    /// Of its namespace; an object without one matches no pattern.
    pub namespace: Option<String>,
    /// Of the property that is read, one of which must match. A read without a property matches none.
    pub properties: Vec<String>,
}

/// A whitelist, ready for many objects; `None` where there is none.
#[derive(Debug)]
pub struct Whitelist(Option<Vec<Compiled>>);

#[derive(Debug)]
struct Compiled {
    name: Option<Regexp>,
    namespace: Option<Regexp>,
    properties: Vec<Regexp>,
}

impl Store {
    /// Whether the store's own whitelist keeps a declaration from reading this.
    pub fn denies(&self, remote: &Remote) -> bool {
        let Some(store) = self.backend.as_crd() else { return false };
        let (namespace, name) =
            remote.key.split_once('/').map_or((None, remote.key.as_str()), |(of, name)| (Some(of), name));
        let property = remote.property.as_deref().filter(|property| !property.is_empty());
        !store.whitelist().admits(namespace, name, property)
    }
}

impl CrdStore {
    /// The whitelist. A rule with a pattern that does not compile, which no reader of manifests lets through, admits nothing.
    pub fn whitelist(&self) -> Whitelist {
        let compiled = || self.whitelist.iter().filter_map(|rule| Compiled::of(rule).ok()).collect();
        Whitelist((!self.whitelist.is_empty()).then(compiled))
    }

    /// The object's namespace and name, of the key as the provider knows it.
    pub fn parts_of<'a>(&self, key: &'a str) -> (Option<&'a str>, &'a str) {
        key.split_once('/').map_or((None, key), |(namespace, name)| (Some(namespace), name))
    }

    /// Why a search cannot be made in this store, with what to write instead; `None` when it can.
    pub fn refuses(&self, find: &Find) -> Option<&'static str> {
        (!find.tags.is_empty()).then_some("objects are searched by name; leave find.tags out")
    }
}

impl Compiled {
    fn of(rule: &CrdRule) -> Result<Self, RegexpError> {
        let CrdRule { name, namespace, properties } = rule;
        Ok(Self {
            name: name.as_deref().map(Regexp::new).transpose()?,
            namespace: namespace.as_deref().map(Regexp::new).transpose()?,
            properties: properties.iter().map(Regexp::new).collect::<Result<_, _>>()?,
        })
    }
}

impl Whitelist {
    /// Whether a rule admits the object, and the property of it if one is read. Source: ESO's CRD provider.
    pub fn admits(&self, namespace: Option<&str>, name: &str, property: Option<&str>) -> bool {
        let admits = |rule: &Compiled| {
            let named = rule.name.as_ref().is_none_or(|pattern| pattern.is_match(name));
            let placed = rule
                .namespace
                .as_ref()
                .is_none_or(|pattern| namespace.is_some_and(|namespace| pattern.is_match(namespace)));
            let asked = |property: &str| rule.properties.iter().any(|pattern| pattern.is_match(property));
            named && placed && (rule.properties.is_empty() || property.is_some_and(asked))
        };
        self.0.as_ref().is_none_or(|rules| rules.iter().any(admits))
    }
}

impl Spec for CrdStore {
    fn location(&self) -> Location {
        self.api.location(Provider::Crd)
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Crd.profile().capabilities
    }

    /// `<namespace>/<name>`, and the name alone of an object of no namespace; of a SecretStore its own namespace stands before
    /// these as well.
    fn remote_key(&self, key: &str) -> String {
        match &self.namespace {
            Some(own) => format!("{own}/{key}"),
            None => key.to_owned(),
        }
    }

    fn found_key(&self, name: &str) -> String {
        self.remote_key(name)
    }

    fn found_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        self.remote_key(key)
    }

    fn finds(&self, _: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        match &self.namespace {
            Some(own) => {
                name.strip_prefix(own.as_str()).and_then(|rest| rest.strip_prefix('/')).is_some_and(named)
            }
            None => named(name),
        }
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        Self::refuses(self, find)
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        self.api.proofs()
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        self.api.identity()
    }

    fn claims(&self) -> Claims<'_> {
        self.api.claims()
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}
