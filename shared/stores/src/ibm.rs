//! IBM Cloud Secrets Manager: secrets of all types. [`parts`] holds what each type gives.

mod parts;

use crate::kit::{
    Adapter, Ask, Asked, Call, Dialect, Link, Material, Pages, Proof, Proofs, Proving, Refusals, Reply, Rest,
    Server, form, together,
};
use pawl_domain::store::{Backend, IbmAuth, IbmStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue, Version};
use pawl_ports::{ClusterCredentials, Error, Listed, Listing, Part, Wanted};
use reqwest::header::AUTHORIZATION;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// IBM Cloud Secrets Manager as [`Sources`](pawl_ports::Sources).
///
/// The identity needs the role SecretsReader, and Viewer for the list that a sweep reads: 1,000 secrets a call, with the time of
/// each one's last change and no value.
///
/// That a secret does not exist counts where the service says so with its own code: an identity that may not read it is told
/// so in another way.
pub type IbmSources<C> = Adapter<Ibm, C>;

/// What is particular to IBM Cloud Secrets Manager.
#[derive(Debug, Default)]
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
    type Spec = IbmStore;
    type Session = Session;

    const PROVIDER: Provider = Provider::Ibm;

    fn spec(backend: &Backend) -> Option<&IbmStore> {
        backend.as_ibm()
    }

    fn server<'a>(&'a self, spec: &'a IbmStore) -> Server<'a> {
        Server { provider: Self::PROVIDER, address: &spec.url, field: "serviceUrl" }
    }

    /// Source: IBM's SDK for Go, which ESO uses.
    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Session>, Error> {
        let Proving { proofs, spec: store, last, .. } = &proving;
        let authority = Server { provider: Self::PROVIDER, address: &store.iam, field: "iamEndpoint" };
        let proofs = Proofs { server: authority, ..*proofs };
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
        let call = proving.call(authority);
        let ask = Ask::form(&["identity", "token"], &body);
        let token = Rest::new(Arc::clone(&iam)).bearer(&call, &ask, &LOGIN).await?;
        let last = last.as_ref().map(|last| &last.rest.link);
        let link = proving.link(self.server(store), Material::default(), last).await?;
        let rest = Rest::new(link).with(AUTHORIZATION, &token.value, &call)?;
        Ok(proving.lasting(Session { rest, iam }, token.life))
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let read = async |one: &Wanted| {
            let call = asked.call("secret", &one.key);
            let reply = secret(asked, &call, &one.key).await?;
            let facts: Facts = reply.object().ok_or_else(|| call.unreadable())?;
            let parts = parts::of(&one.key, &reply.body, one.part == Part::Metadata);
            let parts = parts.map_err(|what| call.error(Kind::Invalid, what))?;
            Ok(asked.versioned(parts.to_value(), facts.version()))
        };
        Ok(together(asked.session.rest.link.bounds(), wanted.iter().map(read)).await)
    }

    async fn versions(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Version, Error>>, Error> {
        let read = async |one: &Wanted| {
            let call = asked.call("metadata", &one.key);
            let (_, _, name) = IbmStore::reference(&one.key);
            let reply = match IbmStore::is_id(name) {
                true => {
                    let ask = Ask::get(&["api", "v2", "secrets", name, "metadata"], &[]);
                    asked.session.rest.taken(&call, &ask, &REFUSALS).await?
                }
                // By a name there are values only.
                false => secret(asked, &call, &one.key).await?,
            };
            reply.object().map(|facts: Facts| facts.version()).ok_or_else(|| call.unreadable())
        };
        Ok(together(asked.session.rest.link.bounds(), wanted.iter().map(read)).await)
    }

    async fn listing(asked: &Asked<'_, Self>) -> Result<Listing, Error> {
        let rest = &asked.session.rest;
        let call = asked.call("secrets", "secrets");
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

async fn secret(asked: &Asked<'_, Ibm>, call: &Call<'_>, key: &str) -> Result<Reply, Error> {
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
    asked.session.rest.taken(call, &Ask::get(path, &[]), &REFUSALS).await
}
