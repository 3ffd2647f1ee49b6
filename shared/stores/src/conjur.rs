//! CyberArk Conjur: variables.
//!
//! | module | holds |
//! |---|---|
//! | `api` | the calls of Conjur's REST API, and what its answers mean |
//! | `read` | which version a key means, what a search finds, what a listing tells |

mod api;
mod read;

use crate::kit::{
    Adapter, Ask, Asked, Dialect, Material, Proof, Proofs, Proving, Refusals, Rest, Server, form,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use pawl_domain::store::{Backend, ConjurAuth, ConjurStore, ConjurToken};
use pawl_domain::{Fetched, Find, Keep, Provider, SecretValue, Version};
use pawl_ports::{ClusterCredentials, Error, Listing, Wanted};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Conjur as [`Sources`](pawl_ports::Sources).
///
/// The identity needs the privilege `execute` on each variable; whoever has any privilege on one sees it and its versions.
/// Few keys are read one by one, each by the version that was looked up before; many by the list of variables, 100 a call,
/// and in batches. A sweep reads the list, which tells the number of each version and no value.
///
/// A key never counts as missing: of what is not there, has no value or may not be seen, Conjur says the same.
pub type ConjurSources<C> = Adapter<Conjur, C>;

/// What is particular to Conjur.
#[derive(Debug, Default)]
pub struct Conjur;

/// A token is good for eight minutes.
const TOKEN: SignedDuration = SignedDuration::from_secs(300);
const LOGIN: Refusals = Refusals::of_login(
    "the identity was refused; check auth, the account, and what the policy of the authenticator says",
);

impl Dialect for Conjur {
    type Spec = ConjurStore;
    type Session = Rest;

    const PROVIDER: Provider = Provider::Conjur;

    fn spec(backend: &Backend) -> Option<&ConjurStore> {
        backend.as_conjur()
    }

    fn server<'a>(&'a self, spec: &'a ConjurStore) -> Server<'a> {
        Server { provider: Self::PROVIDER, address: &spec.url, field: "url" }
    }

    /// Source: Conjur's client for Go, which ESO uses.
    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Rest>, Error> {
        let Proving { proofs, spec: store, last, .. } = &proving;
        let ca = proofs.authorities(store.ca_bundle.as_ref(), store.ca_provider.as_ref()).await?;
        let mut material = Material { ca, ..Material::default() };
        let (path, body) = match &store.auth {
            ConjurAuth::ApiKey { user, key } => {
                let (user, key) = (proofs.text(user).await?, proofs.secret(key).await?);
                (["authn", &store.account, &user, "authenticate"].map(str::to_owned).to_vec(), key)
            }
            ConjurAuth::Jwt { service, host, token } => {
                let token = jwt(proofs, token).await?;
                let body = form(&[("jwt", token.expose_str().unwrap_or_default())]);
                (path(store, "authn-jwt", service, host.as_deref()), body)
            }
            ConjurAuth::Certificate { service, host, certificate, key } => {
                material.certificate = Some(proofs.secret(certificate).await?);
                material.key = Some(proofs.secret(key).await?);
                (path(store, "authn-cert", service, host.as_deref()), SecretValue::new(""))
            }
        };
        let last = last.as_ref().map(|last| &last.link);
        let rest = Rest::new(proving.link(proofs.server, material, last).await?);
        let call = proving.call(proofs.server);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut ask = Ask::form(&path, &body);
        if matches!(store.auth, ConjurAuth::ApiKey { .. }) {
            ask.headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
        }
        let reply = rest.taken(&call, &ask, &LOGIN).await?;
        reply.object::<Map<String, Value>>().ok_or_else(|| call.unreadable())?;
        let token = SecretValue::new(STANDARD.encode(&*reply.body));
        let token = SecretValue::new([br#"Token token=""#, token.expose(), br#"""#].concat());
        Ok(proving.lasting(rest.with(AUTHORIZATION, &token, &call)?, TOKEN))
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        read::values(asked, wanted).await
    }

    async fn versions(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Version, Error>>, Error> {
        read::versions(asked, wanted).await
    }

    async fn find(
        asked: &Asked<'_, Self>,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        read::find(asked, find, keep).await
    }

    async fn listing(asked: &Asked<'_, Self>) -> Result<Listing, Error> {
        read::listing(asked).await
    }
}

fn path(store: &ConjurStore, authenticator: &str, service: &str, host: Option<&str>) -> Vec<String> {
    let parts = [Some(authenticator), Some(service), Some(&store.account), host, Some("authenticate")];
    parts.into_iter().flatten().map(str::to_owned).collect()
}

async fn jwt<C: ClusterCredentials>(
    proofs: &Proofs<'_, C>,
    token: &ConjurToken,
) -> Result<SecretValue, Error> {
    match token {
        ConjurToken::Secret(at) => proofs.text(at).await.map(SecretValue::new),
        ConjurToken::ServiceAccount { name, namespace, audiences } => {
            let remedy = "write serviceAccountRef.audiences, and the same as audience of the authenticator";
            proofs.account_token(name, namespace.as_ref(), audiences, remedy).await
        }
    }
}
