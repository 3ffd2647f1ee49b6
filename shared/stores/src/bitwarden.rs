//! Bitwarden Secrets Manager, by Bitwarden's own SDK server: values are encrypted for whoever holds an access token, and that
//! server opens them.

use crate::kit::{Ask, Asking, Call, Dialect, Material, Prover, Refusals, Reply, Rest, Server, of, together};
use jiff::SignedDuration;
use pawl_domain::store::BitwardenStore;
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, Step};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::HeaderName;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The stores of Bitwarden Secrets Manager.
///
/// The machine account needs to read the projects of the secrets. A key that is an id is one call; names are looked for in the
/// list of the organization, which has neither projects nor times, and each secret of a wanted name is read.
///
/// A key never counts as missing: a machine account that lost a project sees what it would see if its secrets were deleted.
#[derive(Debug)]
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

/// A token is read again after this time, so that rotating it needs nobody to tell Pawl.
const TOKEN: SignedDuration = SignedDuration::from_secs(60);
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
    const PROVIDER: Provider = Provider::Bitwarden;
    type Session = Rest;

    async fn prove<C: ClusterCredentials>(
        proving: Prover<'_, C>,
        last: Option<Arc<Rest>>,
    ) -> Result<(Rest, SignedDuration), Error> {
        let store = of::<Self, _>(proving.access, |backend| backend.as_bitwarden())?;
        let (server, proofs) = (server(store), proving.proofs(server(store)));
        let ca = proofs.authorities(store.ca_bundle.as_ref(), store.ca_provider.as_ref()).await?;
        let token = proofs.secret(&store.token).await?;
        let material = Material { ca, ..Material::default() };
        let link = proving.link(server, material, last.as_ref().map(|last| &last.link)).await?;
        let call = Call { step: Step::Authenticate, server, action: "login", subject: "login" };
        let rest = Rest::new(link).with(ACCESS, &token, &call)?;
        let rest = rest.with(API, &SecretValue::new(store.api.clone()), &call)?;
        Ok((rest.with(IDENTITY, &SecretValue::new(store.identity.clone()), &call)?, TOKEN))
    }

    async fn values(asking: &Asking<Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let store = asking.store(|backend| backend.as_bitwarden())?;
        let named = wanted.iter().any(|one| !BitwardenStore::is_id(&one.key));
        let list = if named { list(asking, store).await? } else { Vec::new() };
        let read = async |one: &Wanted| {
            if BitwardenStore::is_id(&one.key) {
                return secret(asking, store, &one.key).await.map(|secret| asking.digested(secret.value()));
            }
            by_name(asking, store, &list, &one.key).await
        };
        Ok(together(asking.session.link.bounds(), wanted.iter().map(read).collect()).await)
    }

    /// By name, with ids for answers as in ESO. Nothing found is an error: so it is told to an account that lost its projects.
    async fn find(
        asking: &Asking<Self>,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let store = asking.store(|backend| backend.as_bitwarden())?;
        let call = call(store, "secrets", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let list = list(asking, store).await?;
        let is_kept = |one: &&Listed| keep.allows(&one.id) && keep.allows(&one.key);
        let found: Vec<_> = list.iter().filter(|one| pattern.is_match(&one.key)).filter(is_kept).collect();
        if found.is_empty() {
            let what = "finds nothing, or the machine account may not see it; correct find, or its projects";
            return Err(call.error(Kind::Invalid, what));
        }
        let read = async |one: &Listed| {
            let read = secret(asking, store, &one.id).await?;
            Ok((one.id.clone(), asking.digested(read.value())))
        };
        let bounds = asking.session.link.bounds();
        together(bounds, found.into_iter().map(read).collect()).await.into_iter().collect()
    }
}

impl Secret {
    fn value(self) -> SecretValue {
        SecretValue::new(self.value)
    }
}

/// The one secret of this name in the store's project.
async fn by_name(
    asking: &Asking<Bitwarden>,
    store: &BitwardenStore,
    list: &[Listed],
    name: &str,
) -> Result<Fetched, Error> {
    let call = call(store, "secret", name);
    let mut found = None;
    for one in list.iter().filter(|one| one.key == name) {
        let read = secret(asking, store, &one.id).await?;
        if read.project_id.as_ref() != Some(&store.project) {
            continue;
        }
        if found.replace(read).is_some() {
            let what = "several secrets of the project have this name; rename all but one, or write the id";
            return Err(call.error(Kind::Invalid, what));
        }
    }
    found.map(|secret| asking.digested(secret.value())).ok_or_else(|| {
        let what =
            "the project has no secret of this name, or the machine account may not see it; check both";
        call.error(Kind::Invalid, what)
    })
}

async fn list(asking: &Asking<Bitwarden>, store: &BitwardenStore) -> Result<Vec<Listed>, Error> {
    let call = call(store, "secrets", "secrets of the organization");
    let reply = taken(asking, &call, "secrets", &json!({ "organizationID": store.organization })).await?;
    reply.object().map(|list: List| list.data).ok_or_else(|| call.unreadable())
}

async fn secret(asking: &Asking<Bitwarden>, store: &BitwardenStore, id: &str) -> Result<Secret, Error> {
    let call = call(store, "secret", id);
    let reply = taken(asking, &call, "secret", &json!({ "id": id })).await?;
    reply.object().ok_or_else(|| call.unreadable())
}

async fn taken(
    asking: &Asking<Bitwarden>,
    call: &Call<'_>,
    what: &'static str,
    body: &Value,
) -> Result<Reply, Error> {
    let body = SecretValue::new(body.to_string());
    let ask = Ask { body: Some(&body), ..Ask::get(&["rest", "api", "1", what], &[]) };
    asking.session.taken(call, &ask, &REFUSALS).await
}

fn call<'c>(store: &'c BitwardenStore, action: &'static str, subject: &'c str) -> Call<'c> {
    Call { step: Step::Fetch, server: server(store), action, subject }
}

/// What messages call the server of a store.
fn server(store: &BitwardenStore) -> Server<'_> {
    Server { provider: Provider::Bitwarden, address: &store.server, field: "bitwardenServerSDKURL" }
}
