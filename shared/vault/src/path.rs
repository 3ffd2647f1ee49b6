//! Turns keys into paths of the API.

use pawl_domain::Kind;
use pawl_domain::store::{KvVersion, VaultStore};
use pawl_ports::Error;
use pawl_stores::kit::Call;

/// What of a key a path leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Branch {
    /// Its data.
    Data,
    /// What is known about it, and in listings the keys of a folder. KV version 1 keeps both in one place.
    Metadata,
}

/// The path of the API for a key as [`pawl_domain::Store::remote_key`] names it, without `/v1/` before it.
///
/// Source: ESO's Vault provider. Without a mount in the store, KV version 2 takes a part `data` of the key for the API's
/// own, and the key's first part for the mount where there is none.
pub(crate) fn of_key(store: &VaultStore, remote: &str, branch: Branch) -> String {
    let key = store.local_key(remote);
    match (store.mount(), store.version) {
        (Some(mount), KvVersion::V1) => joined(&[mount, key]),
        (Some(mount), KvVersion::V2) => joined(&[mount, branch.as_str(), key]),
        (None, KvVersion::V1) => key.to_owned(),
        (None, KvVersion::V2) => match (key.split_once("/data/"), key.split_once('/')) {
            (Some((mount, rest)), _) | (None, Some((mount, rest))) => joined(&[mount, branch.as_str(), rest]),
            (None, None) => joined(&[key, branch.as_str()]),
        },
    }
}

/// The path under which the keys of a folder are listed: one of the store's mount, or of the mount that the folder begins
/// with. [`VaultStore::refuses`] has turned away folders that begin with none.
pub(crate) fn of_folder(store: &VaultStore, folder: &str) -> String {
    match (store.version, store.mount()) {
        (KvVersion::V1, mount) => joined(&[mount.unwrap_or_default(), folder]),
        (KvVersion::V2, Some(mount)) => joined(&[mount, Branch::Metadata.as_str(), folder]),
        (KvVersion::V2, None) => {
            let folder = folder.trim_matches('/');
            let (mount, below) = VaultStore::mount_of(folder).unwrap_or((folder, ""));
            joined(&[mount, Branch::Metadata.as_str(), below])
        }
    }
}

/// The parts of a path. Empty ones do not count.
///
/// # Errors
/// `Invalid` for a part that leads elsewhere, for it would leave the store's mount.
pub(crate) fn parts<'p>(path: &'p str, call: &Call<'_>) -> Result<Vec<&'p str>, Error> {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| matches!(*part, "." | "..")) {
        return Err(call.error(Kind::Invalid, "a part of the path is . or ..; write the path out"));
    }
    Ok(parts)
}

impl Branch {
    fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Metadata => "metadata",
        }
    }
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<_> =
        parts.iter().map(|part| part.trim_matches('/')).filter(|part| !part.is_empty()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::store::Backend;

    /// From what is declared to what is asked. The rows with paths of two parts are the examples that ESO gives of its rule.
    #[test]
    fn paths_are_those_of_eso() {
        use KvVersion::{V1, V2};
        for (path, version, key, data, metadata) in [
            (Some("secret/path"), V2, "foo", "secret/path/data/foo", "secret/path/metadata/foo"),
            (Some("secret/path"), V1, "foo", "secret/path/foo", "secret/path/foo"),
            (Some("secret/path"), V2, "secret/path/foo", "secret/path/data/foo", "secret/path/metadata/foo"),
            (
                Some("secret/path"),
                V2,
                "secret/path/data/foo",
                "secret/path/data/foo",
                "secret/path/metadata/foo",
            ),
            (Some("secret/path"), V1, "secret/path/foo", "secret/path/foo", "secret/path/foo"),
            (None, V2, "secret/path/foo", "secret/data/path/foo", "secret/metadata/path/foo"),
            (None, V2, "secret/path/data/foo", "secret/path/data/foo", "secret/path/metadata/foo"),
            (None, V1, "secret/path/foo", "secret/path/foo", "secret/path/foo"),
            (None, V2, "secret", "secret/data", "secret/metadata"),
            (Some("secret"), V2, "data/foo", "secret/data/data/foo", "secret/metadata/data/foo"),
            (Some("/secret/"), V2, "/foo/", "secret/data/foo", "secret/metadata/foo"),
            (None, V1, "database/creds/app", "database/creds/app", "database/creds/app"),
        ] {
            for namespace in [None, Some("ns1/ns2")] {
                let store = VaultStore {
                    path: path.map(str::to_owned),
                    namespace: namespace.map(str::to_owned),
                    version,
                    ..VaultStore::default()
                };
                let remote = remote_key(&store, key);
                assert_eq!(of_key(&store, &remote, Branch::Data), data, "{path:?} {key}");
                assert_eq!(of_key(&store, &remote, Branch::Metadata), metadata, "{path:?} {key}");
            }
        }
    }

    #[test]
    fn folders_are_listed_below_the_mount() {
        let store = |path: Option<&str>, version| VaultStore {
            path: path.map(str::to_owned),
            version,
            ..VaultStore::default()
        };
        let v2 = store(Some("secret"), KvVersion::V2);
        assert_eq!(of_folder(&v2, ""), "secret/metadata");
        assert_eq!(of_folder(&v2, "/app/"), "secret/metadata/app");
        assert_eq!(of_folder(&store(Some("kv"), KvVersion::V1), "app"), "kv/app");
        let without = store(None, KvVersion::V2);
        // A mount whose name has `data` in it keeps its name.
        assert_eq!(of_folder(&without, "my_data/data/apps"), "my_data/metadata/apps");
        assert_eq!(of_folder(&without, "kv/data"), "kv/metadata");
        assert_eq!(of_folder(&without, "kv/data/x/data/y"), "kv/metadata/x/data/y");
        assert_eq!(of_folder(&store(None, KvVersion::V1), "kv/apps"), "kv/apps");
    }

    fn remote_key(store: &VaultStore, key: &str) -> String {
        Backend::from(store.clone()).found_key(key)
    }
}
