//! OVHcloud Secret Manager. Source: OVHcloud's client for OKMS, version 0.5, and ESO's provider, version 2.9.

use crate::kit::{
    Api, Ask, Call, Door, Material, OneServer, OneServerSources, Proofs, Proven, Reply, Server, Whole, sealed,
};
use pawl_domain::store::{Backend, OvhAuth, OvhStore};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, Version, VersionSelector, printed};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// OVHcloud as [`Sources`](pawl_ports::Sources): one call a key, without its data where only its version is wanted.
pub type OvhSources<C> = OneServerSources<Ovh, C>;

/// How OVHcloud is asked.
#[derive(Debug)]
pub struct Ovh;

const RIGHT: &str = "the right okms:apikms:secret/get, and okms:apikms:secret/list for find";
/// What OVHcloud answers where a secret does not exist. Source: ESO's provider.
const NO_SECRET: i64 = 17_125_377;
/// Folders of one search.
const MOST_FOLDERS: usize = 1000;

impl OneServer for Ovh {
    type Spec = OvhStore;
    type Proof = Option<SecretValue>;
    const PROVIDER: Provider = Provider::Ovh;

    fn spec(backend: &Backend) -> Option<&OvhStore> {
        backend.as_ovh()
    }

    fn server(spec: &OvhStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.server, field: "server" }
    }

    fn identity(spec: &OvhStore) -> OvhStore {
        OvhStore { okms_id: String::new(), ..spec.clone() }
    }

    async fn material<C: ClusterCredentials>(
        spec: &OvhStore,
        proofs: &Proofs<'_, C>,
    ) -> Result<Material, Error> {
        let OvhAuth::Certificate { client, ca_bundle, ca_provider } = &spec.auth else {
            return Ok(Material::default());
        };
        Ok(Material {
            ca: proofs.authorities(ca_bundle.as_ref(), ca_provider.as_ref()).await?,
            certificate: Some(proofs.secret(&client.certificate).await?),
            key: Some(proofs.secret(&client.key).await?),
        })
    }

    async fn prove<C: ClusterCredentials>(
        spec: &OvhStore,
        proofs: &Proofs<'_, C>,
        _: &Door<'_>,
    ) -> Result<Proven<Option<SecretValue>>, Error> {
        let OvhAuth::Token(token) = &spec.auth else { return Ok(Proven::by_secret(None)) };
        let token = proofs.secret(token).await?;
        Ok(Proven::by_secret(Some(SecretValue::new([b"Bearer ", token.expose()].concat()))))
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, |one| api.value(one)).await
    }

    async fn versions(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Version, Error>>, Error> {
        api.each(wanted, |one| async {
            let call = api.call("version", &one.key);
            api.secret(&call, one, false).await?.version(&call)
        })
        .await
    }

    async fn find(api: &Api<'_, Self>, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = api.call("list", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let path = find.path.as_deref().unwrap_or_default().trim_end_matches('/');
        let (mut folders, mut keys, mut read) = (vec![path.to_owned()], Vec::new(), 0);
        while let Some(folder) = folders.pop() {
            read += 1;
            if read > MOST_FOLDERS {
                let what = format_args!("there are more than {MOST_FOLDERS} folders; narrow find.path");
                return Err(call.error(Kind::Invalid, what));
            }
            let of =
                |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            for name in api.names(&call, &folder).await? {
                match name.strip_suffix('/') {
                    _ if name.is_empty() || name.starts_with('/') => {}
                    Some(below) => folders.push(of(below)),
                    None => keys.push(of(&name)),
                }
            }
        }
        keys.retain(|key| pattern.is_match(key) && keep.allows(key));
        let current = |key| Wanted { key, selector: VersionSelector::Current, part: pawl_ports::Part::Value };
        let wanted: Vec<_> = keys.into_iter().map(current).collect();
        let values = api.each(&wanted, |one| api.value(one)).await?;
        let gone =
            |read: &Result<Fetched, Error>| read.as_ref().is_err_and(|error| error.kind == Kind::NotFound);
        let found = wanted.into_iter().map(|one| one.key).zip(values).filter(|(_, read)| !gone(read));
        found.map(|(key, read)| Ok((key, read?))).collect()
    }
}

#[derive(Deserialize)]
struct Secret {
    metadata: Option<Metadata>,
    version: Option<OneVersion>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "currentVersion")]
    current: Option<u32>,
}

#[derive(Deserialize)]
struct OneVersion {
    id: Option<u32>,
    data: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Names {
    data: Option<Keys>,
}

#[derive(Deserialize)]
struct Keys {
    #[serde(default)]
    keys: Option<Vec<String>>,
}

impl Secret {
    fn version(&self, call: &Call<'_>) -> Result<Version, Error> {
        let own = self.version.as_ref().and_then(|version| version.id).filter(|id| *id > 0);
        let id = own.or(self.metadata.as_ref().and_then(|metadata| metadata.current));
        id.map(|id| Version { id: id.to_string(), since: None }).ok_or_else(|| call.unreadable())
    }
}

impl Api<'_, Ovh> {
    async fn value(&self, wanted: &Wanted) -> Result<Fetched, Error> {
        let call = self.call("secret", &wanted.key);
        let secret = self.secret(&call, wanted, true).await?;
        let version = secret.version(&call)?;
        let data = secret.version.and_then(|version| version.data);
        let json =
            SecretValue::new(data.map(|data| String::from(Box::<str>::from(data))).unwrap_or_default());
        let value = printed(json.expose()).filter(|value| !matches!(value.expose(), b"" | b"{}"));
        let value = value.ok_or_else(|| call.error(Kind::Invalid, "it has no data; write some into it"))?;
        Ok(self.versioned(value, version))
    }

    async fn secret(&self, call: &Call<'_>, wanted: &Wanted, with_data: bool) -> Result<Secret, Error> {
        let version = match &wanted.selector {
            VersionSelector::Current => None,
            VersionSelector::Id(version) | VersionSelector::Label(version) => {
                Some(("version", version.as_str()))
            }
        };
        let data = ("includeData", if with_data { "true" } else { "false" });
        let path = vec!["api", &self.spec.okms_id, "v2", "secret", &wanted.key];
        let query = std::iter::once(data).chain(version).collect();
        let ask = Ask { query, ..Ask::read(path, self.headers(call)?, self.link().bounds()) };
        self.json(call, ask, refused).await
    }

    /// What a folder holds; the names of folders end with a slash.
    async fn names(&self, call: &Call<'_>, folder: &str) -> Result<Vec<String>, Error> {
        let url = Url::parse(&self.spec.server).ok().and_then(|mut url| {
            // The list of everything ends with a slash.
            let path = ["api", &self.spec.okms_id, "v1", "secret", "metadata", folder];
            url.path_segments_mut().ok()?.pop_if_empty().extend(path);
            url.set_query(Some("list=true"));
            Some(url)
        });
        let url = url.ok_or_else(|| call.error(Kind::Invalid, "the store's server is no address"))?;
        let (headers, largest) = (self.headers(call)?, self.link().bounds().largest_list);
        let whole = Whole { method: Method::GET, url, headers, body: None, largest };
        let reply = self.link().ask_whole(call, whole).await;
        let names: Names = call.counted(reply.and_then(|reply| match reply.status.is_success() {
            true => reply.object().ok_or_else(|| call.unreadable()),
            false => Err(reply.failure(refused(call, &reply))),
        }))?;
        Ok(names.data.and_then(|data| data.keys).unwrap_or_default())
    }

    fn headers(&self, call: &Call<'_>) -> Result<HeaderMap, Error> {
        let token = self.proof().as_ref().map(|token| sealed(token, call)).transpose()?;
        Ok(HeaderMap::from_iter(token.map(|token| (AUTHORIZATION, token))))
    }
}

fn refused(call: &Call<'_>, reply: &Reply) -> Error {
    #[derive(Deserialize)]
    struct Said {
        error_code: i64,
    }
    match reply.object::<Said>().is_some_and(|said| said.error_code == NO_SECRET) {
        true => call.missing(),
        false => call.refused(reply, RIGHT),
    }
}
