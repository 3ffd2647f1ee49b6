//! Reads what stores need to prove an identity: Secrets, ConfigMaps, tokens of service accounts.

use crate::call::{CONFIG_MAPS, Call, SECRETS, SERVICE_ACCOUNTS, Verb, sealed};
use crate::connect::Link;
use crate::wire::{ConfigMap, Object, Secret, SecretText};
use pawl_domain::cluster::SecretKeyAt;
use pawl_domain::{Kind, Namespace, ObjectName, SecretValue, Step};
use pawl_ports::{ClusterIdentity, Error, WholeSecret};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// How long a token shall last, in seconds: it is traded at once, and API servers refuse less than 600.
const TOKEN_LIFE: u32 = 900;

pub(crate) async fn secret_key<I: ClusterIdentity>(
    link: &Link<I>,
    at: &SecretKeyAt,
) -> Result<SecretValue, Error> {
    let call = Call::new(Step::Authenticate, Verb::Get, &SECRETS)
        .namespace(at.namespace.as_str())
        .name(at.name.as_str());
    let secret: Secret = link.send(&call).await?.or_fail(&call, link.name())?.read(&call, link.name())?;
    secret.into_value(&at.key).ok_or_else(|| {
        let message =
            format!("cannot find secret data for key: {:?} in {}", at.key, call.subject(link.name()));
        Error::new(Step::Authenticate, Kind::NotFound, message)
    })
}

pub(crate) async fn secret<I: ClusterIdentity>(
    link: &Link<I>,
    namespace: &Namespace,
    name: &ObjectName,
) -> Result<WholeSecret, Error> {
    let call =
        Call::new(Step::Authenticate, Verb::Get, &SECRETS).namespace(namespace.as_str()).name(name.as_str());
    let secret: Secret = link.send(&call).await?.or_fail(&call, link.name())?.read(&call, link.name())?;
    Ok(secret.into_whole())
}

pub(crate) async fn config_map_key<I: ClusterIdentity>(
    link: &Link<I>,
    at: &SecretKeyAt,
) -> Result<String, Error> {
    let call = Call::new(Step::Authenticate, Verb::Get, &CONFIG_MAPS)
        .namespace(at.namespace.as_str())
        .name(at.name.as_str());
    let found: ConfigMap = link.send(&call).await?.or_fail(&call, link.name())?.read(&call, link.name())?;
    found.data.and_then(|mut data| data.remove(&at.key)).ok_or_else(|| {
        let message = format!("cannot find data for key: {:?} in {}", at.key, call.subject(link.name()));
        Error::new(Step::Authenticate, Kind::NotFound, message)
    })
}

pub(crate) async fn service_account<I: ClusterIdentity>(
    link: &Link<I>,
    namespace: &Namespace,
    name: &ObjectName,
) -> Result<BTreeMap<String, String>, Error> {
    let call = Call::new(Step::Authenticate, Verb::Get, &SERVICE_ACCOUNTS)
        .namespace(namespace.as_str())
        .name(name.as_str())
        .metadata_only();
    let object: Object = link.send(&call).await?.or_fail(&call, link.name())?.read(&call, link.name())?;
    Ok(object.metadata.annotations.unwrap_or_default())
}

pub(crate) async fn token<I: ClusterIdentity>(
    link: &Link<I>,
    namespace: &Namespace,
    name: &ObjectName,
    audiences: &[String],
) -> Result<SecretValue, Error> {
    let request = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": { "audiences": audiences, "expirationSeconds": TOKEN_LIFE },
    });
    let call = Call::new(Step::Authenticate, Verb::Create, &SERVICE_ACCOUNTS)
        .namespace(namespace.as_str())
        .name(name.as_str())
        .subresource("token")
        .body("application/json", sealed(&request, 512));
    let made: TokenRequest = link.send(&call).await?.or_fail(&call, link.name())?.read(&call, link.name())?;
    Ok(made.status.token.0)
}

#[derive(Deserialize)]
struct TokenRequest {
    status: TokenStatus,
}

#[derive(Deserialize)]
struct TokenStatus {
    token: SecretText,
}
