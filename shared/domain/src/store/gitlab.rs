//! `spec.provider.gitlab`: CI/CD variables of a project and of groups.

use super::spec::Served;
use super::{CaProvider, SecretKeyRef};
use crate::name::Namespace;
use crate::provider::Provider;
use crate::provider::gitlab::variable;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.gitlab` of a store. Source: ESO's CRD, version 2.9. It reads a project, groups, or both.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct GitLabStore {
    /// The server's address, such as `https://gitlab.com`.
    pub url: String,
    /// The access token.
    pub access_token: SecretKeyRef,
    /// The project: its number or its path.
    pub project_id: Option<String>,
    /// Whether the groups that the project is in are read as well.
    pub inherit_from_groups: bool,
    /// Groups, by number or path; a later one counts before an earlier one.
    pub group_ids: Vec<String>,
    /// The environment scope of the variables; without it any.
    pub environment: Option<String>,
    /// CA certificates as PEM, `caBundle`.
    pub ca_bundle: Option<String>,
    /// CA certificates in the target cluster.
    pub ca_provider: Option<CaProvider>,
}

impl GitLabStore {
    /// The tag that searches may have.
    pub const SCOPE: &str = "environment_scope";

    /// Whether an environment scope is that of every environment.
    pub fn is_any(scope: &str) -> bool {
        matches!(scope, "" | "*")
    }

    /// Why a search cannot be made in this store, with what to write instead; `None` when it can. Source: ESO's GitLab
    /// provider.
    pub fn refuses(&self, find: &Find) -> Option<&'static str> {
        let own = self.environment.as_deref().unwrap_or_default();
        let mut scopes = find.tags.iter();
        if find.path.is_some() {
            return Some("variables are in no folders; leave find.path out");
        }
        if find.name.is_none() {
            return Some("variables are searched by name; write find.name.regexp");
        }
        if scopes.any(|(tag, _)| tag != Self::SCOPE) {
            return Some("variables have no tag but environment_scope; leave the others out");
        }
        let scoped = find.tags.get(Self::SCOPE).is_some_and(|scope| !Self::is_any(scope));
        (scoped && !Self::is_any(own))
            .then_some("the store's environment says which environment_scope is read; leave find.tags out")
    }
}

impl Served for GitLabStore {
    const PROVIDER: Provider = Provider::GitLab;

    fn server(&self) -> &str {
        &self.url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        let ca = self.ca_provider.iter().map(|(CaProvider::Secret(at) | CaProvider::ConfigMap(at))| at);
        std::iter::once(&self.access_token).chain(ca).map(|at| at.namespace.as_ref()).collect()
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        Self::refuses(self, find)
    }

    fn asked_as(&self, key: &str) -> String {
        variable(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Backend;

    fn store(environment: Option<&str>) -> Backend {
        let token = SecretKeyRef {
            name: "gitlab".parse().unwrap(),
            key: "token".to_owned(),
            namespace: Some("infra".parse().unwrap()),
        };
        GitLabStore {
            url: "https://GitLab.example.com/".to_owned(),
            access_token: token,
            project_id: Some("1".to_owned()),
            inherit_from_groups: false,
            group_ids: Vec::new(),
            environment: environment.map(str::to_owned),
            ca_bundle: None,
            ca_provider: None,
        }
        .into()
    }

    #[test]
    fn a_key_and_its_variable_are_one() {
        let store = store(None);
        assert_eq!(store.spec().remote_key("db-password"), "db_password");
        let at = store.location();
        assert_eq!(at.account.as_deref(), Some("https://gitlab.example.com"));
        assert_eq!(at.index_keys("db-password"), at.index_keys("db_password"));
        assert!((at.provider.profile().impossible_key)("a.b").is_some());
        assert!((at.provider.profile().impossible_key)("a-b_C9").is_none());
    }

    #[test]
    fn searches_are_by_name_and_perhaps_by_scope() {
        let find = |name: Option<&str>, path: Option<&str>, tags: &[(&str, &str)]| Find {
            name: name.map(str::to_owned),
            path: path.map(str::to_owned),
            tags: tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect(),
        };
        for (environment, find, refused) in [
            (None, find(Some("a"), None, &[]), false),
            (None, find(None, None, &[]), true),
            (None, find(Some("a"), Some(""), &[]), true),
            (None, find(Some("a"), None, &[("environment_scope", "prod")]), false),
            (None, find(Some("a"), None, &[("environment_scope", "prod"), ("team", "a")]), true),
            (Some("*"), find(Some("a"), None, &[("environment_scope", "prod")]), false),
            (Some("prod"), find(Some("a"), None, &[("environment_scope", "*")]), false),
            (Some("prod"), find(Some("a"), None, &[("environment_scope", "prod")]), true),
        ] {
            assert_eq!(store(environment).refuses(&find).is_some(), refused, "{environment:?} {find:?}");
        }
    }
}
