//! `spec.provider.kubernetes`: Secrets of one namespace of a cluster. What it shares with `spec.provider.crd`, the way to an
//! API server, is in `api`.

mod api;

pub use api::{ApiAuth, ApiServer, KubernetesApi};

use super::spec::{Claims, Identity, Spec};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.kubernetes` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct KubernetesStore {
    /// The way to the API server.
    pub api: KubernetesApi,
    /// Where the Secrets are.
    pub remote_namespace: Namespace,
}

impl KubernetesStore {
    /// The Secret's name, of the key as the provider knows it.
    pub fn name_of<'a>(&self, key: &'a str) -> Option<&'a str> {
        key.strip_prefix(self.remote_namespace.as_str())?.strip_prefix('/')
    }

    /// Why a search cannot be made in this store, with what to write instead; `None` when it can. Source: ESO's provider; a
    /// label that none can be would be an error of the API server's.
    pub fn refuses(&self, find: &Find) -> Option<&'static str> {
        if find.tags.is_empty() && find.name.is_none() {
            return Some("Secrets are searched by name or labels; write find.name.regexp or find.tags");
        }
        let is_label = |(name, value): (&String, &String)| is_label_name(name) && is_label_value(value);
        (!find.tags.iter().all(is_label))
            .then_some("find.tags are labels, which these cannot be; correct them")
    }
}

impl Spec for KubernetesStore {
    fn location(&self) -> Location {
        self.api.location(Provider::Kubernetes)
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Kubernetes.profile().capabilities
    }

    /// `<namespace>/<name>`, as listings and audit records name it.
    fn remote_key(&self, key: &str) -> String {
        format!("{}/{key}", self.remote_namespace)
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

    /// Labels count alone where there are any, as in ESO. Which Secrets have them, the API server tells.
    fn finds(&self, find: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        self.name_of(name).is_some_and(|name| !find.tags.is_empty() || named(name))
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

/// Source: Kubernetes' validation of the names of labels: `[<DNS subdomain>/]<name>`.
fn is_label_name(name: &str) -> bool {
    let (prefix, name) = name.split_once('/').map_or((None, name), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(|prefix| prefix.parse::<crate::name::ObjectName>().is_ok())
        && !name.is_empty()
        && is_label_value(name)
}

/// Source: Kubernetes' validation of the values of labels.
fn is_label_value(value: &str) -> bool {
    let ends = |byte: Option<u8>| byte.is_none_or(|byte| byte.is_ascii_alphanumeric());
    value.len() <= 63
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && ends(value.bytes().next())
        && ends(value.bytes().last())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Backend, SecretKeyRef};

    fn store() -> Backend {
        let token = SecretKeyRef { name: "token".parse().unwrap(), key: "token".to_owned(), namespace: None };
        let api = KubernetesApi::Server { server: ApiServer::Own, auth: ApiAuth::Token(token) };
        KubernetesStore { api, remote_namespace: "shop".parse().unwrap() }.into()
    }

    fn find(name: Option<&str>, tags: &[(&str, &str)]) -> Find {
        let tags = tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect();
        Find { name: name.map(str::to_owned), tags, ..Find::default() }
    }

    #[test]
    fn keys_are_named_by_namespace() {
        let store = store();
        assert_eq!(store.spec().remote_key("db"), "shop/db");
        assert_eq!(store.as_kubernetes().unwrap().name_of("shop/db"), Some("db"));
        assert_eq!(store.as_kubernetes().unwrap().name_of("shopping/db"), None);
        let impossible = Provider::Kubernetes.profile().impossible_key;
        for (key, possible) in [("db", true), ("a.b-c9", true), ("DB", false), ("a/b", false), ("..", false)]
        {
            assert_eq!(impossible(key).is_none(), possible, "{key}");
        }
    }

    #[test]
    fn labels_count_before_names() {
        let store = store();
        let by_name = find(Some("^db$"), &[]);
        assert!(store.search(&by_name).finds("shop/db"));
        assert!(!store.search(&by_name).finds("shop/web") && !store.search(&by_name).finds("other/db"));
        let by_both = find(Some("^db$"), &[("team", "a")]);
        assert!(store.search(&by_both).finds("shop/web"));
    }

    #[test]
    fn what_no_label_can_be_is_refused() {
        for (find, served) in [
            (find(None, &[]), false),
            (find(Some("a"), &[]), true),
            (find(None, &[("team", "a")]), true),
            (find(None, &[("example.com/team", "")]), true),
            (find(None, &[("team", "a,b=c")]), false),
            (find(None, &[("team=a,b", "c")]), false),
            (find(None, &[("!team", "c")]), false),
            (find(None, &[("Example/team", "c")]), false),
            (find(None, &[("", "c")]), false),
            (find(None, &[("a", "-")]), false),
            (find(None, &[("a", &"x".repeat(64))]), false),
        ] {
            assert_eq!(store().refuses(&find).is_none(), served, "{find:?}");
        }
    }
}
