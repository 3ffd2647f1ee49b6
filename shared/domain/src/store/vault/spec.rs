//! Which keys a Vault store reads, and with which identity.

use super::{CaProvider, ClientCertificate, KvVersion, RoleId, VaultAuth, VaultProof, VaultStore};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use crate::store::spec::{Claims, Identity, Spec};
use crate::store::{AwsAuth, SecretKeyRef};

impl VaultStore {
    /// The mount of the engine, without slashes around it.
    pub fn mount(&self) -> Option<&str> {
        self.path.as_deref().map(bare).filter(|path| !path.is_empty())
    }

    /// The namespace that keys are read in, without slashes around it; `None` is the root namespace.
    pub fn key_namespace(&self) -> Option<&str> {
        self.namespace.as_deref().map(bare).filter(|namespace| !namespace.is_empty())
    }

    /// The part of [`Store::remote_key`](crate::Store::remote_key) below the mount, or behind the namespace where the
    /// store names no mount.
    pub fn local_key<'a>(&self, remote: &'a str) -> &'a str {
        [self.key_namespace(), self.mount()]
            .into_iter()
            .flatten()
            .fold(bare(remote), |rest, root| below(rest, root).unwrap_or(rest))
    }

    /// Why a search cannot be made in this store, with what to write instead; `None` when it can. Source: ESO's Vault
    /// provider, which takes the mount from `find.path` where the store names none.
    pub fn refuses(&self, find: &Find) -> Option<&'static str> {
        let start = find.path.as_deref().map(bare).unwrap_or_default();
        match (self.version, self.mount()) {
            (KvVersion::V1, _) if !find.tags.is_empty() => Some("KV version 1 has no tags; search by name"),
            (KvVersion::V1, None) if start.is_empty() => {
                Some("the store names no mount; begin find.path with it, or set the store's path")
            }
            (KvVersion::V2, None) if Self::mount_of(start).is_none() => Some(
                "the store names no mount; write find.path as <mount>/data/<folder>, or set the store's path",
            ),
            _ => None,
        }
    }

    /// The mount of KV version 2 and what is below it, of a path that has the API's `data` between them.
    pub fn mount_of(path: &str) -> Option<(&str, &str)> {
        path.split_once("/data/").or_else(|| Some((path.strip_suffix("/data")?, "")))
    }

    /// Source: ESO strips a mount that a key begins with, and in KV version 2 the `data/` behind it.
    fn within<'a>(&self, mount: &str, key: &'a str) -> &'a str {
        let Some(rest) = below(key, mount) else { return key };
        match self.version {
            KvVersion::V2 => rest.strip_prefix("data/").unwrap_or(rest),
            KvVersion::V1 => rest,
        }
    }

    fn in_namespace(&self, within: &str) -> String {
        self.key_namespace().map_or_else(|| within.to_owned(), |namespace| format!("{namespace}/{within}"))
    }

    /// Whether a search finds a name in a store without a mount, where `find.path` begins with it. Senders leave out the `data` of KV version 2.
    fn finds_without_mount(&self, find: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        let Some(path) = find.path.as_deref() else { return false };
        let told = match (self.version, Self::mount_of(bare(path))) {
            (KvVersion::V2, Some((mount, ""))) => mount.to_owned(),
            (KvVersion::V2, Some((mount, folder))) => format!("{mount}/{folder}"),
            (KvVersion::V2, None) => return false,
            (KvVersion::V1, _) => bare(path).to_owned(),
        };
        [told.as_str(), bare(path)]
            .into_iter()
            .filter_map(|start| below(bare(name), &self.in_namespace(start)))
            .any(|rest| named(&format!("{path}/{rest}")))
    }
}

impl Spec for VaultStore {
    fn location(&self) -> Location {
        let address = self.server.trim_end_matches('/').to_ascii_lowercase();
        Location { provider: Provider::Vault, region: String::new(), account: Some(address) }
    }

    /// Version 1 of the engine keeps no versions.
    fn capabilities(&self) -> Capabilities {
        let versions = self.version == KvVersion::V2;
        Capabilities { versions, reads_values: !versions, ..Provider::Vault.profile().capabilities }
    }

    /// `<namespace>/<mount>/<path>`, as audit records name it as well. A key without a mount beside it is kept as it is
    /// declared: which of its parts is the `data` of KV version 2, the index tries both ways.
    fn remote_key(&self, key: &str) -> String {
        let key = bare(key);
        match self.mount() {
            Some(mount) => self.in_namespace(&format!("{mount}/{}", self.within(mount, key))),
            None => self.in_namespace(key),
        }
    }

    /// ESO puts a slash behind `find.path`, also where one stands there already.
    fn found_key(&self, name: &str) -> String {
        self.remote_key(&name.replace("//", "/"))
    }

    fn found_name(&self, key: &str) -> String {
        self.local_key(&self.remote_key(key)).to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        self.remote_key(key)
    }

    /// Whether a search may find this name, `<namespace>/<mount>/<path>`. The pattern sees what ESO calls the key:
    /// `find.path` as it is written, and what is below it.
    fn finds(&self, find: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        let Some(mount) = self.mount() else { return self.finds_without_mount(find, named, name) };
        let Some(path) = below(bare(name), &self.in_namespace(mount)) else { return false };
        let key = match find.path.as_deref() {
            None => path.to_owned(),
            Some(start) if bare(start).is_empty() => format!("{start}/{path}"),
            Some(start) => match below(path, bare(start)) {
                Some(rest) => format!("{start}/{rest}"),
                None => return false,
            },
        };
        named(&key)
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        Self::refuses(self, find)
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        let mut secrets: Vec<&SecretKeyRef> = Vec::new();
        let mut proofs = Vec::new();
        match &self.ca_provider {
            Some(CaProvider::Secret(at) | CaProvider::ConfigMap(at)) => secrets.push(at),
            None => {}
        }
        let mut certificates: Vec<&ClientCertificate> = self.client_certificate.iter().collect();
        match &self.auth {
            None => {}
            Some(VaultAuth::Token(at)) => secrets.push(at),
            Some(VaultAuth::AppRole { role_id, secret_id, .. }) => {
                if let RoleId::Secret(at) = role_id {
                    secrets.push(at);
                }
                secrets.push(secret_id);
            }
            Some(VaultAuth::Kubernetes { proof, .. } | VaultAuth::Jwt { proof, .. }) => match proof {
                VaultProof::Secret(at) => secrets.push(at),
                VaultProof::ServiceAccount { namespace, .. } => proofs.push(namespace.as_ref()),
            },
            Some(VaultAuth::Ldap { password, .. } | VaultAuth::UserPass { password, .. }) => {
                secrets.push(password);
            }
            Some(VaultAuth::Cert { certificate, .. }) => certificates.push(certificate),
            Some(VaultAuth::Iam(iam)) => proofs.extend(iam.identity.proofs()),
            Some(VaultAuth::Gcp(gcp)) => secrets.extend(&gcp.key),
        }
        secrets.extend(certificates.into_iter().flat_map(|each| [&each.certificate, &each.key]));
        proofs.extend(secrets.into_iter().map(|at| at.namespace.as_ref()));
        proofs
    }

    fn tells_tenants_apart(&self) -> bool {
        matches!(&self.auth, Some(VaultAuth::Iam(iam)) if iam.role.is_some())
    }

    fn identity(&self) -> Identity<'_> {
        match &self.auth {
            Some(VaultAuth::Iam(iam)) if iam.identity == AwsAuth::Ambient => match &iam.role {
                Some(role) => Identity::Roles(vec![role]),
                None => Identity::Pawls,
            },
            _ => Identity::Own,
        }
    }

    fn claims(&self) -> Claims<'_> {
        let region = match &self.auth {
            Some(VaultAuth::Iam(iam)) => Some(iam.region.as_str()),
            _ => None,
        };
        let (server, headers) = (Some(self.server.as_str()), Some(&self.headers));
        Claims { region, server, authority: None, headers, values: None, is_refused: false }
    }

    fn withhold_values(&mut self) -> bool {
        false
    }
}

/// A path without slashes around it.
fn bare(path: &str) -> &str {
    path.trim_matches('/')
}

/// What of a path is below another one.
fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    path.strip_prefix(root)?.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(namespace: Option<&str>, path: Option<&str>, version: KvVersion) -> VaultStore {
        let text = |text: Option<&str>| text.map(str::to_owned);
        VaultStore { namespace: text(namespace), path: text(path), version, ..VaultStore::default() }
    }

    #[test]
    fn keys_are_named_by_namespace_mount_and_path() {
        use KvVersion::{V1, V2};
        for (namespace, path, version, declared, remote, local) in [
            (None, Some("secret"), V2, "app/db", "secret/app/db", "app/db"),
            (None, Some("secret"), V2, "secret/app/db", "secret/app/db", "app/db"),
            (None, Some("secret"), V2, "secret/data/app/db", "secret/app/db", "app/db"),
            (None, Some("secret"), V2, "data/app", "secret/data/app", "data/app"),
            (None, Some("/team/kv/"), V2, "/team/kv/data/app/", "team/kv/app", "app"),
            (None, Some("secret"), V1, "secret/data/app", "secret/data/app", "data/app"),
            (Some("ns1"), Some("secret"), V2, "app", "ns1/secret/app", "app"),
            (
                Some("/ns1/ns2/"),
                None,
                V1,
                "database/creds/app",
                "ns1/ns2/database/creds/app",
                "database/creds/app",
            ),
            (None, None, V2, "team/kv/data/app", "team/kv/data/app", "team/kv/data/app"),
            (None, None, V2, "secret/app", "secret/app", "secret/app"),
        ] {
            let store = store(namespace, path, version);
            assert_eq!(store.remote_key(declared), remote, "{namespace:?} {path:?} {declared}");
            assert_eq!(store.local_key(remote), local, "{namespace:?} {path:?} {remote}");
        }
    }

    #[test]
    fn a_key_and_the_audit_record_of_it_meet() {
        for (path, declared) in [
            (Some("secret"), "app/db"),
            (Some("secret"), "secret/data/app/db"),
            (None, "secret/app/db"),
            (None, "secret/data/app/db"),
        ] {
            let store = store(Some("ns1"), path, KvVersion::V2);
            let at = store.location();
            let declared = at.index_keys(&store.remote_key(declared));
            assert!(!declared.is_disjoint(&at.index_keys("ns1/secret/app/db")), "{path:?} {declared:?}");
            assert!(declared.is_disjoint(&at.index_keys("secret/app/db")), "of another namespace");
        }
    }

    #[test]
    fn searches_see_the_keys_that_eso_makes() {
        let find = |path: Option<&str>, name: &str| Find {
            path: path.map(str::to_owned),
            name: Some(name.to_owned()),
            ..Find::default()
        };
        let store = store(Some("ns1"), Some("secret"), KvVersion::V2);
        let backend = crate::store::Backend::from(store);
        for (path, pattern, name, found) in [
            (None, "^app/", "ns1/secret/app/db", true),
            (None, "^db", "ns1/secret/app/db", false),
            (None, "app", "ns1/other/app", false),
            (None, "app", "secret/app", false),
            (Some("app"), "^app/db$", "ns1/secret/app/db", true),
            (Some("app"), "db", "ns1/secret/apples/db", false),
            (Some("/app"), "^/app/db$", "ns1/secret/app/db", true),
            (Some("app"), "(", "ns1/secret/app/db", true),
        ] {
            let find = find(path, pattern);
            assert_eq!(backend.search(&find).finds(name), found, "{path:?} {pattern} {name}");
        }
    }

    #[test]
    fn without_a_mount_a_search_begins_with_it() {
        use KvVersion::{V1, V2};
        let of = |version, path: Option<&str>| {
            let find =
                Find { path: path.map(str::to_owned), name: Some("db$".to_owned()), ..Find::default() };
            (store(Some("ns1"), None, version), find)
        };
        for (version, path, name, found) in [
            (V2, "my_data/data/apps", "ns1/my_data/apps/db", true),
            (V2, "my_data/data/apps", "ns1/my_data/data/apps/db", true),
            (V2, "my_data/data/apps", "ns1/my_data/apps/x/db", true),
            (V2, "my_data/data/apps", "ns1/my_data/other/db", false),
            (V2, "my_data/data/apps", "my_data/apps/db", false),
            (V2, "kv/data", "ns1/kv/db", true),
            (V2, "kv/data", "ns1/kv/web", false),
            (V1, "kv/apps", "ns1/kv/apps/db", true),
            (V1, "kv/apps", "ns1/kv/db", false),
        ] {
            let (store, find) = of(version, Some(path));
            assert_eq!(store.refuses(&find), None, "{path}");
            let backend = crate::store::Backend::from(store);
            assert_eq!(backend.search(&find).finds(name), found, "{path} {name}");
        }
        for (version, path, said) in [
            (V2, None, "<mount>/data/<folder>"),
            (V2, Some("apps"), "<mount>/data/<folder>"),
            (V2, Some("my_data/apps"), "<mount>/data/<folder>"),
            (V1, None, "begin find.path with it"),
            (V1, Some("/"), "begin find.path with it"),
        ] {
            let (store, find) = of(version, path);
            assert!(store.refuses(&find).unwrap().contains(said), "{path:?}");
            let backend = crate::store::Backend::from(store);
            assert!(!backend.search(&find).finds("ns1/kv/db") || path == Some("/"), "{path:?}");
        }
    }
}
