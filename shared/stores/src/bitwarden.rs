//! Bitwarden Secrets Manager, by Bitwarden's own SDK server: values are encrypted for whoever holds an access token, and that
//! server opens them.

use crate::kit::{
    Adapter, Ask, Asked, Call, Dialect, Material, Proof, Proving, Refusals, Reply, Rest, Server, together,
};
use pawl_domain::store::{Backend, BitwardenStore};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Bitwarden Secrets Manager as [`Sources`](pawl_ports::Sources).
///
/// The machine account needs to read the projects of the secrets. A key that is an id is one call; names are looked for in the
/// list of the organization, which has neither projects nor times, and each secret of a wanted name is read.
///
/// A key never counts as missing: a machine account that lost a project sees what it would see if its secrets were deleted.
pub type BitwardenSources<C> = Adapter<Bitwarden, C>;

/// What is particular to Bitwarden Secrets Manager.
#[derive(Debug, Default)]
pub struct Bitwarden;

#[derive(Deserialize)]
struct Listed {
    id: String,
    key: String,
}

#[derive(Deserialize)]
struct List {
    data: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Secret {
    #[serde(default)]
    project_id: Option<String>,
    value: String,
}

const ACCESS: HeaderName = HeaderName::from_static("warden-access-token");
const API: HeaderName = HeaderName::from_static("warden-api-url");
const IDENTITY: HeaderName = HeaderName::from_static("warden-identity-url");
const REFUSALS: Refusals = Refusals {
    token: "the access token was refused; check auth, apiURL and identityURL",
    rights: "access denied; check the machine account",
    unseen: "there is no such path; check bitwardenServerSDKURL",
    absent: |_| false,
    // It stands for whatever Bitwarden says, be it that it is too busy.
    passing: Some((
        400,
        "the SDK server could not have it from Bitwarden; check the key, the machine account and its log",
    )),
};

impl Dialect for Bitwarden {
    type Spec = BitwardenStore;
    type Session = Rest;

    const PROVIDER: Provider = Provider::Bitwarden;

    fn spec(backend: &Backend) -> Option<&BitwardenStore> {
        backend.as_bitwarden()
    }

    fn server<'a>(&'a self, spec: &'a BitwardenStore) -> Server<'a> {
        Server { provider: Self::PROVIDER, address: &spec.server, field: "bitwardenServerSDKURL" }
    }

    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Rest>, Error> {
        let Proving { proofs, spec, last, .. } = &proving;
        let ca = proofs.authorities(spec.ca_bundle.as_ref(), spec.ca_provider.as_ref()).await?;
        let token = proofs.secret(&spec.token).await?;
        let (material, last) = (Material { ca, ..Material::default() }, last.as_ref().map(|last| &last.link));
        let (call, link) = (proving.call(proofs.server), proving.link(proofs.server, material, last).await?);
        let rest = Rest::new(link).with(ACCESS, &token, &call)?;
        let rest = rest.with(API, &SecretValue::new(spec.api.clone()), &call)?;
        let rest = rest.with(IDENTITY, &SecretValue::new(spec.identity.clone()), &call)?;
        Ok(proving.of_secrets(rest))
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let named = wanted.iter().any(|one| !BitwardenStore::is_id(&one.key));
        let list = if named { list(asked).await? } else { Vec::new() };
        let read = async |one: &Wanted| {
            if BitwardenStore::is_id(&one.key) {
                return secret(asked, &one.key).await.map(|secret| asked.digested(secret.value()));
            }
            by_name(asked, &list, &one.key).await
        };
        Ok(together(asked.session.link.bounds(), wanted.iter().map(read)).await)
    }

    /// By name, with ids for answers as in ESO. Nothing found is an error: so it is told to an account that lost its projects.
    async fn find(
        asked: &Asked<'_, Self>,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = asked.call("secrets", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let list = list(asked).await?;
        let is_kept = |one: &&Listed| keep.allows(&one.id) && keep.allows(&one.key);
        let found: Vec<_> = list.iter().filter(|one| pattern.is_match(&one.key)).filter(is_kept).collect();
        if found.is_empty() {
            let what = "finds nothing, or the machine account may not see it; correct find, or its projects";
            return Err(call.error(Kind::Invalid, what));
        }
        let read = async |one: &Listed| {
            let read = secret(asked, &one.id).await?;
            Ok((one.id.clone(), asked.digested(read.value())))
        };
        let bounds = asked.session.link.bounds();
        together(bounds, found.into_iter().map(read)).await.into_iter().collect()
    }
}

impl Secret {
    fn value(self) -> SecretValue {
        SecretValue::new(self.value)
    }
}

/// The one secret of this name in the store's project.
async fn by_name(asked: &Asked<'_, Bitwarden>, list: &[Listed], name: &str) -> Result<Fetched, Error> {
    let call = asked.call("secret", name);
    let mut found = None;
    for one in list.iter().filter(|one| one.key == name) {
        let read = secret(asked, &one.id).await?;
        if read.project_id.as_ref() != Some(&asked.spec.project) {
            continue;
        }
        if found.replace(read).is_some() {
            let what = "several secrets of the project have this name; rename all but one, or write the id";
            return Err(call.error(Kind::Invalid, what));
        }
    }
    found.map(|secret| asked.digested(secret.value())).ok_or_else(|| {
        let what =
            "the project has no secret of this name, or the machine account may not see it; check both";
        call.error(Kind::Invalid, what)
    })
}

async fn list(asked: &Asked<'_, Bitwarden>) -> Result<Vec<Listed>, Error> {
    let call = asked.call("secrets", "secrets of the organization");
    let reply = taken(asked, &call, "secrets", &json!({ "organizationID": asked.spec.organization })).await?;
    reply.object().map(|list: List| list.data).ok_or_else(|| call.unreadable())
}

async fn secret(asked: &Asked<'_, Bitwarden>, id: &str) -> Result<Secret, Error> {
    let call = asked.call("secret", id);
    let reply = taken(asked, &call, "secret", &json!({ "id": id })).await?;
    reply.object().ok_or_else(|| call.unreadable())
}

async fn taken(
    asked: &Asked<'_, Bitwarden>,
    call: &Call<'_>,
    what: &'static str,
    body: &Value,
) -> Result<Reply, Error> {
    let body = SecretValue::new(body.to_string());
    let ask = Ask { body: Some(&body), ..Ask::get(&["rest", "api", "1", what], &[]) };
    asked.session.taken(call, &ask, &REFUSALS).await
}
