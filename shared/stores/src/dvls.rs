//! Devolutions Server. Source: Devolutions' client for Go, version 0.19, and ESO's provider, version 2.9.

use crate::kit::{
    Api, Ask, Call, Door, Hidden, OneServer, OneServerSources, Pages, PlainHttp, Proofs, Proven, READ_AGAIN,
    Reply, Server, sealed,
};
use pawl_domain::store::{Backend, DvlsStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::collections::BTreeMap;
use url::form_urlencoded::Serializer;

/// Devolutions Server as [`Sources`](pawl_ports::Sources): one call a key that is an id, two for one that is a name. Where an
/// entry is not there, its vault is asked for as well: a vault that may not be seen is missing in the same words.
pub type DvlsSources<C> = OneServerSources<Dvls, C>;

/// How Devolutions Server is asked.
#[derive(Debug)]
pub struct Dvls;

const TOKEN: HeaderName = HeaderName::from_static("tokenid");
const RIGHT: &str = "the right to view entries and passwords of the vault";
const MOST_PAGES: usize = 1000;

/// What proves an identity: a token of the server's.
#[derive(Debug)]
pub struct Login(SecretValue);

impl OneServer for Dvls {
    type Spec = DvlsStore;
    type Proof = Login;
    const PROVIDER: Provider = Provider::Dvls;

    fn spec(backend: &Backend) -> Option<&DvlsStore> {
        backend.as_dvls()
    }

    fn server(spec: &DvlsStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.server_url, field: "serverUrl" }
    }

    fn identity(spec: &DvlsStore) -> DvlsStore {
        DvlsStore { vault: None, ..spec.clone() }
    }

    fn plain(spec: &DvlsStore) -> PlainHttp {
        if spec.insecure { PlainHttp::Allowed } else { PlainHttp::Listed }
    }

    async fn prove<C: ClusterCredentials>(
        spec: &DvlsStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<Login>, Error> {
        let (id, secret) = (proofs.text(&spec.app_id).await?, proofs.text(&spec.app_secret).await?);
        let (id, secret) = (SecretValue::new(id), SecretValue::new(secret));
        let text = |value: &SecretValue| value.expose_str().unwrap_or_default().to_owned();
        let pairs = [("AppKey", text(&id)), ("AppSecret", text(&secret))];
        let body = SecretValue::new(Serializer::new(String::new()).extend_pairs(pairs).finish());
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form)]);
        let token: Token =
            door.token(Ask::post(vec!["api", "v1", "login"], headers, &body, door.link.bounds())).await?;
        // Nothing tells how long it lives.
        Ok(Proven { proof: Login(token.token_id.0), lasts: READ_AGAIN })
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let vault = match api.spec.vault.as_deref() {
            Some(vault) if !is_uuid(vault) => Some(api.vault(vault).await?),
            vault => vault.map(str::to_owned),
        };
        api.each(wanted, |one| api.value(vault.as_deref(), &one.key)).await
    }
}

#[derive(Deserialize)]
struct Token {
    #[serde(rename = "tokenId")]
    token_id: Hidden,
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default = "Vec::new")]
    data: Vec<T>,
    #[serde(rename = "totalPage", default)]
    pages: u64,
}

#[derive(Deserialize)]
struct Vault {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    path: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(rename = "subType", default)]
    sub_kind: String,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(rename = "subType", default)]
    sub_kind: String,
    #[serde(default)]
    data: BTreeMap<String, Part>,
}

/// What an entry has under a name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Text(Hidden),
    Null(()),
    Other(IgnoredAny),
}

/// A member of an entry, and what ESO calls it.
type Member = (&'static str, &'static str);

/// What ESO takes of each kind of credential.
const KINDS: [(&str, &[Member]); 6] = [
    ("AccessCode", &[("password", "password")]),
    ("ApiKey", &[("apiId", "api-id"), ("apiKey", "api-key"), ("tenantId", "tenant-id")]),
    (
        "AzureServicePrincipal",
        &[("clientId", "client-id"), ("clientSecret", "client-secret"), ("tenantId", "tenant-id")],
    ),
    ("ConnectionString", &[("connectionString", "connection-string")]),
    ("Default", &[("domain", "domain"), ("password", "password"), ("username", "username")]),
    (
        "PrivateKey",
        &[
            ("privateKeyOverrideUsername", "username"),
            ("privateKeyOverridePassword", "password"),
            ("privateKeyData", "private-key"),
            ("publicKeyData", "public-key"),
            ("privateKeyPassPhrase", "passphrase"),
        ],
    ),
];

impl Api<'_, Dvls> {
    /// The id of the one vault of this name.
    async fn vault(&self, name: &str) -> Result<String, Error> {
        let call = self.call("vaults", name);
        let vaults: Vec<Vault> = self.all(&call, &["vault"], Vec::new()).await?;
        let mut named = vaults.into_iter().filter(|vault| vault.name == name);
        match (named.next(), named.next()) {
            (Some(vault), None) => Ok(vault.id),
            (None, _) => Err(call.error(
                Kind::Invalid,
                format_args!(
                    "there is no such vault, or it may not be seen; check the store's vault, and {RIGHT}"
                ),
            )),
            _ => Err(call.error(Kind::Invalid, "several vaults have this name; write the vault's id")),
        }
    }

    async fn value(&self, vault: Option<&str>, key: &str) -> Result<Fetched, Error> {
        let call = self.call("entry", key);
        let (vault, entry) = match vault {
            Some(vault) if is_uuid(key.trim()) => (vault, key.trim().to_owned()),
            Some(vault) => (vault, self.entry(&call, vault, key.trim()).await?),
            None => match key.split_once('/').map(|(vault, entry)| (vault.trim(), entry.trim())) {
                Some((vault, entry)) if is_uuid(vault) && is_uuid(entry) => (vault, entry.to_owned()),
                _ => {
                    let what = "without a vault in the store, write <id of the vault>/<id of the entry>";
                    return Err(call.error(Kind::Invalid, what));
                }
            },
        };
        let found: Option<Entry> = self.get(&call, &["vault", vault, "entry", &entry], Vec::new()).await?;
        let Some(found) = found else {
            let seen: Option<IgnoredAny> = self.get(&call, &["vault", vault], Vec::new()).await?;
            return Err(if seen.is_some() { call.missing() } else { unseen(&call) });
        };
        let members = KINDS.iter().find(|(kind, _)| found.kind == "Credential" && found.sub_kind == *kind);
        let Some((_, members)) = members else {
            return Err(
                call.error(Kind::Invalid, "it is no credential of a kind that is known; name another entry")
            );
        };
        let mut texts = BTreeMap::from([("entry-id", found.id.as_str()), ("entry-name", &found.name)]);
        for (member, name) in *members {
            match found.data.get(*member) {
                Some(Part::Text(text)) if !text.0.is_empty() => _ = texts.insert(name, text.expose()),
                None | Some(Part::Null(()) | Part::Text(_)) => {}
                Some(Part::Other(_)) => return Err(call.unreadable()),
            }
        }
        let value = serde_json::to_vec(&texts).map_err(|_| call.unreadable())?;
        Ok(self.digested(SecretValue::new(value)))
    }

    /// The id of the one credential of this name, and in this folder where the key names one.
    async fn entry(&self, call: &Call<'_>, vault: &str, key: &str) -> Result<String, Error> {
        let key = key.replace('/', "\\");
        let (folder, name) = key.rsplit_once('\\').unwrap_or(("", &key));
        if name.is_empty() {
            return Err(call.error(Kind::Invalid, "names no entry; write its name or id"));
        }
        let path = Some(("path", folder)).filter(|_| !folder.is_empty());
        let query: Vec<_> = std::iter::once(("name", name)).chain(path).collect();
        let listed: Vec<Listed> = self.all(call, &["vault", vault, "entry"], query).await?;
        // The server's own filter is not exact.
        let within = |path: &str| {
            path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('\\'))
        };
        let meant = |each: &Listed| {
            let is_known = KINDS.iter().any(|(kind, _)| *kind == each.sub_kind);
            each.kind == "Credential" && is_known && (folder.is_empty() || within(&each.path))
        };
        let mut found = listed.into_iter().filter(meant);
        match (found.next(), found.next()) {
            (Some(entry), None) => Ok(entry.id),
            (None, _) => Err(call.missing()),
            _ => Err(call.error(Kind::Invalid, "several entries have this name; write the entry's id")),
        }
    }

    async fn all<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        path: &[&str],
        query: Vec<(&str, &str)>,
    ) -> Result<Vec<T>, Error> {
        let (mut pages, mut found) = (Pages::from(*call, "1", MOST_PAGES), Vec::new());
        while let Some(page) = pages.take() {
            let query = query.iter().copied().chain([("page", page.as_str())]).collect();
            let read: Option<Page<T>> = self.get(call, path, query).await?;
            let Page { data, pages: last } = read.ok_or_else(|| unseen(call))?;
            found.extend(data);
            pages.then(
                page.parse().ok().filter(|page: &u64| *page < last).map(|page| (page + 1).to_string()),
            )?;
        }
        Ok(found)
    }

    /// `None` where the server says that it is not there.
    async fn get<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        path: &[&str],
        query: Vec<(&str, &str)>,
    ) -> Result<Option<T>, Error> {
        let headers = HeaderMap::from_iter([(TOKEN, sealed(&self.proof().0, call)?)]);
        let largest = self.link().bounds().largest_list;
        let ask = Ask {
            query,
            largest,
            ..Ask::read([&["api", "v1"], path].concat(), headers, self.link().bounds())
        };
        let reply = self.link().ask(call, ask).await;
        call.counted(reply.and_then(|reply: Reply| match reply.status.as_u16() {
            200 | 201 => reply.object().map(Some).ok_or_else(|| call.unreadable()),
            404 => Ok(None),
            _ => Err(reply.failure(call.refused(&reply, RIGHT))),
        }))
    }
}

fn unseen(call: &Call<'_>) -> Error {
    let what =
        format_args!("its vault is not there, or may not be seen; check the store's vault, and {RIGHT}");
    call.error(Kind::Invalid, what)
}

/// Whether a text is the id of an entry or a vault.
fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
