//! Delinea DevOps Secrets Vault.

use crate::kit::{Ask, Asking, Call, Dialect, Material, Prover, Refusals, Rest, Server, of, together};
use jiff::SignedDuration;
use pawl_domain::parts::Parts;
use pawl_domain::store::{DelineaStore, Given};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, Step, VersionSelector, entries};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stores of Delinea DevOps Secrets Vault.
///
/// The client needs the action `read` on the paths of the secrets. Each is one call; nothing tells of changes without values.
/// That a secret does not exist counts where the vault says so in its own words, which it does of paths that may be read.
#[derive(Debug)]
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
    const PROVIDER: Provider = Provider::Delinea;
    type Session = Rest;

    async fn prove<C: ClusterCredentials>(
        proving: Prover<'_, C>,
        last: Option<Arc<Rest>>,
    ) -> Result<(Rest, SignedDuration), Error> {
        let store = of::<Self, _>(proving.access, |backend| backend.as_delinea())?;
        let (server, proofs) = (server(store), proving.proofs(server(store)));
        let id = match &store.client_id {
            Given::Written(id) => id.clone(),
            Given::At(at) => proofs.text(at).await?,
        };
        let secret = SecretValue::new(proofs.text(&store.client_secret).await?);
        let link = proving.link(server, Material::default(), last.as_ref().map(|last| &last.link)).await?;
        let call = Call { step: Step::Authenticate, server, action: "login", subject: "login" };
        let secret = secret.expose_str().unwrap_or_default();
        let body = json!({ "grant_type": "client_credentials", "client_id": id, "client_secret": secret });
        let body = SecretValue::new(body.to_string());
        let ask = Ask { method: Method::POST, body: Some(&body), ..Ask::get(&["token"], &[]) };
        let rest = Rest::new(link);
        let token = rest.bearer(&call, &ask, &LOGIN).await?;
        Ok((rest.with(AUTHORIZATION, &token.value, &call)?, token.life))
    }

    async fn values(asking: &Asking<Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let store = asking.store(|backend| backend.as_delinea())?;
        let read = async |one: &Wanted| {
            let call = call(store, "secret", &one.key);
            if one.selector != VersionSelector::Current {
                return Err(call.error(Kind::Invalid, "versions cannot be read; leave version out"));
            }
            let path: Vec<&str> = std::iter::once("secrets").chain(one.key.split('/')).collect();
            let reply = asking.session.taken(&call, &Ask::get(&path, &[]), &REFUSALS).await?;
            let secret: Secret<'_> = reply.object().ok_or_else(|| call.unreadable())?;
            let parts = parts(secret.data).ok_or_else(|| call.unreadable())?;
            Ok(asking.digested(parts.to_value()))
        };
        Ok(together(asking.session.link.bounds(), wanted.iter().map(read).collect()).await)
    }

    async fn find(asking: &Asking<Self>, _: &Find, _: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let store = asking.store(|backend| backend.as_delinea())?;
        Err(call(store, "secrets", "find").error(Kind::Invalid, "it cannot be searched"))
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

fn call<'c>(store: &'c DelineaStore, action: &'static str, subject: &'c str) -> Call<'c> {
    Call { step: Step::Fetch, server: server(store), action, subject }
}

/// What messages call the server of a store.
fn server(store: &DelineaStore) -> Server<'_> {
    Server { provider: Provider::Delinea, address: &store.url, field: "tenant" }
}
