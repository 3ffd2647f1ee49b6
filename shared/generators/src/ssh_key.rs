//! Pairs of keys for SSH.

use crate::unusable;
use pawl_domain::SecretValue;
use pawl_domain::generator::{Curve, SshKeyGenerator, SshKeyType};
use pawl_domain::{Kind, Step};
use pawl_pki::ssh;
use pawl_ports::{Error, Generation};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Makes keys outside the async runtime, a few at a time: the primes of a large one take seconds.
pub(crate) struct Maker(Arc<Semaphore>);

/// How many are made at the same time.
const AT_ONCE: usize = 2;

impl Default for Maker {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Maker {
    pub(crate) async fn made(&self, spec: &SshKeyGenerator) -> Result<Generation, Error> {
        let SshKeyGenerator { kind, comment } = spec.clone();
        let turn = Arc::clone(&self.0).acquire_owned().await.map_err(|_| ended())?;
        let making = tokio::task::spawn_blocking(move || {
            // The turn ends with the thread, not with who waits for it.
            let _turn = turn;
            match kind {
                SshKeyType::Rsa(bits) => ssh::rsa(bits, &comment),
                SshKeyType::Ecdsa(curve) => ssh::ecdsa(name(curve), &comment),
                SshKeyType::Ed25519 => ssh::ed25519(&comment),
            }
        });
        let pair = making.await.map_err(|_| ended())?;
        let pair = pair.map_err(|error| unusable(format!("unable to generate SSH key: {error}")))?;
        let values = BTreeMap::from([
            ("privateKey".to_owned(), SecretValue::new(pair.private.as_slice())),
            ("publicKey".to_owned(), SecretValue::new(pair.public)),
        ]);
        Ok(Generation { values, expires: None })
    }
}

fn name(curve: Curve) -> &'static str {
    match curve {
        Curve::P256 => "P-256",
        Curve::P384 => "P-384",
        Curve::P521 => "P-521",
    }
}

fn ended() -> Error {
    Error::new(Step::Fetch, Kind::Transient, "the making of an SSH key ended; it is tried again")
}
