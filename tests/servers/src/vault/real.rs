use super::VaultApi;
use crate::{Error, Result};
use std::{fmt, path::PathBuf};

/// A Vault or OpenBao that somebody runs and lets tests use. They make mounts and namespaces of their own in it and take them away.
pub struct RealVault {
    api: VaultApi,
}

impl RealVault {
    /// The server that `VAULT_ADDR` and `VAULT_TOKEN` name, with the authority in the file `VAULT_CACERT` if there is one. None when either is
    /// not set or empty. The token must be allowed everything.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read, [`Error::Unreachable`] when it holds no certificate.
    pub fn from_env() -> Result<Option<Self>> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let (Some(address), Some(token)) = (set("VAULT_ADDR"), set("VAULT_TOKEN")) else { return Ok(None) };
        let authority = set("VAULT_CACERT").map(PathBuf::from);
        let authority = authority.map(std::fs::read_to_string).transpose();
        let authority = authority.map_err(Error::io("cannot read the file that VAULT_CACERT names"))?;
        let [address, token] = [address, token].map(|value| value.to_string_lossy().into_owned());
        Ok(Some(Self { api: VaultApi::trusting(&address, &token, authority.as_deref())? }))
    }

    /// A client with the token.
    #[must_use]
    pub fn api(&self) -> &VaultApi {
        &self.api
    }
}

impl fmt::Debug for RealVault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RealVault").field("address", &self.api.address()).finish_non_exhaustive()
    }
}
