//! BeyondTrust Workload Credentials. Source: ESO's provider, version 2.9, API version `2026-04-28`.

use crate::kit::{
    Api, Ask, Call, Door, Material, OneServer, OneServerSources, Proofs, Proven, Server, sealed,
};
use pawl_domain::store::{Backend, BeyondtrustWorkloadCredentialsStore};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, printed};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// BeyondTrust Workload Credentials as [`Sources`](pawl_ports::Sources): one call a key. Where there is no such key, the
/// folder is listed as well: what may not be seen is missing in the same words as what is not there.
pub type BeyondtrustWorkloadCredentialsSources<C> = OneServerSources<BeyondtrustWorkloadCredentials, C>;

/// How BeyondTrust Workload Credentials is asked.
#[derive(Debug)]
pub struct BeyondtrustWorkloadCredentials;

type Spec = BeyondtrustWorkloadCredentialsStore;

const VERSION: (HeaderName, HeaderValue) =
    (HeaderName::from_static("bt-secrets-api-version"), HeaderValue::from_static("2026-04-28"));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const RIGHT: &str = "a token that may read secrets of the folder";

impl OneServer for BeyondtrustWorkloadCredentials {
    type Spec = Spec;
    type Proof = SecretValue;
    const PROVIDER: Provider = Provider::BeyondtrustWorkloadCredentials;

    fn spec(backend: &Backend) -> Option<&Spec> {
        backend.as_beyondtrust_workload_credentials()
    }

    fn server(spec: &Spec) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.api_url, field: "server.apiUrl" }
    }

    fn identity(spec: &Spec) -> Spec {
        Spec { site_id: String::new(), folder_path: String::new(), ..spec.clone() }
    }

    async fn material<C: ClusterCredentials>(spec: &Spec, proofs: &Proofs<'_, C>) -> Result<Material, Error> {
        let ca = proofs.authorities(spec.ca_bundle.as_ref(), spec.ca_provider.as_ref()).await?;
        Ok(Material { ca, ..Material::default() })
    }

    async fn prove<C: ClusterCredentials>(
        spec: &Spec,
        proofs: &Proofs<'_, C>,
        _: &Door<'_>,
    ) -> Result<Proven<SecretValue>, Error> {
        let token = proofs.secret(&spec.token).await?;
        Ok(Proven::by_secret(SecretValue::new([b"Bearer ", token.expose()].concat())))
    }

    async fn check(api: &Api<'_, Self>) -> Result<(), Error> {
        let call = api.call("session", "session");
        api.get(&call, &["session"], Vec::new()).await.map(|_: Option<IgnoredAny>| ())
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let folder = &api.spec.folder_path;
        api.each(wanted, |one| async {
            let call = api.call("secret", &one.key);
            match api.secret(&call, &one.key, folder).await? {
                Some(Secret { secret: Some(members), .. }) => Ok(api.digested(api.read(&call, members)?)),
                Some(_) => Err(call.error(Kind::Invalid, "it has no value; give it one")),
                None if api.is_listed_without(&call, &one.key, folder).await? => Err(call.missing()),
                None => Err(call.error(
                    Kind::Invalid,
                    format_args!(
                        "it is not there, or may not be seen; check folderPath, and give the identity {RIGHT}"
                    ),
                )),
            }
        })
        .await
    }

    async fn find(api: &Api<'_, Self>, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = api.call("list", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let root = find
            .path
            .as_deref()
            .map_or(api.spec.folder_path.as_str(), |path| path.strip_suffix('/').unwrap_or(path));
        let items = api.list(&call, root, true).await?.unwrap_or_default();
        let place = |item: &Item| match item.path.rsplit_once('/') {
            Some((folder, name)) if !folder.is_empty() => (folder.to_owned(), name.to_owned()),
            Some((_, name)) => (root.to_owned(), name.to_owned()),
            None => (root.to_owned(), item.path.clone()),
        };
        let places = items.into_iter().map(|item| (place(&item), item.path));
        let wanted =
            |((_, name), path): &((String, String), String)| pattern.is_match(name) && keep.allows(path);
        let places: Vec<_> = places.filter(wanted).collect();
        let read = api.each(&places, |((folder, name), _)| api.secret(&call, name, folder)).await?;
        let mut found = BTreeMap::new();
        for ((_, path), secret) in places.into_iter().zip(read) {
            let Some(Secret { secret: Some(members), metadata }) = secret? else { continue };
            let tags = metadata.and_then(|metadata| metadata.tags).unwrap_or_default();
            if find.tags.iter().all(|(tag, value)| tags.get(tag) == Some(value)) {
                for (member, value) in members {
                    found.insert(format!("{path}/{member}"), api.digested(text(&call, value)?));
                }
            }
        }
        Ok(found)
    }
}

#[derive(Deserialize)]
struct Secret {
    secret: Option<Members>,
    metadata: Option<Metadata>,
}

type Members = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
struct Metadata {
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct List {
    data: Option<Vec<Item>>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Item {
    path: String,
}

impl Api<'_, BeyondtrustWorkloadCredentials> {
    /// A secret; `None` where the server says that it is not there.
    async fn secret(&self, call: &Call<'_>, name: &str, folder: &str) -> Result<Option<Secret>, Error> {
        let query = Some(("folder", folder)).filter(|_| !folder.is_empty()).into_iter().collect();
        self.get(call, &["static", name], query).await
    }

    async fn list(&self, call: &Call<'_>, folder: &str, recursive: bool) -> Result<Option<Vec<Item>>, Error> {
        let path = Some(("path", folder)).filter(|_| !folder.is_empty());
        let query = path.into_iter().chain(recursive.then_some(("recursive", "true"))).collect();
        let Some(List { data, error }) = self.get(call, &["static"], query).await? else { return Ok(None) };
        match error.is_empty() {
            true => Ok(Some(data.unwrap_or_default())),
            false => Err(call.error(Kind::Invalid, "the folder cannot be listed; check its path")),
        }
    }

    /// Whether the folder can be listed, and the secret is not in it.
    async fn is_listed_without(&self, call: &Call<'_>, name: &str, folder: &str) -> Result<bool, Error> {
        let items = self.list(call, folder, false).await?;
        let is_it = |item: &Item| item.path.rsplit('/').next() == Some(name);
        Ok(items.is_some_and(|items| !items.iter().any(is_it)))
    }

    async fn get<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        path: &[&str],
        query: Vec<(&str, &str)>,
    ) -> Result<Option<T>, Error> {
        let path = [&[self.spec.site_id.as_str(), "secrets"], path].concat();
        let token = sealed(self.proof(), call)?;
        let headers =
            HeaderMap::from_iter([(AUTHORIZATION, token), VERSION, (CONTENT_TYPE, JSON), (ACCEPT, JSON)]);
        let largest = self.link().bounds().largest_list;
        let ask = Ask { query, largest, ..Ask::read(path, headers, self.link().bounds()) };
        let reply = self.link().ask(call, ask).await;
        call.counted(reply.and_then(|reply| match reply.status.as_u16() {
            200 => reply.object().map(Some).ok_or_else(|| call.unreadable()),
            404 => Ok(None),
            _ => Err(reply.failure(call.refused(&reply, RIGHT))),
        }))
    }

    /// The members as one object, as Go writes it.
    fn read(&self, call: &Call<'_>, members: Members) -> Result<SecretValue, Error> {
        let json = serde_json::to_string(&members).map(SecretValue::new).map_err(|_| call.unreadable())?;
        printed(json.expose()).ok_or_else(|| call.unreadable())
    }
}

/// A member: a text as it is, anything else as JSON. Null is one too.
fn text(call: &Call<'_>, value: Box<RawValue>) -> Result<SecretValue, Error> {
    let json = SecretValue::new(String::from(Box::<str>::from(value)));
    match json.expose() == b"null" {
        true => Ok(json),
        false => printed(json.expose()).ok_or_else(|| call.unreadable()),
    }
}
