//! The code of the moment of a second factor.

use crate::unusable;
use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::generator::MfaGenerator;
use pawl_domain::{Access, Kind, SecretValue, Step};
use pawl_ports::{ClusterCredentials, Error, Generation};
use std::collections::BTreeMap;

pub(crate) async fn made<C: ClusterCredentials>(
    spec: &MfaGenerator,
    access: &Access,
    clusters: &C,
    now: Timestamp,
) -> Result<Generation, Error> {
    let seed = seed(spec, access, clusters).await?;
    let code = spec.code(now);
    let key = MfaGenerator::key(seed.expose()).map_err(|why| {
        unusable(format!(
            "failed to generate code for token key: {why} (key {:?} of Secret {})",
            spec.seed.key, spec.seed.name
        ))
    })?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &code.counter);
    // Codes of SHA-1 have twenty bytes.
    let mac: [u8; 20] = tag.as_ref().try_into().map_err(|_| unusable("SHA-1 gave no twenty bytes"))?;
    let values = BTreeMap::from([
        ("token".to_owned(), SecretValue::new(spec.digits(mac).as_bytes())),
        ("timeLeft".to_owned(), SecretValue::new(code.seconds_left.to_string())),
    ]);
    let left = SignedDuration::from_secs(code.seconds_left);
    let expires = if spec.when.is_none() { now.checked_add(left).ok() } else { None };
    Ok(Generation { values, expires })
}

async fn seed<C: ClusterCredentials>(
    spec: &MfaGenerator,
    access: &Access,
    clusters: &C,
) -> Result<SecretValue, Error> {
    let (Some(cluster), Some(namespace)) = (&access.cluster, &access.namespace) else {
        return Err(unusable("no cluster to read the seed from"));
    };
    let (namespace, name, key) = (namespace.clone(), spec.seed.name.clone(), spec.seed.key.clone());
    let place = format!("key {key:?} of Secret {namespace}/{name}");
    clusters.secret_key(cluster, &SecretKeyAt { namespace, name, key }).await.map_err(|error| {
        // That the seed is missing says nothing of what is read.
        let kind = if error.kind == Kind::NotFound { Kind::Invalid } else { error.kind };
        let message = format!("failed to find secret for token key: {place} of cluster {cluster}: {error}");
        Error::new(Step::Authenticate, kind, message).caused_by(error)
    })
}
