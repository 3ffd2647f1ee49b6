//! CyberArk Conjur: variables.
//!
//! | module | holds |
//! |---|---|
//! | `api` | the calls of Conjur's REST API, and what its answers mean |
//! | `read` | which version a key means, what a search finds, what a listing tells |

mod api;
mod read;

use crate::kit::{Ask, Asking, Call, Dialect, Material, Proofs, Prover, Refusals, Rest, form, of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::store::{ConjurAuth, ConjurStore, ConjurToken};
use pawl_domain::{Fetched, Find, Keep, Provider, SecretValue, Step, Version};
use pawl_ports::{ClusterCredentials, Error, Listing, Wanted};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stores of Conjur.
///
/// The identity needs the privilege `execute` on each variable; whoever has any privilege on one sees it and its versions.
/// Few keys are read one by one, each by the version that was looked up before; many by the list of variables, 100 a call,
/// and in batches. A sweep reads the list, which tells the number of each version and no value.
///
/// A key never counts as missing: of what is not there, has no value or may not be seen, Conjur says the same.
#[derive(Debug)]
pub struct Conjur;

/// A token is good for eight minutes.
const TOKEN: SignedDuration = SignedDuration::from_secs(300);
const LOGIN: Refusals = Refusals::of_login(
    "the identity was refused; check auth, the account, and what the policy of the authenticator says",
);

impl Dialect for Conjur {
    const PROVIDER: Provider = Provider::Conjur;
    type Session = Rest;

    /// Source: Conjur's client for Go, which ESO uses.
    async fn prove<C: ClusterCredentials>(
        proving: Prover<'_, C>,
        last: Option<Arc<Rest>>,
    ) -> Result<(Rest, SignedDuration), Error> {
        let store = of::<Self, _>(proving.access, |backend| backend.as_conjur())?;
        let (server, proofs) = (api::server(store), proving.proofs(api::server(store)));
        let ca = proofs.authorities(store.ca_bundle.as_ref(), store.ca_provider.as_ref()).await?;
        let mut material = Material { ca, ..Material::default() };
        let (path, body) = match &store.auth {
            ConjurAuth::ApiKey { user, key } => {
                let (user, key) = (proofs.text(user).await?, proofs.secret(key).await?);
                (["authn", &store.account, &user, "authenticate"].map(str::to_owned).to_vec(), key)
            }
            ConjurAuth::Jwt { service, host, token } => {
                let token = jwt(&proofs, token).await?;
                let body = form(&[("jwt", token.expose_str().unwrap_or_default())]);
                (path(store, "authn-jwt", service, host.as_deref()), body)
            }
            ConjurAuth::Certificate { service, host, certificate, key } => {
                material.certificate = Some(proofs.secret(certificate).await?);
                material.key = Some(proofs.secret(key).await?);
                (path(store, "authn-cert", service, host.as_deref()), SecretValue::new(""))
            }
        };
        let link = proving.link(server, material, last.as_ref().map(|last| &last.link)).await?;
        let rest = Rest::new(link);
        let call = Call { step: Step::Authenticate, server, action: "login", subject: "login" };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut ask = Ask::form(&path, &body);
        if matches!(store.auth, ConjurAuth::ApiKey { .. }) {
            ask.headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
        }
        let reply = rest.taken(&call, &ask, &LOGIN).await?;
        reply.object::<Map<String, Value>>().ok_or_else(|| call.unreadable())?;
        let token = SecretValue::new(STANDARD.encode(&*reply.body));
        let token = SecretValue::new([br#"Token token=""#, token.expose(), br#"""#].concat());
        Ok((rest.with(AUTHORIZATION, &token, &call)?, TOKEN))
    }

    async fn values(asking: &Asking<Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        read::values(asking, wanted).await
    }

    async fn versions(
        asking: &Asking<Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Version, Error>>, Error> {
        read::versions(&api::Api::of(asking)?, wanted).await
    }

    async fn find(
        asking: &Asking<Self>,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        read::find(asking, find, keep).await
    }

    async fn listing(asking: &Asking<Self>, _: Option<Timestamp>) -> Result<Listing, Error> {
        read::listing(&api::Api::of(asking)?).await
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
