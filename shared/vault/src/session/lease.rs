//! A token that a login gave: renewed while the server lets it, revoked once nobody uses it.

use crate::answer::{self, Auth};
use crate::call::{RENEW, REVOKE};
use crate::link::{Ask, Link};
use pawl_domain::{Provider, SecretValue, Step};
use pawl_stores::kit::{Call, Server};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One token. Dropping the last holder revokes it, in the background and without a word if that fails: it ends anyway.
#[derive(Debug)]
pub(super) struct Lease {
    token: Arc<Token>,
    /// How long it was given for, in seconds.
    granted: u64,
    renewable: bool,
}

#[derive(Debug)]
struct Token {
    link: Arc<Link>,
    secret: SecretValue,
    namespace: Option<String>,
    provider: Provider,
    address: String,
    /// There is nothing to revoke any more, or nothing that can be revoked.
    over: AtomicBool,
}

impl Lease {
    /// The token that the login `call` gave.
    pub(super) fn new(auth: &Auth, link: Arc<Link>, namespace: Option<&str>, call: &Call<'_>) -> Self {
        let token = Token {
            link,
            secret: SecretValue::new(auth.client_token.as_str()),
            namespace: namespace.map(str::to_owned),
            provider: call.server.provider,
            address: call.server.address.to_owned(),
            // Batch tokens are kept nowhere, so there is nothing to revoke.
            over: AtomicBool::new(auth.token_type == "batch"),
        };
        Self { token: Arc::new(token), granted: auth.lease_duration, renewable: auth.renewable }
    }

    pub(super) fn token(&self) -> &SecretValue {
        &self.token.secret
    }

    /// The server does not know the token any more.
    pub(super) fn is_over(&self) {
        self.token.over.store(true, Ordering::Relaxed);
    }

    /// Asks for more time and gives back how many seconds there are now. `None` when it is better to log in anew: the token
    /// cannot be renewed, the server does not do it, or it is near the longest life that it may have.
    pub(super) async fn renew(&self) -> Option<u64> {
        if !self.renewable || self.token.over.load(Ordering::Relaxed) {
            return None;
        }
        let auth = self.token.renew().await?;
        (auth.renewable && auth.lease_duration >= self.granted / 2).then_some(auth.lease_duration)
    }

    /// Revokes the token, unless that has been done.
    pub(super) async fn revoke(&self) {
        self.token.revoke().await;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.token.over.load(Ordering::Relaxed) {
            return;
        }
        // Outside a runtime the process is about to end, and the token ends by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let token = Arc::clone(&self.token);
            runtime.spawn(async move { token.revoke().await });
        }
    }
}

impl Token {
    async fn renew(&self) -> Option<Auth> {
        let call = self.call(RENEW);
        let body = SecretValue::new("{}");
        let ask = Ask::post("auth/token/renew-self", &body);
        let renewed = async { answer::auth(&call, &self.link.send(&call, &self.mine(ask)).await?) }.await;
        call.counted(renewed).ok()
    }

    async fn revoke(&self) {
        if self.over.swap(true, Ordering::Relaxed) {
            return;
        }
        let call = self.call(REVOKE);
        let body = SecretValue::new("{}");
        let ask = Ask::post("auth/token/revoke-self", &body);
        if let Err(error) = call.counted(self.link.send(&call, &self.mine(ask)).await) {
            tracing::debug!("a token is left to end by itself: {error}");
        }
    }

    fn mine<'a>(&'a self, ask: Ask<'a>) -> Ask<'a> {
        Ask { namespace: self.namespace.as_deref(), token: Some(&self.secret), ..ask }
    }

    fn call(&self, action: &'static str) -> Call<'_> {
        let server = Server { provider: self.provider, address: &self.address, field: "server" };
        Call { step: Step::Authenticate, server, action, subject: "own token" }
    }
}
