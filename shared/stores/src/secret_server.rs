//! Delinea Secret Server, by itself or as the vault of a Delinea Platform. [`parts`] holds what a secret gives, `login` how an
//! identity is proven.

mod login;
mod parts;

use crate::kit::{Adapter, Ask, Asked, Dialect, Proof, Proving, Refusals, Rest, Server, together};
use parts::Secret;
use pawl_domain::provider::SecretServerKey;
use pawl_domain::store::{Backend, SecretServerStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue, VersionSelector};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::StatusCode;
use serde::Deserialize;

/// Delinea Secret Server as [`Sources`](pawl_ports::Sources).
///
/// The user needs the permission View on each secret. An id or a path is one call, a name two: a search, and the first secret
/// that it finds, as in ESO; and one more for each file among the fields.
///
/// A key never counts as missing: a search lists only what the user may see, and of an id that the user may not see the server
/// says what it says of one that is not there.
pub type SecretServerSources<C> = Adapter<SecretServer, C>;

/// What is particular to Secret Server.
#[derive(Debug, Default)]
pub struct SecretServer;

/// What a proven identity asks with.
#[derive(Debug)]
pub struct Session {
    rest: Rest,
    /// The address that the manifest names, which of a platform is another one than that of its vault.
    front: Rest,
}

#[derive(Deserialize)]
struct Search {
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: i64,
    #[serde(default)]
    folder_id: Option<i64>,
}

const REFUSALS: Refusals = Refusals {
    token: "the token was refused; check auth",
    rights: "access denied; give the user the permission View on the secret",
    unseen: UNSEEN,
    absent: |_| false,
    passing: None,
};
/// Of an id that may be a name as well: only 404 says that it is no id. Any other failure is one of the secret with this id,
/// and must not lead to another secret.
const REFUSALS_OF_NUMBER: Refusals =
    Refusals { absent: |reply| reply.status == StatusCode::NOT_FOUND, ..REFUSALS };
const UNSEEN: &str =
    "there is no such secret, or the user may not see it; check the key and the user's permissions";

impl Dialect for SecretServer {
    type Spec = SecretServerStore;
    type Session = Session;

    const PROVIDER: Provider = Provider::SecretServer;

    fn spec(backend: &Backend) -> Option<&SecretServerStore> {
        backend.as_secret_server()
    }

    fn server<'a>(&'a self, spec: &'a SecretServerStore) -> Server<'a> {
        Server { provider: Self::PROVIDER, address: &spec.url, field: "serverURL" }
    }

    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Session>, Error> {
        login::prove(proving).await
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let read = async |one: &Wanted| {
            let call = asked.call("secret", &one.key);
            if one.selector != VersionSelector::Current {
                return Err(call.error(Kind::Invalid, "versions cannot be read; leave version out"));
            }
            let secret = asked.named(&one.key).await?;
            let parts = secret.parts().map_err(|what| call.error(Kind::Invalid, what))?;
            Ok(asked.digested(parts.to_value()))
        };
        Ok(together(asked.session.rest.link.bounds(), wanted.iter().map(read)).await)
    }
}

impl Asked<'_, SecretServer> {
    async fn named(&self, key: &str) -> Result<Secret, Error> {
        match SecretServerKey::of(key) {
            SecretServerKey::InFolder(folder, name) => {
                self.by_name(key, name, i64::try_from(folder).ok()).await
            }
            SecretServerKey::Path(path) => self.read(key, "0", &[("secretPath", path)], &REFUSALS).await,
            SecretServerKey::Name(name) => self.by_name(key, name, None).await,
            SecretServerKey::Number(id, name) => {
                match self.read(key, &id.to_string(), &[], &REFUSALS_OF_NUMBER).await {
                    // A name may be a number.
                    Err(error) if error.kind == Kind::NotFound => self.by_name(key, name, None).await,
                    found => found,
                }
            }
        }
    }

    /// The first secret of a name, or the first in a folder.
    async fn by_name(&self, key: &str, name: &str, folder: Option<i64>) -> Result<Secret, Error> {
        let call = self.call("search", key);
        let query = [
            ("paging.filter.searchText", name),
            ("paging.filter.searchField", "Name"),
            ("paging.filter.doNotCalculateTotal", "true"),
            ("paging.take", "30"),
            ("paging.skip", "0"),
            ("paging.filter.isExactMatch", "true"),
        ];
        let reply =
            self.session.rest.taken(&call, &Ask::get(&["api", "v1", "secrets"], &query), &REFUSALS).await?;
        let found: Search = reply.object().ok_or_else(|| call.unreadable())?;
        for record in found.records {
            if folder.is_some() && record.folder_id.is_some() && record.folder_id != folder {
                continue;
            }
            let secret = self.read(key, &record.id.to_string(), &[], &REFUSALS).await?;
            if folder.is_none_or(|folder| secret.folder() == folder) {
                return Ok(secret);
            }
        }
        Err(call.error(Kind::Invalid, UNSEEN))
    }

    /// A secret, with the content of files among its fields.
    async fn read(
        &self,
        key: &str,
        id: &str,
        query: &[(&str, &str)],
        refusals: &Refusals,
    ) -> Result<Secret, Error> {
        let call = self.call("secret", key);
        let reply =
            self.session.rest.taken(&call, &Ask::get(&["api", "v1", "secrets", id], query), refusals).await?;
        let mut secret = Secret::of(&reply.body).ok_or_else(|| call.unreadable())?;
        // Of a path, the answer alone tells the id.
        let id = if query.is_empty() { id.to_owned() } else { secret.id().to_string() };
        for slug in secret.files() {
            let call = self.call("field", key);
            let ask = Ask::get(&["api", "v1", "secrets", &id, "fields", &slug], &[]);
            let mut reply = self.session.rest.taken(&call, &ask, &REFUSALS).await?;
            secret.fill(&slug, &SecretValue::new(std::mem::take(&mut *reply.body)));
        }
        Ok(secret)
    }
}
