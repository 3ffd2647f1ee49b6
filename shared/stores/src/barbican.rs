//! OpenStack Barbican. Source: OpenStack's APIs of Keystone, version 3, and Barbican, version 1; ESO's provider, version 2.9.

use crate::kit::{
    Api, Ask, Call, Door, Link, OneServer, OneServerSources, Pages, PlainHttp, Proofs, Proven, READ_AGAIN,
    Reply, Server, sealed, told_address,
};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::store::{Backend, BarbicanStore, BarbicanUser};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Barbican as [`Sources`](pawl_ports::Sources): one call a key. Keystone says where Barbican is; that address must be within
/// the store's reach as well.
pub type BarbicanSources<C> = OneServerSources<Barbican, C>;

/// How Barbican is asked.
#[derive(Debug)]
pub struct Barbican;

/// A token, and where it is taken.
#[derive(Debug)]
pub struct Login {
    token: SecretValue,
    address: String,
    link: Arc<Link>,
}

const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const SUBJECT: &str = "x-subject-token";
const RIGHT: &str = "a role that may read secrets in the project, such as observer or creator";
const MOST_PAGES: usize = 1000;
const PER_PAGE: u64 = 100;

impl OneServer for Barbican {
    type Spec = BarbicanStore;
    type Proof = Login;
    const PROVIDER: Provider = Provider::Barbican;

    fn spec(backend: &Backend) -> Option<&BarbicanStore> {
        backend.as_barbican()
    }

    fn server(spec: &BarbicanStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.auth_url, field: "authURL" }
    }

    fn identity(spec: &BarbicanStore) -> BarbicanStore {
        spec.clone()
    }

    async fn prove<C: ClusterCredentials>(
        spec: &BarbicanStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<Login>, Error> {
        let user = match &spec.user {
            BarbicanUser::Named(name) => name.clone(),
            BarbicanUser::Secret(at) => proofs.text(at).await?,
        };
        let password = SecretValue::new(proofs.text(&spec.password).await?);
        let domain = json!({ "name": spec.domain_name });
        let password = password.expose_str().unwrap_or_default();
        let identity = json!({
            "methods": ["password"], "password": { "user": { "name": user, "domain": domain, "password": password } },
        });
        let scope = match spec.tenant_name.is_empty() {
            true => json!({ "domain": domain }),
            false => json!({ "project": { "name": spec.tenant_name, "domain": domain } }),
        };
        let body = SecretValue::new(json!({ "auth": { "identity": identity, "scope": scope } }).to_string());
        let call = door.call("login");
        let is_version = spec.auth_url.trim_end_matches('/').ends_with("/v3");
        let path = [if is_version { &[][..] } else { &["v3"] }, &["auth", "tokens"]].concat();
        let reply = door.link.ask(&call, Ask::post(path, HeaderMap::new(), &body, door.link.bounds())).await;
        let (token, known) = call.counted(reply.and_then(|reply| granted(&call, &reply)))?;
        let address = known.address(&spec.region, &call)?;
        let server = Server { provider: Self::PROVIDER, address: &address, field: "authURL" };
        let call = Call { server, ..call };
        let bounds = door.link.bounds();
        let link =
            Link::open(&call, door.link.material().clone(), bounds, door.reach, PlainHttp::Listed).await?;
        let lasts = known
            .expires_at
            .map_or(READ_AGAIN, |end| end.duration_since(door.now) - SignedDuration::from_secs(60));
        Ok(Proven { proof: Login { token, address, link: Arc::new(link) }, lasts })
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, |one| api.payload(&one.key)).await
    }

    async fn find(api: &Api<'_, Self>, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = api.key_manager("list", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let (mut pages, mut ids) = (Pages::from(call, "0", MOST_PAGES), Vec::new());
        while let Some(offset) = pages.take() {
            let limit = PER_PAGE.to_string();
            let query = vec![("limit", limit.as_str()), ("offset", offset.as_str())];
            let largest = api.link().bounds().largest_list;
            let ask = Ask { query, largest, ..api.ask(&call, &["secrets"], "application/json")? };
            let reply = api.proof().link.ask(&call, ask).await;
            let List { secrets, next } =
                call.counted(reply.and_then(|reply| match reply.status.as_u16() {
                    200 => reply.object().ok_or_else(|| call.unreadable()),
                    _ => Err(reply.failure(call.refused(&reply, RIGHT))),
                }))?;
            let id = |secret: Listed| {
                let id = secret.secret_ref.rsplit('/').next().unwrap_or_default().to_owned();
                (pattern.is_match(secret.name.as_deref().unwrap_or_default()) && keep.allows(&id))
                    .then_some(id)
            };
            ids.extend(secrets.into_iter().filter_map(id));
            let behind = offset.parse().ok().map(|offset: u64| (offset + PER_PAGE).to_string());
            pages.then(next.and(behind))?;
        }
        let read = api.each(&ids, |id| api.payload(id)).await?;
        ids.into_iter().zip(read).map(|(id, read)| Ok((id, read?))).collect()
    }
}

#[derive(Deserialize)]
struct Granted {
    token: Known,
}

/// What Keystone says with a token.
#[derive(Deserialize)]
struct Known {
    expires_at: Option<Timestamp>,
    #[serde(default)]
    catalog: Vec<Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    interface: String,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    region_id: Option<String>,
    url: String,
}

impl Known {
    /// Where the key manager is.
    fn address(&self, region: &str, call: &Call<'_>) -> Result<String, Error> {
        let is_here = |endpoint: &&Endpoint| {
            let own = [&endpoint.region, &endpoint.region_id];
            region.is_empty() || own.iter().any(|own| own.as_deref() == Some(region))
        };
        let services = self.catalog.iter().filter(|service| service.kind == "key-manager");
        let endpoints = services.flat_map(|service| &service.endpoints);
        let found = endpoints.filter(|endpoint| endpoint.interface == "public").find(is_here);
        found.and_then(|endpoint| told_address(&endpoint.url)).ok_or_else(|| {
            let what =
                "Keystone knows no address of a key manager for this project; check the store's region and tenantName";
            call.error(Kind::Invalid, what)
        })
    }
}

fn granted(call: &Call<'_>, reply: &Reply) -> Result<(SecretValue, Known), Error> {
    if !reply.status.is_success() {
        return Err(reply.failure(call.refused(reply, "a role in the project")));
    }
    let token = reply.headers.get(SUBJECT).map(|token| SecretValue::new(token.as_bytes()));
    let known = reply.object().map(|granted: Granted| granted.token);
    token.zip(known).ok_or_else(|| call.unreadable())
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    secrets: Vec<Listed>,
    next: Option<Value>,
}

#[derive(Deserialize)]
struct Listed {
    name: Option<String>,
    secret_ref: String,
}

impl Api<'_, Barbican> {
    async fn payload(&self, id: &str) -> Result<Fetched, Error> {
        let call = self.key_manager("payload", id);
        let ask = self.ask(&call, &["secrets", id, "payload"], "*/*")?;
        let reply = self.proof().link.ask(&call, ask).await;
        call.counted(reply.and_then(|reply| match reply.status.as_u16() {
            200 => Ok(self.digested(SecretValue::new(reply.body.as_slice()))),
            _ => Err(reply.failure(call.refused(&reply, RIGHT))),
        }))
    }

    fn key_manager<'c>(&'c self, action: &'static str, subject: &'c str) -> Call<'c> {
        let server = Server { address: &self.proof().address, ..Barbican::server(self.spec) };
        Call { server, ..self.call(action, subject) }
    }

    fn ask<'a>(&self, call: &Call<'_>, below: &[&'a str], accept: &'static str) -> Result<Ask<'a>, Error> {
        let token = sealed(&self.proof().token, call)?;
        let headers = HeaderMap::from_iter([(TOKEN, token), (ACCEPT, HeaderValue::from_static(accept))]);
        Ok(Ask::read([&["v1"], below].concat(), headers, self.link().bounds()))
    }
}
