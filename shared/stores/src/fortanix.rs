//! Fortanix Data Security Manager. Source: Fortanix's client, version 0.4, and ESO's provider, version 2.9.

use crate::kit::{Api, Ask, Door, OneServer, OneServerSources, Proofs, Proven, Server, sealed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::{Backend, FortanixStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

/// Fortanix as [`Sources`](pawl_ports::Sources): two calls for a secret, one for any other security object. That one is not
/// there, Fortanix does not say in a way that a lost right could not be told from.
pub type FortanixSources<C> = OneServerSources<Fortanix, C>;

/// How Fortanix is asked.
#[derive(Debug)]
pub struct Fortanix;

const RIGHT: &str = "an app with the permission Export in the group of the security object";

impl OneServer for Fortanix {
    type Spec = FortanixStore;
    type Proof = SecretValue;
    const PROVIDER: Provider = Provider::Fortanix;

    fn spec(backend: &Backend) -> Option<&FortanixStore> {
        backend.as_fortanix()
    }

    fn server(spec: &FortanixStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.api_url, field: "apiUrl" }
    }

    fn identity(spec: &FortanixStore) -> FortanixStore {
        spec.clone()
    }

    async fn prove<C: ClusterCredentials>(
        spec: &FortanixStore,
        proofs: &Proofs<'_, C>,
        _: &Door<'_>,
    ) -> Result<Proven<SecretValue>, Error> {
        let key = proofs.secret(&spec.api_key).await?;
        Ok(Proven::by_secret(SecretValue::new([b"Basic ", key.expose()].concat())))
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, |one| api.value(&one.key)).await
    }
}

#[derive(Deserialize)]
struct SecurityObject {
    kid: Option<String>,
    obj_type: Option<String>,
    value: Option<String>,
}

impl Api<'_, Fortanix> {
    async fn value(&self, key: &str) -> Result<Fetched, Error> {
        let call = self.call("object", key);
        let mut object = self.post(key, "info", json!({ "name": key })).await?;
        if object.obj_type.as_deref() == Some("SECRET") {
            let kid = object.kid.ok_or_else(|| call.unreadable())?;
            object = self.post(key, "export", json!({ "kid": kid })).await?;
        }
        let Some(value) = object.value else {
            let what = "it has no value that can be read; it must be a secret, or an object whose value may be exported";
            return Err(call.error(Kind::Invalid, what));
        };
        let value = STANDARD.decode(value).map_err(|_| call.unreadable())?;
        Ok(self.digested(SecretValue::new(value)))
    }

    async fn post(&self, key: &str, what: &str, body: Value) -> Result<SecurityObject, Error> {
        let call = self.call("object", key);
        let headers = HeaderMap::from_iter([(AUTHORIZATION, sealed(self.proof(), &call)?)]);
        let body = SecretValue::new(body.to_string());
        let ask = Ask::post(vec!["crypto", "v1", "keys", what], headers, &body, self.link().bounds());
        self.json(&call, ask, |call, reply| call.refused(reply, RIGHT)).await
    }
}
