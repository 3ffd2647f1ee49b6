//! What engines of Vault make.

use crate::store::VaultStore;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// `spec` of a VaultDynamicSecret. Its parameters may be anything, so Debug does not show them.
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct VaultGenerator {
    /// `provider`: the server and the identity. It reads no keys, so that neither mount nor version of an engine has a say.
    pub server: VaultStore,
    /// `path`: of the API, without `/v1/`.
    pub path: String,
    /// `method`.
    pub method: VaultMethod,
    /// `parameters`: the body of a write, as a JSON object.
    pub parameters: String,
    /// `getParameters`: the query of a read.
    pub query: BTreeMap<String, Vec<String>>,
    /// `resultType`.
    pub result: VaultResult,
    /// `allowEmptyResponse`.
    pub allows_empty: bool,
}

impl VaultGenerator {
    /// Leases may be of any length, and each answer tells its own. What lives for so long or longer is made anew in time.
    pub(super) const LIFETIME: Duration = Duration::from_secs(20 * 60);
}

/// How the path is asked.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum VaultMethod {
    /// A read.
    #[default]
    Read,
    /// A list.
    List,
    /// A delete.
    Delete,
    /// A write, which is what every other method means.
    Write,
}

/// What of an answer becomes values.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum VaultResult {
    /// The members of `data`.
    #[default]
    Data,
    /// The members of `auth`.
    Auth,
    /// The members of the whole answer.
    Raw,
}

impl fmt::Debug for VaultGenerator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultGenerator")
            .field("server", &self.server)
            .field("path", &self.path)
            .field("method", &self.method)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}
