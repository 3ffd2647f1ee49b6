//! Pulumi ESC. Source: Pulumi's client for ESC, version 0.14, and ESO's provider, version 2.9.

use crate::kit::{Api, Ask, Door, OneServer, OneServerSources, Proofs, Proven, Server, Whole, sealed};
use pawl_domain::store::{Backend, PulumiAuth, PulumiStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue, printed};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Pulumi ESC as [`Sources`](pawl_ports::Sources). Opening an environment runs what it is made of, which may make new
/// credentials: it is opened once for all keys that are wanted together.
pub type PulumiSources<C> = OneServerSources<Pulumi, C>;

/// How Pulumi ESC is asked.
#[derive(Debug)]
pub struct Pulumi;

const RIGHT: &str = "the right to open the environment";

impl OneServer for Pulumi {
    type Spec = PulumiStore;
    type Proof = SecretValue;
    const PROVIDER: Provider = Provider::Pulumi;

    fn spec(backend: &Backend) -> Option<&PulumiStore> {
        backend.as_pulumi()
    }

    fn server(spec: &PulumiStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.api_url, field: "apiUrl" }
    }

    fn identity(spec: &PulumiStore) -> PulumiStore {
        let none = String::new;
        PulumiStore { organization: none(), project: none(), environment: none(), ..spec.clone() }
    }

    async fn prove<C: ClusterCredentials>(
        spec: &PulumiStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<SecretValue>, Error> {
        match &spec.auth {
            PulumiAuth::AccessToken(token) => proofs.secret(token).await.map(Proven::by_secret),
            PulumiAuth::ServiceAccount { organization, name, namespace, audiences, seconds } => {
                let address = spec.api_url.trim_end_matches('/');
                let base = address.strip_suffix("/api/esc").unwrap_or(address);
                let own = vec![base.to_owned()];
                let audiences = if audiences.is_empty() { &own } else { audiences };
                let subject =
                    proofs.account_token(name, namespace.as_ref(), audiences, "name other audiences").await?;
                traded(door, base, organization, &subject, *seconds).await
            }
        }
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let open = api.open().await?;
        api.each(wanted, |one| api.property(&open, &one.key)).await
    }
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
    expires_in: u32,
}

/// Source: Pulumi's OAuth token exchange.
async fn traded(
    door: &Door<'_>,
    base: &str,
    organization: &str,
    subject: &SecretValue,
    seconds: u32,
) -> Result<Proven<SecretValue>, Error> {
    let call = door.call("login");
    let url = Url::parse(&format!("{base}/api/oauth/token"))
        .map_err(|_| call.error(Kind::Invalid, "apiUrl is no address; correct it"))?;
    let body = SecretValue::new(
        json!({
            "audience": format!("urn:pulumi:org:{organization}"),
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type": "urn:pulumi:token-type:access_token:organization",
            "subject_token": subject.expose_str().unwrap_or_default(),
            "expiration": seconds,
            "scope": "",
        })
        .to_string(),
    );
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let largest = door.link.bounds().largest_answer;
    let token: Token =
        door.token_at(Whole { method: Method::POST, url, headers, body: Some(&body), largest }).await?;
    Ok(Proven::by_token(SecretValue::new(token.access_token), token.expires_in))
}

#[derive(Deserialize)]
struct Opened {
    id: String,
}

#[derive(Deserialize)]
struct Property {
    value: Box<RawValue>,
}

impl Api<'_, Pulumi> {
    async fn open(&self) -> Result<String, Error> {
        let environment = format!("{}/{}", self.spec.project, self.spec.environment);
        let call = self.call("open", &environment);
        let ask = Ask { method: Method::POST, ..self.ask(&["open"])? };
        self.json(&call, ask, |call, reply| call.refused(reply, RIGHT)).await.map(|opened: Opened| opened.id)
    }

    async fn property(&self, open: &str, key: &str) -> Result<Fetched, Error> {
        let call = self.call("property", key);
        let ask = Ask { query: vec![("property", key)], ..self.ask(&["open", open])? };
        let read: Property = self.json(&call, ask, |call, reply| call.refused(reply, RIGHT)).await?;
        let read = SecretValue::new(String::from(Box::<str>::from(read.value)));
        let value = printed(read.expose()).ok_or_else(|| call.unreadable())?;
        Ok(self.digested(value))
    }

    fn ask<'a>(&'a self, below: &[&'a str]) -> Result<Ask<'a>, Error> {
        let spec = &self.spec;
        let call = self.call("environment", &spec.environment);
        let token = SecretValue::new([b"token ", self.proof().expose()].concat());
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, sealed(&token, &call)?),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let path = ["environments", &spec.organization, &spec.project, &spec.environment];
        Ok(Ask::read([&path, below].concat(), headers, self.link().bounds()))
    }
}
