//! `spec.provider.doppler`: the secrets of a config of a project.

use super::SecretKeyRef;
use super::spec::{Claims, Identity, Spec};
use crate::key::Location;
use crate::name::{Namespace, ObjectName};
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.doppler` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct DopplerStore {
    /// What proves the identity.
    pub auth: DopplerAuth,
    /// The project; a service token is of one.
    pub project: Option<String>,
    /// The config; a service token is of one.
    pub config: Option<String>,
    /// How a search writes names.
    pub name_transformer: Option<String>,
    /// The format of the one file that a search gives in place of secrets.
    pub format: Option<String>,
}

/// `auth` of a store of Doppler.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum DopplerAuth {
    /// A token.
    Token(SecretKeyRef),
    /// A service account of the target cluster, whose token Doppler trades for its own.
    Oidc {
        /// The identity at Doppler.
        identity: String,
        /// The service account.
        account: ObjectName,
        /// Its namespace; the declaration's where absent.
        namespace: Option<Namespace>,
        /// For whom its token is made; Doppler where empty. The store itself is always one more.
        audiences: Vec<String>,
    },
}

impl DopplerStore {
    /// The name of the one entry that a search gives where the store has a format.
    pub const FILE: &str = "DOPPLER_SECRETS_FILE";

    /// Whether a search gives secrets by their own names.
    fn finds_by_name(&self) -> bool {
        self.name_transformer.is_none() && self.format.is_none()
    }
}

impl Spec for DopplerStore {
    /// Events name the project; of its configs, some take over what others have.
    fn location(&self) -> Location {
        Location { provider: Provider::Doppler, region: String::new(), account: self.project.clone() }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::Doppler.profile().capabilities
    }

    fn remote_key(&self, key: &str) -> String {
        key.to_owned()
    }

    /// Which secret has a name that was written otherwise, nobody says: such a text is no key.
    fn found_key(&self, name: &str) -> String {
        if self.finds_by_name() { name.to_owned() } else { format!("\"{name}\"") }
    }

    fn found_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn finds(&self, find: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        let path = find.path.as_deref().unwrap_or_default();
        !self.finds_by_name() || (named(name) && name.starts_with(path))
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        (!find.tags.is_empty()).then_some("secrets of Doppler have no tags; leave find.tags out")
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        match &self.auth {
            DopplerAuth::Token(at) => vec![at.namespace.as_ref()],
            DopplerAuth::Oidc { namespace, .. } => vec![namespace.as_ref()],
        }
    }

    /// A service account's token names the store that it is for.
    fn tells_tenants_apart(&self) -> bool {
        matches!(self.auth, DopplerAuth::Oidc { .. })
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    /// The server is Doppler's, whatever the manifest says.
    fn claims(&self) -> Claims<'_> {
        Claims { region: None, server: None, authority: None, headers: None, values: None, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Backend;

    #[test]
    fn searches_are_concerned_by_names_unless_these_are_written_otherwise() {
        let token =
            SecretKeyRef { name: "doppler".parse().unwrap(), key: "token".to_owned(), namespace: None };
        let store = |transformer: Option<&str>, format: Option<&str>| -> Backend {
            let (auth, text) = (DopplerAuth::Token(token.clone()), |text: &str| text.to_owned());
            let (name_transformer, format) = (transformer.map(text), format.map(text));
            let (project, config) = (Some("shop".to_owned()), Some("prd".to_owned()));
            DopplerStore { auth, project, config, name_transformer, format }.into()
        };
        let find = Find { name: Some("URL$".to_owned()), path: Some("DB_".to_owned()), ..Find::default() };
        for (store, name, finds, key) in [
            (store(None, None), "DB_URL", true, "DB_URL"),
            (store(None, None), "APP_URL", false, "APP_URL"),
            (store(None, None), "DB_URL_OLD", false, "DB_URL_OLD"),
            (store(Some("camel"), None), "dbUrl", true, "\"dbUrl\""),
            (store(None, Some("env")), DopplerStore::FILE, true, "\"DOPPLER_SECRETS_FILE\""),
        ] {
            assert_eq!(
                (store.search(&find).finds(name), store.found_key(name).as_str()),
                (finds, key),
                "{name}"
            );
            assert_eq!(store.location().account.as_deref(), Some("shop"));
        }
        let tagged = Find { tags: [("a".to_owned(), String::new())].into(), ..Find::default() };
        assert!(store(None, None).refuses(&tagged).is_some());
    }
}
