//! `spec.provider.conjur`: variables of CyberArk Conjur.

use super::spec::Served;
use super::{CaProvider, SecretKeyRef};
use crate::name::{Namespace, ObjectName};
use crate::provider::Provider;
use crate::provider::conjur::VARIABLE;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.conjur` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ConjurStore {
    /// The server's address, with the path that its API is under.
    pub url: String,
    /// The account of Conjur.
    pub account: String,
    /// How the identity is proven.
    pub auth: ConjurAuth,
    /// CA certificates as PEM, `caBundle`.
    pub ca_bundle: Option<String>,
    /// CA certificates in the target cluster.
    pub ca_provider: Option<CaProvider>,
}

/// How an identity is proven to Conjur.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum ConjurAuth {
    /// By an API key.
    ApiKey {
        /// The user or host.
        user: SecretKeyRef,
        /// Its key.
        key: SecretKeyRef,
    },
    /// By a JSON Web Token.
    Jwt {
        /// The id of the authenticator.
        service: String,
        /// The host, where the token does not name it.
        host: Option<String>,
        /// The token.
        token: ConjurToken,
    },
    /// By a client certificate.
    Certificate {
        /// The id of the authenticator.
        service: String,
        /// The host, where the certificate does not name it.
        host: Option<String>,
        /// The certificate.
        certificate: SecretKeyRef,
        /// Its key.
        key: SecretKeyRef,
    },
}

/// Where a JSON Web Token comes from.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum ConjurToken {
    /// It stands in a Secret.
    Secret(SecretKeyRef),
    /// The target cluster makes it for a service account.
    ServiceAccount {
        /// The service account.
        name: ObjectName,
        /// Its namespace; the declaration's where absent.
        namespace: Option<Namespace>,
        /// For whom it is.
        audiences: Vec<String>,
    },
}

impl ConjurStore {
    /// The id of a variable without the account and the kind that may stand before it. Source: Conjur's client for Go.
    pub fn id<'k>(&self, key: &'k str) -> &'k str {
        let behind = |text: &'k str, word: &str| text.strip_prefix(word)?.strip_prefix(':');
        let own = behind(key, &self.account).and_then(|rest| behind(rest, VARIABLE));
        own.or_else(|| behind(key, VARIABLE).filter(|id| !id.contains(':'))).unwrap_or(key)
    }

    /// Why a search cannot be made, with what to write instead; `None` when it can.
    pub fn refuses(find: &Find) -> Option<&'static str> {
        match (&find.path, &find.name, find.tags.is_empty()) {
            (Some(_), ..) => Some("a search has no path here; write find.name.regexp, as in ^app/"),
            (None, None, true) => {
                Some("variables are searched by name or annotations; write find.name.regexp or find.tags")
            }
            (None, Some(_), false) => {
                Some("ESO passes over find.tags where there is a name; write one of them")
            }
            _ => None,
        }
    }
}

impl Served for ConjurStore {
    const PROVIDER: Provider = Provider::Conjur;

    fn server(&self) -> &str {
        &self.url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        let ca = self.ca_provider.iter().map(|(CaProvider::Secret(at) | CaProvider::ConfigMap(at))| at);
        let auth = match &self.auth {
            ConjurAuth::ApiKey { user: one, key: other }
            | ConjurAuth::Certificate { certificate: one, key: other, .. } => {
                vec![one.namespace.as_ref(), other.namespace.as_ref()]
            }
            ConjurAuth::Jwt { token: ConjurToken::Secret(at), .. } => vec![at.namespace.as_ref()],
            ConjurAuth::Jwt { token: ConjurToken::ServiceAccount { namespace, .. }, .. } => {
                vec![namespace.as_ref()]
            }
        };
        auth.into_iter().chain(ca.map(|at| at.namespace.as_ref())).collect()
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        Self::refuses(find)
    }

    fn part(&self) -> Option<&str> {
        Some(&self.account)
    }

    fn asked_as(&self, key: &str) -> String {
        self.id(key).to_owned()
    }

    fn may_find(&self, _: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        named(self.id(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Backend;

    fn store() -> ConjurStore {
        let at = |key: &str| SecretKeyRef {
            name: "conjur".parse().unwrap(),
            key: key.to_owned(),
            namespace: None,
        };
        ConjurStore {
            url: "https://Conjur.example.com/".to_owned(),
            account: "shop".to_owned(),
            auth: ConjurAuth::ApiKey { user: at("user"), key: at("key") },
            ca_bundle: None,
            ca_provider: None,
        }
    }

    #[test]
    fn a_full_id_and_the_short_one_are_one_key() {
        // The last three: what Conjur's client for Go makes of them.
        for (key, id) in [
            ("app/db", "app/db"),
            ("variable:app/db", "app/db"),
            ("shop:variable:app/db", "app/db"),
            ("shop:variable:a:b", "a:b"),
            ("other:variable:app/db", "other:variable:app/db"),
            ("shop:user:app/db", "shop:user:app/db"),
            ("variable:a:b", "variable:a:b"),
        ] {
            assert_eq!(store().id(key), id, "{key}");
        }
        let at = Backend::from(store()).location();
        assert_eq!(at.account.as_deref(), Some("https://conjur.example.com/shop"));
        assert_eq!(at.index_keys("shop:variable:app/db").intersection(&at.index_keys("app/db")).count(), 1);
        assert_eq!(Backend::from(store()).spec().proofs(), [None, None]);
    }

    #[test]
    fn searches_are_by_name_or_by_annotations() {
        let find = |name: Option<&str>, path: Option<&str>, tags: &[(&str, &str)]| Find {
            name: name.map(str::to_owned),
            path: path.map(str::to_owned),
            tags: tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect(),
        };
        for (find, refused) in [
            (find(Some("a"), None, &[]), false),
            (find(None, None, &[("team", "a")]), false),
            (find(Some("a"), None, &[("team", "a")]), true),
            (find(None, None, &[]), true),
            (find(Some("a"), Some("app"), &[]), true),
        ] {
            assert_eq!(ConjurStore::refuses(&find).is_some(), refused, "{find:?}");
        }
        let find = find(Some("^app"), None, &[]);
        let backend = Backend::from(store());
        assert!(backend.search(&find).finds("shop:variable:app/db"));
        assert!(!backend.search(&find).finds("web/app"));
    }
}
