//! Scaleway Secret Manager. Source: Scaleway's API, `secret-manager/v1beta1`, and ESO's provider, version 2.9.

use crate::kit::{
    Api, Ask, Call, Door, OneServer, OneServerSources, Pages, Proofs, Proven, Reply, Server, sealed,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::store::{Backend, ScalewayStore};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, Version, VersionSelector};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Scaleway as [`Sources`](pawl_ports::Sources). A key is looked up by its name and read in two calls; its revision is read
/// without the value, in two as well.
pub type ScalewaySources<C> = OneServerSources<Scaleway, C>;

/// How Scaleway is asked.
#[derive(Debug)]
pub struct Scaleway;

const TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const PER_PAGE: usize = 50;
/// 50,000 secrets.
const MOST_PAGES: usize = 1000;
const RIGHT: &str = "the permission sets SecretManagerReadOnly and SecretManagerSecretAccess in the project";

impl OneServer for Scaleway {
    type Spec = ScalewayStore;
    type Proof = SecretValue;
    const PROVIDER: Provider = Provider::Scaleway;

    fn spec(backend: &Backend) -> Option<&ScalewayStore> {
        backend.as_scaleway()
    }

    fn server(spec: &ScalewayStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.api_url, field: "apiUrl" }
    }

    fn identity(spec: &ScalewayStore) -> ScalewayStore {
        ScalewayStore { region: String::new(), project_id: String::new(), ..spec.clone() }
    }

    async fn prove<C: ClusterCredentials>(
        spec: &ScalewayStore,
        proofs: &Proofs<'_, C>,
        _: &Door<'_>,
    ) -> Result<Proven<SecretValue>, Error> {
        proofs.secret(&spec.secret_key).await.map(Proven::by_secret)
    }

    async fn check(api: &Api<'_, Self>) -> Result<(), Error> {
        api.page(&api.call("list", "secrets"), "1", "1", &[]).await.map(|_: Listed| ())
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, |one| async {
            let call = api.call("access", &one.key);
            let id = api.id(&call, &one.key).await?;
            api.access(&call, &id, revision(one)).await
        })
        .await
    }

    async fn versions(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Version, Error>>, Error> {
        api.each(wanted, |one| async {
            let call = api.call("version", &one.key);
            let id = api.id(&call, &one.key).await?;
            let read: Revision = api
                .json(&call, api.get(&call, &["secrets", &id, "versions", revision(one)])?, refused)
                .await?;
            Ok(Version { id: read.revision.to_string(), since: None })
        })
        .await
    }

    async fn find(api: &Api<'_, Self>, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = api.call("list", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let path = find.path.iter().map(|path| ("path", path.as_str()));
        // Scaleway's tags have no values, so ESO asks for their names.
        let criteria: Vec<_> = path.chain(find.tags.keys().map(|tag| ("tags", tag.as_str()))).collect();
        let (mut pages, mut found) = (Pages::from(call, "1", MOST_PAGES), Vec::new());
        while let Some(page) = pages.take() {
            let Listed { secrets } = api.page(&call, &page, "50", &criteria).await?;
            let is_full = secrets.len() >= PER_PAGE;
            found.extend(
                secrets.into_iter().filter(|each| {
                    pattern.is_match(&each.name) && keep.allows(&format!("name:{}", each.name))
                }),
            );
            pages.then(page.parse().ok().filter(|_| is_full).map(|page: u64| (page + 1).to_string()))?;
        }
        let read = api.each(&found, |each| async { api.access(&call, &each.id, LATEST).await }).await?;
        // Of equal names in several folders the last counts; what cannot be read is passed over. Both as in ESO.
        let read = found.into_iter().zip(read).filter_map(|(each, read)| match read {
            Err(error) if error.is_retryable() => Some(Err(error)),
            read => Some(Ok((each.name, read.ok()?))),
        });
        read.collect()
    }
}

const LATEST: &str = "latest_enabled";

fn revision(wanted: &Wanted) -> &str {
    match &wanted.selector {
        VersionSelector::Current => LATEST,
        VersionSelector::Id(revision) | VersionSelector::Label(revision) => revision,
    }
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    secrets: Vec<Secret>,
}

#[derive(Deserialize)]
struct Secret {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Revision {
    revision: u64,
}

#[derive(Deserialize)]
struct Accessed {
    revision: u64,
    data: String,
}

impl Api<'_, Scaleway> {
    /// The secret's id. Of several that are called so the first counts, as in ESO.
    async fn id(&self, call: &Call<'_>, key: &str) -> Result<String, Error> {
        let (name, path) = match key.split_once(':') {
            Some(("id", id)) => return Ok(id.to_owned()),
            Some(("name", name)) => (name, None),
            Some(("path", path)) => match path.rsplit_once('/') {
                Some((folder, name)) => (name, Some(if folder.is_empty() { "/" } else { folder })),
                None => return Err(call.error(Kind::Invalid, "is no path; write path:/<folder>/<name>")),
            },
            _ => return Err(call.error(Kind::Invalid, "write id:<id>, name:<name> or path:/<folder>/<name>")),
        };
        let path = path.map(|path| ("path", path));
        let criteria: Vec<_> = std::iter::once(("name", name)).chain(path).collect();
        let listed: Listed = self.page(call, "1", "1", &criteria).await?;
        // The project was listed, so the identity sees what is in it.
        listed.secrets.into_iter().next().map(|secret| secret.id).ok_or_else(|| call.missing())
    }

    async fn access(&self, call: &Call<'_>, id: &str, revision: &str) -> Result<Fetched, Error> {
        let ask = self.get(call, &["secrets", id, "versions", revision, "access"])?;
        let read: Accessed = self.json(call, ask, refused).await?;
        let value = STANDARD.decode(read.data).map_err(|_| call.unreadable())?;
        Ok(self.versioned(SecretValue::new(value), Version { id: read.revision.to_string(), since: None }))
    }

    async fn page(
        &self,
        call: &Call<'_>,
        page: &str,
        size: &str,
        criteria: &[(&str, &str)],
    ) -> Result<Listed, Error> {
        let own = [
            ("order_by", "name_asc"),
            ("page", page),
            ("page_size", size),
            ("project_id", self.spec.project_id.as_str()),
            ("scheduled_for_deletion", "false"),
            ("type", "unknown_type"),
        ];
        let query = own.into_iter().chain(criteria.iter().copied()).collect();
        let largest = self.link().bounds().largest_list;
        self.json(call, Ask { query, largest, ..self.get(call, &["secrets"])? }, refused).await
    }

    fn get<'a>(&'a self, call: &Call<'_>, path: &[&'a str]) -> Result<Ask<'a>, Error> {
        let base = ["secret-manager", "v1beta1", "regions", self.spec.region.as_str()];
        let headers = HeaderMap::from_iter([(TOKEN, sealed(self.proof(), call)?)]);
        Ok(Ask::read([&base, path].concat(), headers, self.link().bounds()))
    }
}

/// Scaleway says of what a 404 speaks.
fn refused(call: &Call<'_>, reply: &Reply) -> Error {
    let said = || -> Option<bool> {
        let body: Map<String, Value> = reply.object()?;
        let of_key = matches!(body.get("resource")?.as_str()?, "secret" | "secret_version");
        Some(of_key && body.get("type")? == "not_found")
    };
    match reply.status.as_u16() == 404 && said().unwrap_or(false) {
        true => call.missing(),
        false => call.refused(reply, RIGHT),
    }
}
