//! Generators: what makes values instead of reading them. One module per kind.
//!
//! | module | makes |
//! |---|---|
//! | `cloudsmith`, `github`, `quay` | tokens, by one call to a server |
//! | `fake` | what stands in its manifest |
//! | `mfa` | the code of the moment of a second factor |
//! | `password` | passwords |
//! | `random` | chance, for the others |
//! | `server` | the call to a server, for the others |
//! | `ssh_key` | a pair of keys for SSH |
//! | `uuid` | a random UUID |
//!
//! What servers make that adapters of stores ask as well, these adapters make: `pawl_aws`, `pawl_stores`, `pawl_vault`.
//!
//! What is made is handed on and kept nowhere. When something is made, the flow decides (`pipeline`).

mod cloudsmith;
mod fake;
mod github;
mod mfa;
mod password;
mod quay;
mod random;
mod server;
mod ssh_key;
mod uuid;

use pawl_domain::{Access, Generator, GeneratorKind, Kind, Step};
use pawl_ports::{Answer, Clock, ClusterCredentials, Error, Generation, Generators};
use std::fmt;
use std::sync::Arc;

/// The generators that ask nobody but the cluster whose Secrets they are made of, and those that trade these for a token.
pub struct OwnGenerators<C> {
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    keys: ssh_key::Maker,
}

impl<C: ClusterCredentials> OwnGenerators<C> {
    /// Generators that read Secrets from `clusters`. The clock tells the moment whose code is made.
    pub fn new(clusters: Arc<C>, clock: Arc<dyn Clock>) -> Self {
        Self { clusters, clock, keys: ssh_key::Maker::default() }
    }

    async fn made(&self, access: &Access) -> Result<Generation, Error> {
        let generator = access.backend.as_generator();
        let generator = generator.ok_or_else(|| unusable("a generator was asked for what is none"))?;
        let (clusters, now) = (&*self.clusters, self.clock.now());
        match generator {
            Generator::Cloudsmith(spec) => cloudsmith::made(spec, access, clusters).await,
            Generator::Github(spec) => github::made(spec, access, clusters, now).await,
            Generator::Quay(spec) => quay::made(spec, access, clusters).await,
            Generator::Fake(spec) => Ok(fake::made(spec)),
            Generator::Mfa(spec) => mfa::made(spec, access, clusters, now).await,
            Generator::Password(spec) => password::made(spec),
            Generator::SshKey(spec) => self.keys.made(spec).await,
            Generator::Uuid => uuid::made(),
            Generator::Acr(_)
            | Generator::Ecr(_)
            | Generator::Gcr(_)
            | Generator::Sts(_)
            | Generator::Vault(_)
            | Generator::Webhook(_) => Err(unusable("the adapter of its server makes it, and nobody here")),
        }
    }
}

impl<C: ClusterCredentials> Generators for OwnGenerators<C> {
    fn kinds(&self) -> Vec<GeneratorKind> {
        vec![
            GeneratorKind::CloudsmithAccessToken,
            GeneratorKind::Fake,
            GeneratorKind::GithubAccessToken,
            GeneratorKind::Mfa,
            GeneratorKind::Password,
            GeneratorKind::QuayAccessToken,
            GeneratorKind::SshKey,
            GeneratorKind::Uuid,
        ]
    }

    fn generate<'a>(&'a self, access: &'a Access) -> Answer<'a, Result<Generation, Error>> {
        Box::pin(self.made(access))
    }
}

impl<C> fmt::Debug for OwnGenerators<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnGenerators").finish_non_exhaustive()
    }
}

/// Nothing can be made as it is.
fn unusable(message: impl Into<String>) -> Error {
    Error::new(Step::Fetch, Kind::Invalid, message)
}
