//! `spec.provider.scaleway`: secrets of one project in one region.

use super::SecretKeyRef;
use super::spec::Served;
use crate::name::Namespace;
use crate::provider::Provider;
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.scaleway` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct ScalewayStore {
    /// The API's address, such as `https://api.scaleway.com`.
    pub api_url: String,
    /// The region, such as `fr-par`.
    pub region: String,
    /// The project's id.
    pub project_id: String,
    /// The secret part of the API key. The other part is not asked for by the API.
    pub secret_key: SecretKeyRef,
}

impl Served for ScalewayStore {
    const PROVIDER: Provider = Provider::Scaleway;

    fn server(&self) -> &str {
        &self.api_url
    }

    fn references(&self) -> Vec<Option<&Namespace>> {
        vec![self.secret_key.namespace.as_ref()]
    }

    fn refuses(&self, _: &Find) -> Option<&'static str> {
        None
    }

    fn key_of(&self, found: &str) -> String {
        format!("name:{found}")
    }

    fn name_of(&self, key: &str) -> String {
        let name = key.split_once(':').map_or(key, |(_, name)| name);
        name.rsplit('/').next().unwrap_or(name).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Backend;

    #[test]
    fn keys_and_names_of_searches_lead_to_each_other() {
        let store: Backend = ScalewayStore {
            api_url: "https://API.scaleway.com/".to_owned(),
            region: "fr-par".to_owned(),
            project_id: "1".to_owned(),
            secret_key: SecretKeyRef { name: "s".parse().unwrap(), key: "k".to_owned(), namespace: None },
        }
        .into();
        assert_eq!(store.location().account.as_deref(), Some("https://api.scaleway.com"));
        assert_eq!(store.found_key("db"), "name:db");
        for (key, name) in [("name:db", "db"), ("path:/a/db", "db"), ("path:/db", "db"), ("id:1", "1")] {
            assert_eq!(store.found_name(key), name, "{key}");
        }
        let impossible = store.location().provider.profile().impossible_key;
        for (key, refused) in [
            ("name:db", false),
            ("id:1", false),
            ("path:/a/db", false),
            ("path:a/db", true),
            ("path:/a/", true),
            ("db", true),
            ("name:", true),
            ("tag:a", true),
        ] {
            assert_eq!(impossible(key).is_some(), refused, "{key}");
        }
    }
}
