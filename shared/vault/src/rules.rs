//! What differs between providers that read the same engines.

use pawl_domain::store::VaultStore;
use pawl_domain::{Access, Provider};
use pawl_stores::kit::Server;

/// What differs between stores of the same KV engine, because ESO reads them with clients of their own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rules {
    /// Whose rules they are, for messages, metrics and answers.
    pub(crate) provider: Provider,
    /// Whether `metadataPolicy: Fetch` reads what the engine knows about a key; otherwise it reads the value.
    pub(crate) metadata: bool,
    /// Whether a `version` has no effect in KV version 1; otherwise it is refused.
    pub(crate) ignores_version: bool,
    /// Whether searches look into folders.
    pub(crate) folders: bool,
    /// Whether a search's names begin with `find.path` as it is written; otherwise they are keys of the store.
    pub(crate) written_path: bool,
}

/// Source: ESO's Vault provider, version 2.9.
const VAULT: Rules = Rules {
    provider: Provider::Vault,
    metadata: true,
    ignores_version: true,
    folders: true,
    written_path: true,
};

/// Source: ESO's OpenBao provider, version 2.9. It reads the folders that it finds as if they were keys, and below `find.path` the
/// keys of the same name at the root; both fail or give something else than was meant, so that is left out.
const OPEN_BAO: Rules = Rules {
    provider: Provider::OpenBao,
    metadata: false,
    ignores_version: false,
    folders: false,
    written_path: false,
};

impl Rules {
    /// What messages call the server of a store.
    pub(crate) fn server(self, store: &VaultStore) -> Server<'_> {
        Server { provider: self.provider, address: &store.server, field: "server" }
    }

    /// The rules of the store that is read.
    pub(crate) fn of(access: &Access) -> &'static Self {
        if access.backend.as_open_bao().is_some() { &OPEN_BAO } else { &VAULT }
    }
}
