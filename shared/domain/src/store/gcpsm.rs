//! `spec.provider.gcpsm`: Google Secret Manager.

use super::SecretKeyRef;
use super::spec::{Claims, Identity, Spec};
use crate::key::Location;
use crate::name::{Namespace, ObjectName};
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.gcpsm` of a store. Source: ESO's CRD, version 2.9.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct GcpStore {
    /// The project, by its id or its number.
    pub project: String,
    /// The location of secrets that are in one location alone; without it the global ones are read.
    pub location: Option<String>,
    /// Whether the newest version that is enabled is read where the latest is disabled or destroyed.
    pub falls_back: bool,
    /// How the identity is proven.
    pub auth: GcpAuth,
}

/// How the identity of a store of Google's is proven, in ESO's order of precedence.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum GcpAuth {
    /// A service account's key, as the JSON that Google gives out.
    Key(SecretKeyRef),
    /// A service account of the target cluster, which is one of Google's.
    WorkloadIdentity {
        /// The service account.
        account: GcpServiceAccount,
        /// The cluster, as Google knows it.
        cluster: GcpCluster,
    },
    /// An identity of somebody whom the project trusts.
    Federation(GcpFederation),
}

/// A service account of the target cluster.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct GcpServiceAccount {
    /// Its name.
    pub name: ObjectName,
    /// Its namespace; the declaration's where absent.
    pub namespace: Option<Namespace>,
    /// Audiences of its token, beside those that the method has.
    pub audiences: Vec<String>,
}

/// A cluster of Google's.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct GcpCluster {
    /// The id of its project.
    pub project: String,
    /// Its region or zone.
    pub location: String,
    /// Its name.
    pub name: String,
}

/// `workloadIdentityFederation`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct GcpFederation {
    /// What proves the identity.
    pub subject: GcpSubject,
    /// Whom it is proven to: the full name of the provider of a workload identity pool. It comes before the one of a
    /// configuration.
    pub audience: Option<String>,
    /// Where a configuration may have tokens from.
    pub token_endpoint: Option<String>,
    /// The service account of Google's that reads, by its email; it comes before all others that are named.
    pub service_account: Option<String>,
}

/// What proves an identity to whom a project trusts.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum GcpSubject {
    /// What a configuration of Google's says, which is in a ConfigMap.
    Configured(SecretKeyRef),
    /// A token of a service account of the target cluster.
    ServiceAccount(GcpServiceAccount),
    /// Keys of AWS, in a Secret that has them under the names of AWS's files.
    Aws {
        /// The region of the STS that is asked.
        region: String,
        /// The Secret's name.
        secret: ObjectName,
        /// Its namespace; the declaration's where absent.
        namespace: Option<Namespace>,
    },
}

impl GcpStore {
    /// Why a search cannot be made, with what to write instead; `None` when it can. Source: ESO's GCP provider.
    pub fn refuses(find: &Find) -> Option<&'static str> {
        let nothing = find.name.is_none() && find.tags.is_empty();
        nothing.then_some("secrets are searched by name or by labels; write find.name.regexp or find.tags")
    }
}

impl Spec for GcpStore {
    /// Senders know projects by their number and manifests mostly by their id. A number is no account here, so that it
    /// agrees with every id.
    fn location(&self) -> Location {
        let is_number = self.project.bytes().all(|byte| byte.is_ascii_digit());
        Location {
            provider: Provider::GcpSecretManager,
            region: self.location.clone().unwrap_or_default(),
            account: (!is_number).then(|| self.project.clone()),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Provider::GcpSecretManager.profile().capabilities
    }

    fn remote_key(&self, key: &str) -> String {
        key.to_owned()
    }

    fn found_key(&self, name: &str) -> String {
        name.to_owned()
    }

    fn found_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        key.to_owned()
    }

    fn finds(&self, find: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        find.path.as_deref().is_none_or(|path| name.starts_with(path)) && named(name)
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        Self::refuses(find)
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        vec![match &self.auth {
            GcpAuth::Key(at) => at.namespace.as_ref(),
            GcpAuth::WorkloadIdentity { account, .. } => account.namespace.as_ref(),
            GcpAuth::Federation(federation) => match &federation.subject {
                GcpSubject::Configured(at) => at.namespace.as_ref(),
                GcpSubject::ServiceAccount(account) => account.namespace.as_ref(),
                GcpSubject::Aws { namespace, .. } => namespace.as_ref(),
            },
        }]
    }

    fn tells_tenants_apart(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity<'_> {
        Identity::Own
    }

    /// The one address that a manifest chooses is that of a configuration's tokens; all others are Google's.
    fn claims(&self) -> Claims<'_> {
        let server = match &self.auth {
            GcpAuth::Federation(federation) => federation.token_endpoint.as_deref(),
            GcpAuth::Key(_) | GcpAuth::WorkloadIdentity { .. } => None,
        };
        Claims {
            region: self.location.as_deref(),
            server,
            authority: None,
            headers: None,
            values: None,
            is_refused: false,
        }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Backend;

    fn store(project: &str, location: Option<&str>) -> Backend {
        let key = SecretKeyRef { name: "gcp".parse().unwrap(), key: "key.json".to_owned(), namespace: None };
        let (project, location) = (project.to_owned(), location.map(str::to_owned));
        GcpStore { project, location, falls_back: false, auth: GcpAuth::Key(key) }.into()
    }

    #[test]
    fn a_project_known_by_its_number_agrees_with_every_id() {
        let told = |account: Option<&str>, region: &str| Location {
            provider: Provider::GcpSecretManager,
            region: region.to_owned(),
            account: account.map(str::to_owned),
        };
        for (project, location, sender, agree) in [
            ("shop", None, told(None, ""), true),
            ("shop", None, told(Some("shop"), ""), true),
            ("shop", None, told(Some("other"), ""), false),
            ("1234", None, told(Some("shop"), ""), true),
            ("1234", None, told(None, ""), true),
            ("shop", Some("europe-west3"), told(None, ""), false),
            ("shop", Some("europe-west3"), told(None, "europe-west3"), true),
            ("shop", None, told(None, "europe-west3"), false),
        ] {
            assert_eq!(store(project, location).location().agrees_with(&sender), agree, "{project} {sender}");
        }
        let shown = |project, location| store(project, location).location().to_string();
        assert_eq!(shown("shop", None), "gcpsm of project shop");
        assert_eq!(shown("shop", Some("europe-west3")), "gcpsm in europe-west3 of project shop");
        assert_eq!(shown("1234", None), "gcpsm");
    }

    #[test]
    fn the_one_address_that_a_tenant_chooses_is_told_to_policies() {
        let at = SecretKeyRef { name: "gcp".parse().unwrap(), key: "config".to_owned(), namespace: None };
        let federation = GcpFederation {
            subject: GcpSubject::Configured(at),
            audience: None,
            token_endpoint: Some("https://tokens.example.com".to_owned()),
            service_account: None,
        };
        let federated = GcpStore {
            project: "shop".to_owned(),
            location: Some("europe-west3".to_owned()),
            falls_back: false,
            auth: GcpAuth::Federation(federation),
        };
        let claims = federated.claims();
        assert_eq!(
            (claims.server, claims.region),
            (Some("https://tokens.example.com"), Some("europe-west3"))
        );
        assert_eq!(store("shop", None).spec().claims().server, None);
        assert_eq!(federated.proofs(), [None]);
    }

    #[test]
    fn searches_are_by_name_or_labels_below_a_prefix() {
        let find = |name: Option<&str>, path: Option<&str>, tags: &[(&str, &str)]| Find {
            name: name.map(str::to_owned),
            path: path.map(str::to_owned),
            tags: tags.iter().map(|&(tag, value)| (tag.to_owned(), value.to_owned())).collect(),
        };
        let store = store("shop", None);
        assert!(store.refuses(&find(None, Some("app"), &[])).is_some());
        for (find, name, found) in [
            (find(Some("db"), None, &[]), "app-db", true),
            (find(Some("^db"), None, &[]), "app-db", false),
            (find(Some("db"), Some("app"), &[]), "app-db", true),
            (find(Some("db"), Some("web"), &[]), "app-db", false),
            (find(None, Some("app"), &[("team", "a")]), "app-db", true),
        ] {
            assert_eq!((store.refuses(&find), store.search(&find).finds(name)), (None, found), "{find:?}");
        }
    }
}
