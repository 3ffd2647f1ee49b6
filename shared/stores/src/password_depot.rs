//! Password Depot. Source: ESO's provider, version 2.9.

use crate::kit::{
    Api, Ask, Call, Door, Hidden, OneServer, OneServerSources, Proofs, Proven, READ_AGAIN, Server, sealed,
};
use pawl_domain::parts::Parts;
use pawl_domain::store::{Backend, PasswordDepotStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::BTreeMap;

/// Password Depot as [`Sources`](pawl_ports::Sources): two calls that list database and entries, then one for each folder of a
/// key, and one that reads it.
///
/// A key never counts as missing: an entry that the user may not see is in no list either.
pub type PasswordDepotSources<C> = OneServerSources<PasswordDepot, C>;

/// How Password Depot is asked.
#[derive(Debug)]
pub struct PasswordDepot;

/// What proves an identity.
#[derive(Debug)]
pub struct Login {
    client: SecretValue,
    token: SecretValue,
}

const USER: HeaderName = HeaderName::from_static("user");
const PASSWORD: HeaderName = HeaderName::from_static("pass");
const CLIENT: HeaderName = HeaderName::from_static("client_id");
const TOKEN: HeaderName = HeaderName::from_static("access_token");
const RIGHT: &str = "the right to read the database and its entries";
/// What ESO takes of an entry.
const MEMBERS: [&str; 23] = [
    "acm",
    "author",
    "category",
    "comment",
    "donotaddon",
    "expirydate",
    "fingerprint",
    "icon",
    "importance",
    "itemclass",
    "login",
    "loginid",
    "markassafe",
    "name",
    "paramstr",
    "pass",
    "passid",
    "safemode",
    "secondeye",
    "secondpass",
    "tags",
    "template",
    "url",
];

impl OneServer for PasswordDepot {
    type Spec = PasswordDepotStore;
    type Proof = Login;
    const PROVIDER: Provider = Provider::PasswordDepot;

    fn spec(backend: &Backend) -> Option<&PasswordDepotStore> {
        backend.as_password_depot()
    }

    fn server(spec: &PasswordDepotStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.url, field: "host" }
    }

    fn identity(spec: &PasswordDepotStore) -> PasswordDepotStore {
        PasswordDepotStore { database: String::new(), ..spec.clone() }
    }

    async fn prove<C: ClusterCredentials>(
        spec: &PasswordDepotStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<Login>, Error> {
        let (user, password) = (proofs.secret(&spec.username).await?, proofs.secret(&spec.password).await?);
        if user.is_empty() || password.is_empty() {
            return Err(proofs.unusable("username or password of the store's credentials is empty"));
        }
        let call = door.call("login");
        let headers =
            HeaderMap::from_iter([(USER, sealed(&user, &call)?), (PASSWORD, sealed(&password, &call)?)]);
        let token: Token = door.token(Ask::read(vec!["v1.0", "login"], headers, door.link.bounds())).await?;
        // Nothing tells how long it lives.
        let proof = Login { client: token.client_id.0, token: token.access_token.0 };
        Ok(Proven { proof, lasts: READ_AGAIN })
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let name = &api.spec.database;
        let call = api.call("databases", name);
        let Databases { databases } = api.get(&call, "list", Vec::new()).await?;
        let database = one(&call, &databases, name, "database")?;
        let entries = api.entries(&call, &database, None).await?;
        api.each(wanted, |one| api.value(&database, &entries, &one.key)).await
    }
}

#[derive(Deserialize)]
struct Token {
    client_id: Hidden,
    access_token: Hidden,
}

#[derive(Deserialize)]
struct Databases {
    databases: Vec<Listed>,
}

#[derive(Deserialize)]
struct Entries {
    entries: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    fingerprint: String,
}

/// What an entry has under a name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Text(Hidden),
    Null(()),
    Other(IgnoredAny),
}

impl Api<'_, PasswordDepot> {
    async fn value(&self, database: &str, entries: &[Listed], key: &str) -> Result<Fetched, Error> {
        let call = self.call("entry", key);
        let mut parts = key.split('.');
        let first = parts.next().unwrap_or_default();
        let mut found = one(&call, entries, first, "entry")?;
        for part in parts {
            found = one(&call, &self.entries(&call, database, Some(&found)).await?, part, "entry")?;
        }
        let query = vec![("db", database), ("entry", found.as_str())];
        let entry: BTreeMap<String, Part> = self.get(&call, "read", query).await?;
        // Whatever else was answered is no entry.
        if !entry.contains_key("fingerprint") {
            return Err(call.unreadable());
        }
        let member = |name: &&str| {
            let text = match entry.get(*name) {
                Some(Part::Text(text)) => text.0.clone(),
                None | Some(Part::Null(())) => SecretValue::new(""),
                Some(Part::Other(_)) => return Err(call.unreadable()),
            };
            Ok(((*name).to_owned(), text))
        };
        let members: BTreeMap<String, SecretValue> = MEMBERS.iter().map(member).collect::<Result<_, _>>()?;
        let value = Parts { every: Some(members.clone()), members, ..Parts::default() };
        Ok(self.digested(value.to_value()))
    }

    /// The entries of a folder, or those in none.
    async fn entries(
        &self,
        call: &Call<'_>,
        database: &str,
        folder: Option<&str>,
    ) -> Result<Vec<Listed>, Error> {
        let query = [("db", database)].into_iter().chain(folder.map(|folder| ("folder", folder))).collect();
        self.get(call, "list", query).await.map(|found: Entries| found.entries)
    }

    async fn get<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        what: &str,
        query: Vec<(&str, &str)>,
    ) -> Result<T, Error> {
        let Login { client, token } = self.proof();
        let headers = HeaderMap::from_iter([(CLIENT, sealed(client, call)?), (TOKEN, sealed(token, call)?)]);
        let largest = self.link().bounds().largest_list;
        let ask = Ask { query, largest, ..Ask::read(vec!["v1.0", what], headers, self.link().bounds()) };
        self.json(call, ask, |call, reply| call.refused(reply, RIGHT)).await
    }
}

/// The fingerprint of the one that is called so, or else of the one that has this in its name. An empty text is in every name,
/// so it is in none.
fn one(call: &Call<'_>, listed: &[Listed], name: &str, what: &str) -> Result<String, Error> {
    let has_it = |each: &&Listed| !name.is_empty() && each.name.contains(name);
    let (exact, others): (Vec<_>, Vec<_>) = listed.iter().filter(has_it).partition(|each| each.name == name);
    let found = if exact.is_empty() { others } else { exact };
    match *found {
        [found] => Ok(found.fingerprint.clone()),
        [] => Err(call.error(
            Kind::Invalid,
            format_args!(
                "there is no {what} {name:?}, or it may not be seen; correct it, and give the user {RIGHT}"
            ),
        )),
        [..] => Err(call.error(
            Kind::Invalid,
            format_args!("several have {name:?} in their names; write the whole name of the {what}"),
        )),
    }
}
