//! BeyondTrust Password Safe. Source: ESO's provider, version 2.9, and BeyondTrust's client for Go, version 1.3.

use crate::kit::{
    Api, Ask, Call, Door, Hidden, Material, OneServer, OneServerSources, Proofs, Proven, Reply, Server, form,
    sealed,
};
use jiff::SignedDuration;
use pawl_domain::parts::Parts;
use pawl_domain::store::{Backend, BeyondtrustAuth, BeyondtrustKeys, BeyondtrustStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue, Version};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Password Safe as [`Sources`](pawl_ports::Sources): one call a secret, two for a file, four for a managed account, which is
/// requested, read and checked in. A sweep asks when the password of a managed account was changed, and takes one out only
/// where the server does not tell.
///
/// A key never counts as missing: what the identity may not see is missing in the same way.
pub type BeyondtrustSources<C> = OneServerSources<Beyondtrust, C>;

/// How Password Safe is asked.
#[derive(Debug)]
pub struct Beyondtrust;

/// What proves an identity: the cookies of a session.
#[derive(Debug)]
pub struct Session(SecretValue);

/// The server ends a session that nobody used for 20 minutes.
const LIFE: SignedDuration = SignedDuration::from_mins(10);
const RIGHT: &str = "the right to read it, and a session that Password Safe accepts from this machine";
/// The longest file, in bytes, as in ESO.
const LARGEST_FILE: usize = 5_000_000;

impl OneServer for Beyondtrust {
    type Spec = BeyondtrustStore;
    type Proof = Session;
    const PROVIDER: Provider = Provider::Beyondtrust;

    fn spec(backend: &Backend) -> Option<&BeyondtrustStore> {
        backend.as_beyondtrust()
    }

    fn server(spec: &BeyondtrustStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.api_url, field: "server.apiUrl" }
    }

    fn identity(spec: &BeyondtrustStore) -> BeyondtrustStore {
        let (keys, separator) = (BeyondtrustKeys::Secrets, String::new());
        BeyondtrustStore { api_version: None, keys, separator, ..spec.clone() }
    }

    async fn material<C: ClusterCredentials>(
        spec: &BeyondtrustStore,
        proofs: &Proofs<'_, C>,
    ) -> Result<Material, Error> {
        let Some(client) = &spec.certificate else { return Ok(Material::default()) };
        let (certificate, key) =
            (proofs.given(&client.certificate).await?, proofs.secret(&client.key).await?);
        Ok(Material { ca: None, certificate: Some(SecretValue::new(certificate)), key: Some(key) })
    }

    async fn prove<C: ClusterCredentials>(
        spec: &BeyondtrustStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<Session>, Error> {
        let header = match &spec.auth {
            BeyondtrustAuth::ApiKey(key) => [b"PS-Auth key=", proofs.secret(key).await?.expose()].concat(),
            BeyondtrustAuth::Client { id, secret } => {
                let (id, secret) =
                    (proofs.given(id).await?, proofs.text(secret).await.map(SecretValue::new)?);
                let body = form(&[
                    ("client_id", &id),
                    ("client_secret", secret.expose_str().unwrap_or_default()),
                    ("grant_type", "client_credentials"),
                ]);
                let path = ["Auth", "connect", "token"];
                let ask = Ask { largest: door.link.bounds().largest_answer, ..Ask::form(&path, &body) };
                let token: Token = door.token(ask).await?;
                [b"Bearer ", token.access_token.expose().as_bytes()].concat()
            }
        };
        let call = door.call("login");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, sealed(&SecretValue::new(header), &call)?)]);
        let empty = SecretValue::new("");
        let ask = Ask::post(vec!["Auth", "SignAppIn"], headers, &empty, door.link.bounds());
        let reply = door.link.ask(&call, ask).await;
        let cookies = call.counted(reply.and_then(|reply| match reply.status.is_success() {
            true => cookies(&reply).ok_or_else(|| call.unreadable()),
            false => Err(reply.failure(call.refused(&reply, "an application user that may sign in"))),
        }))?;
        Ok(Proven { proof: Session(cookies), lasts: LIFE })
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, |one| api.value(&one.key)).await
    }

    async fn versions(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Version, Error>>, Error> {
        api.each(wanted, async |one| {
            let fetched = match api.spec.keys {
                BeyondtrustKeys::Secrets | BeyondtrustKeys::Encrypted => api.value(&one.key).await,
                BeyondtrustKeys::ManagedAccounts => {
                    let account = api.account(&one.key).await?;
                    match account.version() {
                        Some(version) => return Ok(version),
                        None => api.of_account(&one.key, &account).await,
                    }
                }
            };
            fetched.map(|fetched| fetched.version)
        })
        .await
    }
}

#[derive(Deserialize)]
struct Token {
    access_token: Hidden,
}

/// Versions of the API from 3.2 on wrap lists.
#[derive(Deserialize)]
#[serde(untagged)]
enum Secrets {
    Plain(Vec<Secret>),
    Wrapped {
        #[serde(rename = "Data")]
        data: Vec<Secret>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    id: String,
    #[serde(default)]
    secret_type: Option<String>,
    #[serde(default)]
    password: Option<Hidden>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    system_id: i64,
    account_id: i64,
    #[serde(default)]
    last_change_date: Option<String>,
}

impl Account {
    /// When its password was changed, where the server tells.
    fn version(&self) -> Option<Version> {
        let changed = self.last_change_date.as_ref().filter(|date| !date.is_empty())?;
        Some(Version { id: format!("{}@{changed}", self.account_id), since: None })
    }
}

impl Api<'_, Beyondtrust> {
    async fn value(&self, key: &str) -> Result<Fetched, Error> {
        match self.spec.keys {
            BeyondtrustKeys::Secrets | BeyondtrustKeys::Encrypted => {
                self.secret(key).await.map(|secret| self.digested(whole(secret)))
            }
            BeyondtrustKeys::ManagedAccounts => self.of_account(key, &self.account(key).await?).await,
        }
    }

    async fn of_account(&self, key: &str, account: &Account) -> Result<Fetched, Error> {
        let value = whole(self.checked_out(key, account).await?);
        Ok(match account.version() {
            Some(version) => self.versioned(value, version),
            None => self.digested(value),
        })
    }

    async fn secret(&self, key: &str) -> Result<SecretValue, Error> {
        let (path, title) = self.place(key, 8, [1792, 256])?;
        // ESO splits the path that it joined once more, and drops a separator at its end.
        let path = path.strip_suffix(self.spec.separator.as_str()).unwrap_or(&path);
        let decrypts = self.spec.keys == BeyondtrustKeys::Secrets;
        let decrypt = if decrypts { "true" } else { "false" };
        let version = self.spec.api_version.as_deref().map(|version| ("version", version));
        let own =
            [("path", path), ("title", &title), ("separator", &self.spec.separator), ("decrypt", decrypt)];
        let query: Vec<_> = own.into_iter().chain(version).collect();
        let call = self.call("secret", key);
        let ask = Ask { query, ..self.read(&call, vec!["secrets-safe", "secrets"])? };
        let (Secrets::Plain(found) | Secrets::Wrapped { data: found }) = self.asked(&call, ask).await?;
        let found = found.into_iter().next().ok_or_else(|| {
            let what = "there is no such secret, or it may not be seen; check the key, and give the identity its folder";
            call.error(Kind::Invalid, what)
        })?;
        if found.secret_type.is_some_and(|kind| kind.eq_ignore_ascii_case("FILE")) {
            let call = self.call("file", key);
            let path = vec!["secrets-safe", "secrets", &found.id, "file", "download"];
            let query = version.into_iter().collect();
            let ask = Ask { query, largest: LARGEST_FILE, ..self.read(&call, path)? };
            return self.taken(&call, ask).await.map(|reply| SecretValue::new(reply.body.as_slice()));
        }
        match (found.password, decrypts) {
            (Some(password), _) => Ok(password.0),
            (None, false) => Ok(SecretValue::new("")),
            (None, true) => Err(call.error(Kind::Invalid, "the server left its value out; give it one")),
        }
    }

    async fn account(&self, key: &str) -> Result<Account, Error> {
        let (system, name) = self.place(key, 2, [128, 245])?;
        let call = self.call("account", key);
        let query = vec![("systemName", system.as_str()), ("accountName", name.as_str())];
        let ask = Ask { query, ..self.read(&call, vec!["ManagedAccounts"])? };
        self.asked(&call, ask).await
    }

    /// The password of an account, which is requested for it and checked in again, whatever comes of it. A password counts
    /// also where the check-in is refused: another reader of the account may have checked the same request in, and a request
    /// that stays open ends by itself.
    async fn checked_out(&self, key: &str, account: &Account) -> Result<SecretValue, Error> {
        let call = self.call("request", key);
        let body = serde_json::json!({
            "SystemID": account.system_id, "AccountID": account.account_id, "DurationMinutes": 5,
            "Reason": "Read by Pawl", "ConflictOption": "reuse",
        });
        let (body, nothing) = (SecretValue::new(body.to_string()), SecretValue::new("{}"));
        let read = |path| self.read(&call, path);
        let ask = Ask { method: Method::POST, body: Some(&body), ..read(vec!["Requests"])? };
        let request: u64 = self.asked(&call, ask).await?;
        let request = request.to_string();
        let password = self.asked::<Hidden>(&call, read(vec!["Credentials", &request])?).await;
        let path = vec!["Requests", &request, "checkin"];
        let ask = Ask { method: Method::PUT, body: Some(&nothing), ..read(path)? };
        // A failure is in the metrics of calls.
        _ = self.taken(&call, ask).await;
        password.map(|password| password.0)
    }

    /// What stands before the last separator of a key and behind it; both are the key where it has none. Source: the client's
    /// `ValidatePaths`.
    fn place(&self, key: &str, depth: usize, longest: [usize; 2]) -> Result<(String, String), Error> {
        let separator = self.spec.separator.as_str();
        let parts: Vec<&str> = key.split(separator).collect();
        let (name, folders) = parts.split_last().unwrap_or((&key, &[]));
        let path = if folders.is_empty() { key.to_owned() } else { folders.join(separator) };
        let (path, name) = (path.trim(), name.trim());
        let fits = |text: &str, longest| (1..=longest).contains(&text.len());
        if parts.len() <= depth && fits(path, longest[0]) && fits(name, longest[1]) {
            return Ok((path.to_owned(), name.to_owned()));
        }
        let what = format_args!(
            "is no key of this store; write <path>{separator}<name>, with {} parts of a path at most",
            depth - 1
        );
        Err(self.call("key", key).error(Kind::Invalid, what))
    }

    fn read<'a>(&self, call: &Call<'_>, path: Vec<&'a str>) -> Result<Ask<'a>, Error> {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(COOKIE, sealed(&self.proof().0, call)?), (CONTENT_TYPE, json)]);
        Ok(Ask::read(path, headers, self.link().bounds()))
    }

    async fn asked<T: DeserializeOwned>(&self, call: &Call<'_>, ask: Ask<'_>) -> Result<T, Error> {
        self.taken(call, ask).await?.json().ok_or_else(|| call.unreadable())
    }

    async fn taken(&self, call: &Call<'_>, ask: Ask<'_>) -> Result<Reply, Error> {
        let reply = self.link().ask(call, ask).await;
        call.counted(reply.and_then(|reply| match reply.status.is_success() {
            true => Ok(reply),
            false => Err(reply.failure(call.refused(&reply, RIGHT))),
        }))
    }
}

fn whole(value: SecretValue) -> SecretValue {
    Parts { whole: Some(value), ignores_properties: true, ..Parts::default() }.to_value()
}

/// The cookies that a server set, as it wants them back.
fn cookies(reply: &Reply) -> Option<SecretValue> {
    let set = reply.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let pairs: Vec<&str> = set.filter_map(|cookie| cookie.split(';').next()).map(str::trim).collect();
    (!pairs.is_empty()).then(|| SecretValue::new(pairs.join("; ")))
}
