//! `spec.provider.openBao`: KV engines of an OpenBao.

use super::spec::{Claims, Identity, Spec};
use super::{KvVersion, VaultStore};
use crate::key::Location;
use crate::name::Namespace;
use crate::provider::{Capabilities, Provider};
use crate::query::Find;
use serde::{Deserialize, Serialize};

/// `spec.provider.openBao` of a store. Source: ESO's CRD, version 2.9. All its fields are Vault's as well, and its engine is
/// asked as one of Vault; the rules for keys and searches are its own.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct OpenBaoStore(VaultStore);

/// The mount where the manifest names none.
const DEFAULT_MOUNT: &str = "kv";

impl OpenBaoStore {
    /// A store that reads this engine; without a path, the one at `kv`.
    pub fn new(engine: VaultStore) -> Self {
        let path = engine.path.or_else(|| Some(DEFAULT_MOUNT.to_owned()));
        Self(VaultStore { path, ..engine })
    }

    /// The engine. It has a path.
    pub fn engine(&self) -> &VaultStore {
        &self.0
    }
}

impl Spec for OpenBaoStore {
    fn location(&self) -> Location {
        Location { provider: Provider::OpenBao, ..self.0.location() }
    }

    fn capabilities(&self) -> Capabilities {
        let versions = self.0.version == KvVersion::V2;
        Capabilities { versions, reads_values: !versions, ..Provider::OpenBao.profile().capabilities }
    }

    /// `<namespace>/<mount>/<path>`. A key is below the mount, however it begins.
    fn remote_key(&self, key: &str) -> String {
        let parts = [self.0.key_namespace(), self.0.mount(), Some(bare(key))];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    }

    fn found_key(&self, name: &str) -> String {
        self.remote_key(name)
    }

    fn found_name(&self, key: &str) -> String {
        bare(key).to_owned()
    }

    fn listed_name(&self, key: &str) -> String {
        self.remote_key(key)
    }

    /// Whether a key stands in the folder that is searched itself, and its path below the mount is `named`.
    fn finds(&self, find: &Find, named: &dyn Fn(&str) -> bool, name: &str) -> bool {
        let root = self.remote_key("");
        let Some(key) = bare(name).strip_prefix(root.as_str()) else { return false };
        let start = find.path.as_deref().map(bare).filter(|start| !start.is_empty());
        let below = match start {
            Some(start) => key.strip_prefix(start).and_then(|rest| rest.strip_prefix('/')),
            None => Some(key),
        };
        below.is_some_and(|below| !below.contains('/')) && named(key)
    }

    fn refuses(&self, find: &Find) -> Option<&'static str> {
        match find {
            Find { tags, .. } if !tags.is_empty() => Some("stores of openBao know no tags; search by name"),
            Find { name: None, .. } => Some("stores of openBao are searched by name; write find.name.regexp"),
            Find { .. } => None,
        }
    }

    fn proofs(&self) -> Vec<Option<&Namespace>> {
        self.0.proofs()
    }

    fn tells_tenants_apart(&self) -> bool {
        self.0.tells_tenants_apart()
    }

    fn identity(&self) -> Identity<'_> {
        self.0.identity()
    }

    fn claims(&self) -> Claims<'_> {
        self.0.claims()
    }

    fn withhold_values(&mut self) -> bool {
        self.0.withhold_values()
    }
}

/// A path without slashes around it.
fn bare(path: &str) -> &str {
    path.trim_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Backend;

    fn store(namespace: Option<&str>, path: Option<&str>) -> Backend {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let engine = VaultStore { namespace: text(namespace), path: text(path), ..VaultStore::default() };
        OpenBaoStore::new(engine).into()
    }

    #[test]
    fn keys_are_below_the_mount_however_they_begin() {
        for (namespace, path, declared, remote) in [
            (None, None, "app/db", "kv/app/db"),
            (None, Some("secret"), "/app/db/", "secret/app/db"),
            (None, Some("secret"), "secret/app", "secret/secret/app"),
            (None, Some("secret"), "data/app", "secret/data/app"),
            (Some("/ns1/ns2/"), Some("/team/kv/"), "app", "ns1/ns2/team/kv/app"),
        ] {
            let store = store(namespace, path);
            assert_eq!(store.spec().remote_key(declared), remote);
            let engine = store.as_engine().unwrap();
            assert_eq!(engine.local_key(remote), declared.trim_matches('/'), "{declared} is asked for");
        }
    }

    #[test]
    fn an_audit_record_of_either_server_finds_its_declarations() {
        let (bao, vault) = (store(None, None).location(), VaultStore::default().location());
        assert!(bao != vault && bao.agrees_with(&vault));
        assert_eq!(bao.index_keys("kv/app/db"), vault.index_keys("kv/app/db"));
        assert_eq!(bao.search_key(), vault.search_key());
    }

    #[test]
    fn searches_see_one_folder() {
        let find = |path: Option<&str>, name: &str| Find {
            path: path.map(str::to_owned),
            name: Some(name.to_owned()),
            ..Find::default()
        };
        let store = store(Some("ns1"), Some("kv"));
        for (path, pattern, name, found) in [
            (None, "^a", "ns1/kv/app", true),
            (None, "app", "ns1/kv/team/app", false),
            (None, "app", "kv/app", false),
            (Some("team"), "app$", "ns1/kv/team/app", true),
            (Some("/team/"), "^team/app$", "ns1/kv/team/app", true),
            (Some("team"), "app", "ns1/kv/app", false),
            (Some("team"), "app", "ns1/kv/teams/app", false),
            (Some("team"), "app", "ns1/kv/team/deep/app", false),
        ] {
            let find = find(path, pattern);
            assert_eq!(store.search(&find).finds(name), found, "{path:?} {pattern} {name}");
        }
        let tagged = Find { tags: [("a".to_owned(), "b".to_owned())].into(), ..find(None, "a") };
        assert!(store.refuses(&tagged).is_some() && store.refuses(&Find::default()).is_some());
    }
}
