//! Delinea DevOps Secrets Vault.

use crate::kit::{Adapter, Ask, Asked, Dialect, Material, Proof, Proving, Refusals, Rest, Server, together};
use pawl_domain::parts::Parts;
use pawl_domain::store::{Backend, DelineaStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue, VersionSelector, entries};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Delinea DevOps Secrets Vault as [`Sources`](pawl_ports::Sources).
///
/// The client needs the action `read` on the paths of the secrets. Each is one call; nothing tells of changes without values.
/// That a secret does not exist counts where the vault says so in its own words, which it does of paths that may be read.
pub type DelineaSources<C> = Adapter<Delinea, C>;

/// What is particular to DevOps Secrets Vault.
#[derive(Debug, Default)]
pub struct Delinea;

#[derive(Deserialize)]
struct Secret<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

const LOGIN: Refusals = Refusals::of_login("the client was refused; check clientId and clientSecret");
const REFUSALS: Refusals = Refusals {
    token: "the token was refused; check clientId and clientSecret",
    rights: "access denied; give the client the action read on the path",
    unseen: "there is no such vault or path; check tenant, tld and urlTemplate",
    absent: |reply| {
        let said = reply.object().map(|failure: Failure| failure.message);
        reply.status.as_u16() == 404
            && said.as_deref() == Some("unable to find item with specified identifier")
    },
    passing: None,
};

impl Dialect for Delinea {
    type Spec = DelineaStore;
    type Session = Rest;

    const PROVIDER: Provider = Provider::Delinea;

    fn spec(backend: &Backend) -> Option<&DelineaStore> {
        backend.as_delinea()
    }

    fn server<'a>(&'a self, spec: &'a DelineaStore) -> Server<'a> {
        Server { provider: Self::PROVIDER, address: &spec.url, field: "tenant" }
    }

    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Rest>, Error> {
        let Proving { proofs, spec, last, .. } = &proving;
        let id = proofs.given(&spec.client_id).await?;
        let secret = SecretValue::new(proofs.text(&spec.client_secret).await?);
        let last = last.as_ref().map(|last| &last.link);
        let rest = Rest::new(proving.link(proofs.server, Material::default(), last).await?);
        let secret = secret.expose_str().unwrap_or_default();
        let body = json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": secret });
        let body = SecretValue::new(body.to_string());
        let ask = Ask { method: Method::POST, body: Some(&body), ..Ask::get(&["token"], &[]) };
        let call = proving.call(proofs.server);
        let token = rest.bearer(&call, &ask, &LOGIN).await?;
        Ok(proving.lasting(rest.with(AUTHORIZATION, &token.value, &call)?, token.life))
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let read = async |one: &Wanted| {
            let call = asked.call("secret", &one.key);
            if one.selector != VersionSelector::Current {
                return Err(call.error(Kind::Invalid, "versions cannot be read; leave version out"));
            }
            let path: Vec<&str> = std::iter::once("secrets").chain(one.key.split('/')).collect();
            let reply = asked.session.taken(&call, &Ask::get(&path, &[]), &REFUSALS).await?;
            let secret: Secret<'_> = reply.object().ok_or_else(|| call.unreadable())?;
            let parts = parts(secret.data).ok_or_else(|| call.unreadable())?;
            Ok(asked.digested(parts.to_value()))
        };
        Ok(together(asked.session.link.bounds(), wanted.iter().map(read)).await)
    }
}

/// What a secret gives: its data as Go writes it, in which properties are paths. `extract` has no use for one. Without data it
/// is nothing.
fn parts(data: Option<&RawValue>) -> Option<Parts> {
    let Some(data) = data.filter(|data| data.get() != "null") else {
        let (whole, every) = (Some(SecretValue::new("")), Some(BTreeMap::new()));
        return Some(Parts { whole, ignores_properties: true, every, ..Parts::default() });
    };
    let document = entries::object(data.get().as_bytes()).ok()?;
    Some(Parts { whole: Some(document.clone()), document: Some(document), ..Parts::default() })
}
