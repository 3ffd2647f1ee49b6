//! senhasegura DSM. Source: ESO's provider, version 2.9.

use crate::kit::{
    Api, Call, Door, Hidden, OneServer, OneServerSources, Proofs, Proven, Server, Whole, sealed,
};
use pawl_domain::store::{Backend, SenhaseguraStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue, printed};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use std::collections::BTreeMap;
use url::form_urlencoded::Serializer;

/// senhasegura as [`Sources`](pawl_ports::Sources): one call reads all secrets of an application, with their values.
pub type SenhaseguraSources<C> = OneServerSources<Senhasegura, C>;

/// How senhasegura is asked.
#[derive(Debug)]
pub struct Senhasegura;

const RIGHT: &str = "an authorization of the application for DSM";
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

impl OneServer for Senhasegura {
    type Spec = SenhaseguraStore;
    type Proof = SecretValue;
    const PROVIDER: Provider = Provider::Senhasegura;

    fn spec(backend: &Backend) -> Option<&SenhaseguraStore> {
        backend.as_senhasegura()
    }

    fn server(spec: &SenhaseguraStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.url, field: "url" }
    }

    fn identity(spec: &SenhaseguraStore) -> SenhaseguraStore {
        spec.clone()
    }

    async fn prove<C: ClusterCredentials>(
        spec: &SenhaseguraStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<SecretValue>, Error> {
        let secret = proofs.text(&spec.client_secret).await.map(SecretValue::new)?;
        let pairs = [
            ("grant_type", "client_credentials"),
            ("client_id", &spec.client_id),
            ("client_secret", secret.expose_str().unwrap_or_default()),
        ];
        let body = SecretValue::new(Serializer::new(String::new()).extend_pairs(pairs).finish());
        let whole = Whole {
            method: Method::POST,
            url: at(spec, "/iso/oauth2/token", &door.call("login"))?,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, FORM)]),
            body: Some(&body),
            largest: door.link.bounds().largest_answer,
        };
        let token: Token = door.token_at(whole).await?;
        let header = SecretValue::new(format!("Bearer {}", token.access_token.expose()));
        Ok(Proven::by_token(header, token.expires_in.unwrap_or(LIFE)))
    }

    async fn check(api: &Api<'_, Self>) -> Result<(), Error> {
        api.secrets().await.map(|_| ())
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let secrets = api.secrets().await?;
        Ok(wanted.iter().map(|one| api.value(&secrets, &one.key)).collect())
    }
}

/// How long a token is used whose life the server does not tell, in seconds.
const LIFE: u32 = 300;

#[derive(Deserialize)]
struct Token {
    access_token: Hidden,
    expires_in: Option<u32>,
}

#[derive(Deserialize)]
struct Answer {
    response: Outcome,
    application: Option<Application>,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    error: bool,
}

#[derive(Deserialize)]
struct Application {
    #[serde(default)]
    secrets: Vec<Secret>,
}

#[derive(Deserialize)]
struct Secret {
    identity: String,
    data: Option<Vec<BTreeMap<String, Option<Hidden>>>>,
}

impl Api<'_, Senhasegura> {
    async fn secrets(&self) -> Result<Vec<Secret>, Error> {
        let call = self.call("application", "secrets");
        let whole = Whole {
            method: Method::GET,
            url: at(self.spec, "/iso/dapp/application", &call)?,
            headers: HeaderMap::from_iter([
                (AUTHORIZATION, sealed(self.proof(), &call)?),
                (CONTENT_TYPE, FORM),
            ]),
            body: None,
            largest: self.link().bounds().largest_list,
        };
        let reply = self.link().ask_whole(&call, whole).await;
        call.counted(reply.and_then(|reply| match reply.status.as_u16() {
            200 => {
                let answer: Answer = reply.object().ok_or_else(|| call.unreadable())?;
                match answer.response.error {
                    true => {
                        Err(call
                            .error(Kind::Denied, format_args!("it was refused; give the identity {RIGHT}")))
                    }
                    false => Ok(answer.application.map(|own| own.secrets).unwrap_or_default()),
                }
            }
            _ => Err(reply.failure(call.refused(&reply, RIGHT))),
        }))
    }

    /// A secret that the list lacks may have been taken from the application, and not deleted: that is an error.
    fn value(&self, secrets: &[Secret], key: &str) -> Result<Fetched, Error> {
        let call = self.call("secret", key);
        let found = secrets.iter().find(|secret| secret.identity == key).ok_or_else(|| {
            let what = "the application has no secret with this identity; give it one, or correct the key";
            call.error(Kind::Invalid, what)
        })?;
        let data = found.data.as_ref().map(|items| items.iter().map(texts).collect::<Vec<_>>());
        let json = serde_json::to_vec(&data).map(SecretValue::new).map_err(|_| call.unreadable())?;
        let value = match data.is_some() {
            true => printed(json.expose()).ok_or_else(|| call.unreadable())?,
            false => json,
        };
        Ok(self.digested(value))
    }
}

fn texts(item: &BTreeMap<String, Option<Hidden>>) -> BTreeMap<&str, &str> {
    item.iter().map(|(name, text)| (name.as_str(), text.as_ref().map_or("", Hidden::expose))).collect()
}

/// A path of the server's, in place of the one that its address has.
fn at(spec: &SenhaseguraStore, path: &str, call: &Call<'_>) -> Result<Url, Error> {
    let mut url = Url::parse(&spec.url)
        .map_err(|_| call.error(Kind::Invalid, "the store's url is no address; correct it"))?;
    url.set_path(path);
    Ok(url)
}
