//! What a dialect is given: with [`Proving`] it proves an identity, with [`Asked`] it asks.

use super::{Bounds, Call, Dialect, Link, Material, PlainHttp, Proof, Proofs, Server};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::{DigestKey, Fetched, SecretValue, Step, Version};
use pawl_ports::{ClusterCredentials, Error};
use std::sync::Arc;

/// What stands in Secrets is read again after this time, so that rotating it needs nobody to tell Pawl.
pub const READ_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// What an identity is proven with.
pub struct Proving<'a, C, D: Dialect> {
    /// What stands in the identity's cluster.
    pub proofs: Proofs<'a, C>,
    /// The spec, as [`Dialect::identity`] left it.
    pub spec: &'a D::Spec,
    /// The last session, which may be of use.
    pub last: Option<Arc<D::Session>>,
    /// The present time.
    pub now: Timestamp,
    /// The bounds of every call.
    pub bounds: &'a Bounds,
}

impl<C: ClusterCredentials, D: Dialect> Proving<'_, C, D> {
    /// A connection, over TLS unless the operator lists the server; the last one where it is made of the same.
    ///
    /// # Errors
    /// As for [`Link::kept`].
    pub async fn link(
        &self,
        server: Server<'_>,
        material: Material,
        last: Option<&Arc<Link>>,
    ) -> Result<Arc<Link>, Error> {
        let (reach, plain) = (&self.proofs.access.grant.reach, PlainHttp::Listed);
        Link::kept(last, server, material, self.bounds, reach, plain).await
    }

    /// A call that is part of proving the identity.
    pub fn call<'s>(&'s self, server: Server<'s>) -> Call<'s> {
        Call { step: Step::Authenticate, server, action: "login", subject: "login" }
    }

    /// A proof by what stands in Secrets.
    pub fn of_secrets(&self, session: D::Session) -> Proof<D::Session> {
        self.lasting(session, READ_AGAIN)
    }

    /// A proof that is good for some time.
    pub fn lasting(&self, session: D::Session, life: SignedDuration) -> Proof<D::Session> {
        let until = self.now.saturating_add(life).unwrap_or(self.now);
        Proof { session: Arc::new(session), since: self.now, until }
    }
}

/// A proven identity that asks one store.
pub struct Asked<'a, D: Dialect> {
    /// What is particular to such stores.
    pub dialect: &'a D,
    /// The store.
    pub spec: &'a D::Spec,
    /// The session.
    pub session: Arc<D::Session>,
    /// The present time.
    pub now: Timestamp,
    /// The step of the flow that it asks for.
    pub(super) step: Step,
    pub(super) digest_key: &'a DigestKey,
}

impl<D: Dialect> Asked<'_, D> {
    /// A call of the store's server.
    pub fn call<'c>(&'c self, action: &'static str, subject: &'c str) -> Call<'c> {
        self.call_of(self.dialect.server(self.spec), action, subject)
    }

    /// A call of another server.
    pub fn call_of<'c>(&self, server: Server<'c>, action: &'static str, subject: &'c str) -> Call<'c> {
        Call { step: self.step, server, action, subject }
    }

    /// A value of which nothing else tells the version: a digest under the ledger's key does, for it is remembered and must not
    /// tell the value.
    pub fn digested(&self, value: SecretValue) -> Fetched {
        let id = self.digest_key.parts().with(value.expose()).digest();
        self.versioned(value, Version { id, since: None })
    }

    /// A value in this version.
    pub fn versioned(&self, value: SecretValue, version: Version) -> Fetched {
        Fetched { provider: D::PROVIDER, value, version, labels: Vec::new() }
    }
}
