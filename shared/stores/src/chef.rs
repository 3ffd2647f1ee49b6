//! Chef Infra Server. Source: Chef's API with signatures of version 1.3, and ESO's provider, version 2.9.

use crate::kit::{
    Api, Ask, Call, Door, OneServer, OneServerSources, Proofs, Proven, Server, sealed, sign_rs256, text,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pawl_domain::store::{Backend, ChefStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue, printed};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Chef as [`Sources`](pawl_ports::Sources): one call for an item, and one for each item of a whole data bag.
pub type ChefSources<C> = OneServerSources<Chef, C>;

/// How Chef is asked.
#[derive(Debug)]
pub struct Chef;

/// The key of a user, and the time that requests are signed with. Chef takes what is a quarter of an hour old.
#[derive(Debug)]
pub struct Signer {
    key: SecretValue,
    time: Timestamp,
}

const RIGHT: &str = "the right to read the data bag";
/// The digest of no body.
const NOTHING: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
/// Of a signature in one header.
const LINE: usize = 60;

impl OneServer for Chef {
    type Spec = ChefStore;
    type Proof = Signer;
    const PROVIDER: Provider = Provider::Chef;

    fn spec(backend: &Backend) -> Option<&ChefStore> {
        backend.as_chef()
    }

    fn server(spec: &ChefStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.server_url, field: "serverUrl" }
    }

    fn identity(spec: &ChefStore) -> ChefStore {
        spec.clone()
    }

    async fn prove<C: ClusterCredentials>(
        spec: &ChefStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<Signer>, Error> {
        let key = SecretValue::new(proofs.text(&spec.private_key).await?);
        sign_rs256(key.expose_str().unwrap_or_default(), b"")
            .map_err(|error| proofs.unusable(&format!("the private key {error}; write it as PEM")))?;
        Ok(Proven::by_secret(Signer { key, time: door.now }))
    }

    async fn check(api: &Api<'_, Self>) -> Result<(), Error> {
        let call = api.call("user", &api.spec.username);
        api.get(&call, &["users", &api.spec.username]).await.map(|_: IgnoredAny| ())
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, |one| async {
            let call = api.call("item", &one.key);
            match one.key.split('/').collect::<Vec<_>>()[..] {
                // What stands behind the item is passed over, as in ESO.
                [bag, item, ..] if !bag.is_empty() && !item.is_empty() => api.item(&call, bag, item).await,
                [bag] if !bag.is_empty() => api.bag(&call, bag).await,
                _ => {
                    Err(call
                        .error(Kind::Invalid, "write <data bag>/<item>, or in extract the data bag alone"))
                }
            }
        })
        .await
    }
}

impl Api<'_, Chef> {
    async fn item(&self, call: &Call<'_>, bag: &str, item: &str) -> Result<Fetched, Error> {
        let json = SecretValue::new(String::from(Box::<str>::from(self.raw(call, bag, item).await?)));
        // An item is an object always.
        let object = json.expose().starts_with(b"{").then(|| printed(json.expose())).flatten();
        Ok(self.digested(object.ok_or_else(|| call.unreadable())?))
    }

    /// All items of a data bag, by their names.
    async fn bag(&self, call: &Call<'_>, bag: &str) -> Result<Fetched, Error> {
        let names: BTreeMap<String, IgnoredAny> = self.get(call, &["data", bag]).await?;
        let names: Vec<String> = names.into_keys().collect();
        let read = self.each(&names, |name| self.raw(call, bag, name)).await?;
        let items = names.into_iter().zip(read).map(|(name, item)| Ok((name, item?)));
        let items: BTreeMap<_, _> = items.collect::<Result<_, Error>>()?;
        let json = serde_json::to_string(&items).map(SecretValue::new).map_err(|_| call.unreadable())?;
        let value = printed(json.expose()).ok_or_else(|| call.unreadable())?;
        Ok(self.digested(value))
    }

    async fn raw(&self, call: &Call<'_>, bag: &str, item: &str) -> Result<Box<RawValue>, Error> {
        self.get(call, &["data", bag, item]).await
    }

    async fn get<T: DeserializeOwned>(&self, call: &Call<'_>, path: &[&str]) -> Result<T, Error> {
        let headers = self.signed(call, path)?;
        let ask = Ask::read(path.to_vec(), headers, self.link().bounds());
        self.json(call, ask, |call, reply| call.refused(reply, RIGHT)).await
    }

    fn signed(&self, call: &Call<'_>, path: &[&str]) -> Result<HeaderMap, Error> {
        let base = Url::parse(&self.spec.server_url).ok();
        let base = base.as_ref().map_or("", Url::path).trim_end_matches('/');
        let (path, user) = (format!("{base}/{}", path.join("/")), &self.spec.username);
        let time = self.proof().time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let content = format!(
            "Method:GET\nPath:{path}\nX-Ops-Content-Hash:{NOTHING}\nX-Ops-Sign:version=1.3\nX-Ops-Timestamp:{time}\n\
             X-Ops-UserId:{user}\nX-Ops-Server-API-Version:1"
        );
        let key = self.proof().key.expose_str().unwrap_or_default();
        let signature = sign_rs256(key, content.as_bytes())
            .map_err(|error| call.error(Kind::Invalid, format_args!("the private key {error}")))?;
        let named = HeaderName::from_static;
        let mut headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/json")),
            (named("x-chef-version"), HeaderValue::from_static("14.0.0")),
            (named("x-ops-content-hash"), HeaderValue::from_static(NOTHING)),
            (named("x-ops-server-api-version"), HeaderValue::from_static("1")),
            (named("x-ops-sign"), HeaderValue::from_static("version=1.3")),
            (named("x-ops-timestamp"), text(&time, "the time", call)?),
            (named("x-ops-userid"), text(user, "the store's username", call)?),
        ]);
        let encoded = STANDARD.encode(signature);
        for (index, line) in encoded.as_bytes().chunks(LINE).enumerate() {
            let name = HeaderName::try_from(format!("x-ops-authorization-{}", index + 1))
                .map_err(|_| call.unreadable())?;
            headers.insert(name, sealed(&SecretValue::new(line), call)?);
        }
        Ok(headers)
    }
}
