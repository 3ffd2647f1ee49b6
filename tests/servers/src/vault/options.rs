use super::AuditDevice;

/// How a [`VaultDouble`](super::VaultDouble) is started. By default: plain HTTP, a root token of its own, an audit log in memory.
#[derive(Debug, Clone)]
pub struct VaultOptions {
    pub(crate) root_token: String,
    pub(crate) tls: bool,
    pub(crate) devices: Vec<AuditDevice>,
}

impl Default for VaultOptions {
    fn default() -> Self {
        let root_token = format!("s.{}", super::ids::base62(24));
        Self { root_token, tls: false, devices: vec![AuditDevice::memory()] }
    }
}

impl VaultOptions {
    /// Speaks TLS, and takes certificates of clients.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// The root token's id.
    #[must_use]
    pub fn root_token(mut self, token: &str) -> Self {
        token.clone_into(&mut self.root_token);
        self
    }

    /// The audit devices, instead of the memory. With none there is no audit log; with some, a request fails that none of them takes.
    #[must_use]
    pub fn audit(mut self, devices: impl IntoIterator<Item = AuditDevice>) -> Self {
        self.devices = devices.into_iter().collect();
        self
    }
}
