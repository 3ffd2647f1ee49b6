//! IBM Cloud Secrets Manager: secrets of all types. [`parts`] holds what each type gives.

mod parts;

use crate::kit::{
    Ask, Asking, Call, Dialect, Link, Material, Pages, Prover, Refusals, Reply, Rest, Server, form, of,
    together,
};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::store::{IbmAuth, IbmStore};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, Step, Version};
use pawl_ports::{ClusterCredentials, Error, Listed, Listing, Part, Wanted};
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The stores of IBM Cloud Secrets Manager.
///
/// The identity needs the role SecretsReader, and Viewer for the list that a sweep reads: 1,000 secrets a call, with the time of
/// each one's last change and no value.
///
/// That a secret does not exist counts where the service says so with its own code: an identity that may not read it is told
/// so in another way.
#[derive(Debug)]
pub struct Ibm;

/// What a proven identity asks with.
#[derive(Debug)]
pub struct Session {
    rest: Rest,
    iam: Arc<Link>,
}

/// What is known of a secret, whatever its type.
#[derive(Deserialize)]
struct Facts {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    secret_group_id: String,
    #[serde(default)]
    secret_type: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct Secrets {
    secrets: Vec<Facts>,
}

#[derive(Deserialize)]
struct Groups {
    secret_groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Failure {
    errors: Vec<Code>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

const LOGIN: Refusals = Refusals::of_login(
    "the identity was refused; check the API key, or what the trusted profile trusts, and iamEndpoint",
);
const REFUSALS: Refusals = Refusals {
    token: "the token was refused; check auth",
    rights: "access denied; give the identity the role SecretsReader, and Viewer to list",
    unseen: "there is no such instance or path; check serviceUrl",
    absent: |reply| {
        let codes = reply.object().map(|failure: Failure| failure.errors).unwrap_or_default();
        reply.status.as_u16() == 404 && codes.iter().any(|each| each.code == "not_found")
    },
    passing: None,
};
const PER_PAGE: usize = 1000;
const MOST_PAGES: usize = 100;

impl Dialect for Ibm {
    const PROVIDER: Provider = Provider::Ibm;
    type Session = Session;

    /// Source: IBM's SDK for Go, which ESO uses.
    async fn prove<C: ClusterCredentials>(
        proving: Prover<'_, C>,
        last: Option<Arc<Session>>,
    ) -> Result<(Session, SignedDuration), Error> {
        let store = of::<Self, _>(proving.access, |backend| backend.as_ibm())?;
        let authority = Server { provider: Provider::Ibm, address: &store.iam, field: "iamEndpoint" };
        let proofs = proving.proofs(authority);
        let (name, proof, grant) = match &store.auth {
            IbmAuth::ApiKey(at) => ("apikey", SecretValue::new(proofs.text(at).await?), "apikey"),
            IbmAuth::Profile { account, namespace, audiences, .. } => {
                let remedy = "write serviceAccountRef.audiences, such as iam";
                let token = proofs.account_token(account, namespace.as_ref(), audiences, remedy).await?;
                ("cr_token", token, "cr-token")
            }
        };
        let grant = format!("urn:ibm:params:oauth:grant-type:{grant}");
        let mut fields = vec![("grant_type", grant.as_str()), (name, proof.expose_str().unwrap_or_default())];
        match &store.auth {
            IbmAuth::ApiKey(_) => fields.push(("response_type", "cloud_iam")),
            IbmAuth::Profile { profile, .. } => fields.push(("profile_name", profile)),
        }
        let body = form(&fields);
        let iam = proving.link(authority, Material::default(), last.as_ref().map(|last| &last.iam)).await?;
        let call = Call { step: Step::Authenticate, server: authority, action: "login", subject: "login" };
        let ask = Ask::form(&["identity", "token"], &body);
        let token = Rest::new(Arc::clone(&iam)).bearer(&call, &ask, &LOGIN).await?;
        let link = proving
            .link(server(store), Material::default(), last.as_ref().map(|last| &last.rest.link))
            .await?;
        let rest = Rest::new(link).with(AUTHORIZATION, &token.value, &call)?;
        Ok((Session { rest, iam }, token.life))
    }

    async fn values(asking: &Asking<Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let store = asking.store(|backend| backend.as_ibm())?;
        let read = async |one: &Wanted| {
            let call = call(store, "secret", &one.key);
            let reply = secret(asking, &call, &one.key).await?;
            let facts: Facts = reply.object().ok_or_else(|| call.unreadable())?;
            let parts = parts::of(&one.key, &reply.body, one.part == Part::Metadata);
            let parts = parts.map_err(|what| call.error(Kind::Invalid, what))?;
            Ok(asking.versioned(parts.to_value(), facts.version()))
        };
        Ok(together(asking.session.rest.link.bounds(), wanted.iter().map(read).collect()).await)
    }

    async fn versions(
        asking: &Asking<Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Version, Error>>, Error> {
        let store = asking.store(|backend| backend.as_ibm())?;
        let read = async |one: &Wanted| {
            let call = call(store, "metadata", &one.key);
            let (_, _, name) = IbmStore::reference(&one.key);
            let reply = match IbmStore::is_id(name) {
                true => {
                    let ask = Ask::get(&["api", "v2", "secrets", name, "metadata"], &[]);
                    asking.session.rest.taken(&call, &ask, &REFUSALS).await?
                }
                // By a name there are values only.
                false => secret(asking, &call, &one.key).await?,
            };
            reply.object().map(|facts: Facts| facts.version()).ok_or_else(|| call.unreadable())
        };
        Ok(together(asking.session.rest.link.bounds(), wanted.iter().map(read).collect()).await)
    }

    async fn find(asking: &Asking<Self>, _: &Find, _: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let store = asking.store(|backend| backend.as_ibm())?;
        Err(call(store, "secrets", "find").error(Kind::Invalid, "it cannot be searched"))
    }

    async fn listing(asking: &Asking<Self>, _: Option<Timestamp>) -> Result<Listing, Error> {
        let (store, rest) = (asking.store(|backend| backend.as_ibm())?, &asking.session.rest);
        let call = call(store, "secrets", "secrets");
        let ask = Ask::get(&["api", "v2", "secret_groups"], &[]);
        let groups: Groups =
            rest.taken(&call, &ask, &REFUSALS).await?.object().ok_or_else(|| call.unreadable())?;
        let groups: BTreeMap<_, _> =
            groups.secret_groups.into_iter().map(|group| (group.id, group.name)).collect();
        let (mut pages, mut keys) = (Pages::from(call, "0", MOST_PAGES), Vec::new());
        while let Some(offset) = pages.take() {
            let query = [("limit", "1000"), ("offset", offset.as_str())];
            let reply = rest.taken(&call, &Ask::get(&["api", "v2", "secrets"], &query), &REFUSALS).await?;
            let page: Secrets = reply.object().ok_or_else(|| call.unreadable())?;
            let is_full = page.secrets.len() >= PER_PAGE;
            keys.extend(page.secrets.iter().map(|facts| facts.listed(&groups)));
            pages.then(is_full.then(|| keys.len().to_string()))?;
        }
        Ok(Listing { keys, complete: true })
    }
}

impl Facts {
    fn version(&self) -> Version {
        Version { id: self.updated_at.clone(), since: self.updated_at.parse().ok() }
    }

    fn listed(&self, groups: &BTreeMap<String, String>) -> Listed {
        let group = groups.get(&self.secret_group_id).unwrap_or(&self.secret_group_id);
        let named = format!("{group}/{}/{}", self.secret_type, self.name);
        Listed {
            names: BTreeSet::from([self.id.to_ascii_lowercase(), named]),
            version: Some(self.updated_at.clone()),
            changed: self.updated_at.parse().ok(),
            labels: Some(BTreeMap::new()),
            tags: Some(BTreeMap::new()),
        }
    }
}

async fn secret(asking: &Asking<Ibm>, call: &Call<'_>, key: &str) -> Result<Reply, Error> {
    let (group, kind, name) = IbmStore::reference(key);
    let by_name;
    let path: &[&str] = match (IbmStore::is_id(name), group.filter(|group| !group.is_empty())) {
        (true, _) => &["api", "v2", "secrets", name],
        (false, Some(group)) => {
            by_name = ["api", "v2", "secret_groups", group, "secret_types", kind, "secrets", name];
            &by_name
        }
        (false, None) => {
            let what = "its group is missing; write the key as group/type/name, or as the secret's id";
            return Err(call.error(Kind::Invalid, what));
        }
    };
    asking.session.rest.taken(call, &Ask::get(path, &[]), &REFUSALS).await
}

fn call<'c>(store: &'c IbmStore, action: &'static str, subject: &'c str) -> Call<'c> {
    Call { step: Step::Fetch, server: server(store), action, subject }
}

/// What messages call the server of a store.
fn server(store: &IbmStore) -> Server<'_> {
    Server { provider: Provider::Ibm, address: &store.url, field: "serviceUrl" }
}
