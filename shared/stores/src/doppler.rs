//! Doppler: the secrets of a config of a project.

use crate::kit::{
    Adapter, Ask, Asked, Call, Dialect, Hidden, Link, Material, Proof, Proving, Reply, Server, locked,
    sealed, text,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::store::{Backend, DopplerAuth, DopplerStore};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, Version};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Doppler as [`Sources`](pawl_ports::Sources).
///
/// A service token reads its own config and needs nothing else; other tokens need the right to read the config's secrets. One
/// key is asked for by its name, several by the config, which is one call.
///
/// A secret's version is a digest of its value under the ledger's key. A config has an etag, with which Doppler says without
/// its secrets that none of them changed: then a sweep is one small call for all keys. That a secret does not exist counts only
/// where the config, read whole, does not have it.
pub type DopplerSources<C> = Adapter<Doppler, C>;

/// What is particular to Doppler.
#[derive(Clone, Debug)]
pub struct Doppler {
    address: String,
}

/// A proven identity.
#[derive(Debug)]
pub struct Session {
    link: Arc<Link>,
    token: SecretValue,
    seen: Seen,
}

/// By project and config, the etag of what was read last, and the digest of each secret in it.
type Seen = Arc<Mutex<BTreeMap<(Option<String>, Option<String>), (String, Digests)>>>;
type Digests = Arc<BTreeMap<String, String>>;

/// Secrets by name.
type Secrets = BTreeMap<String, SecretValue>;

/// A token of a service account is traded anew this long before the token that it brought ends.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// And after this time in any case.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
const DOWNLOAD: [&str; 5] = ["v3", "configs", "config", "secrets", "download"];

impl Default for Doppler {
    fn default() -> Self {
        Self { address: "https://api.doppler.com".to_owned() }
    }
}

impl Doppler {
    /// The same at another address, for tests. Nothing is then asked of Doppler.
    pub fn at(address: &str) -> Self {
        Self { address: address.to_owned() }
    }

    /// Trades the token of a service account. Source: ESO's `OIDCTokenManager`.
    async fn trade<C: ClusterCredentials>(
        &self,
        proving: &Proving<'_, C, Self>,
        link: &Link,
    ) -> Result<(SecretValue, Timestamp), Error> {
        #[derive(Deserialize)]
        struct Traded {
            success: bool,
            token: Hidden,
            expires_at: String,
        }
        let proofs = &proving.proofs;
        let DopplerAuth::Oidc { identity, account, namespace, audiences } = &proving.spec.auth else {
            return Err(proofs.unusable("the store names no service account"));
        };
        let named = proofs.access.tags.as_ref();
        let (namespace_of, store) = named.ok_or_else(|| proofs.unusable("nothing says which store it is"))?;
        let of_store = match &store.namespace {
            None => format!("clusterSecretStore:{}", store.name),
            Some(_) => format!("secretStore:{namespace_of}:{}", store.name),
        };
        let own = std::slice::from_ref(&self.address);
        let audiences = if audiences.is_empty() { own } else { audiences };
        let audiences = [audiences, &[of_store]].concat();
        let remedy = "name other audiences in oidcConfig";
        let shown = proofs.account_token(account, namespace.as_ref(), &audiences, remedy).await?;
        let body = serde_json::json!({ "identity": identity, "token": shown.expose_str() }).to_string();
        let body = SecretValue::new(body);
        let call = proving.call(proofs.server);
        let path = vec!["v3", "auth", "oidc"];
        let reply = link.ask(&call, Ask::post(path, HeaderMap::new(), &body, link.bounds())).await;
        let traded = call.counted(reply.and_then(|reply| match reply.status.as_u16() {
            200..=299 => reply.object::<Traded>().ok_or_else(|| call.unreadable()),
            400..=404 => Err(call.error(
                Kind::Denied,
                "the service account's token was refused; check oidcConfig, and subject and audiences of the identity at Doppler",
            )),
            _ => Err(reply.failure(call.not_taken(&reply))),
        }))?;
        let until: Timestamp = traded.expires_at.parse().map_err(|_| call.unreadable())?;
        match traded.success && !traded.token.0.is_empty() {
            true => Ok((traded.token.0, until)),
            false => Err(call.error(Kind::Denied, "the login was refused; check oidcConfig")),
        }
    }
}

impl Dialect for Doppler {
    type Spec = DopplerStore;
    type Session = Session;

    const PROVIDER: Provider = Provider::Doppler;

    fn spec(backend: &Backend) -> Option<&DopplerStore> {
        backend.as_doppler()
    }

    fn identity(spec: &DopplerStore) -> DopplerStore {
        DopplerStore {
            auth: spec.auth.clone(),
            project: None,
            config: None,
            name_transformer: None,
            format: None,
        }
    }

    fn server<'a>(&'a self, _: &'a DopplerStore) -> Server<'a> {
        Server { provider: Provider::Doppler, address: &self.address, field: "auth" }
    }

    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Session>, Error> {
        let last = proving.last.as_ref().map(|last| &last.link);
        let link = proving.link(proving.proofs.server, Material::default(), last).await?;
        let (token, until) = match &proving.spec.auth {
            DopplerAuth::Token(at) => (proving.proofs.secret(at).await?, None),
            DopplerAuth::Oidc { .. } => {
                let (token, until) = self.trade(&proving, &link).await?;
                (token, Some(until))
            }
        };
        // Another token may be of another config, or see other secrets.
        let last = proving.last.as_ref().filter(|last| until.is_some() || last.token == token);
        let seen = last.map(|last| Arc::clone(&last.seen)).unwrap_or_default();
        let session = Session { link, token, seen };
        Ok(match until {
            None => proving.of_secrets(session),
            Some(until) => {
                let life = until.duration_since(proving.now).saturating_sub(MARGIN);
                proving.lasting(session, life.clamp(SignedDuration::ZERO, LONGEST))
            }
        })
    }

    async fn check(asked: &Asked<'_, Self>) -> Result<(), Error> {
        let call = asked.call("projects", "projects");
        let reply = get(asked, &call, &["v3", "projects"], Vec::new(), HeaderMap::new()).await;
        call.counted(reply.and_then(|reply| accepted(&call, &reply)))
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let secrets = match wanted {
            [one] => named(asked, &one.key).await?,
            _ => whole(asked).await?,
        };
        let value = |one: &Wanted| match secrets.get(&one.key) {
            Some(value) => Ok(asked.digested(value.clone())),
            None => Err(asked.call("secrets", &one.key).missing()),
        };
        Ok(wanted.iter().map(value).collect())
    }

    async fn find(
        asked: &Asked<'_, Self>,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = asked.call("secrets", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let path = find.path.as_deref().unwrap_or_default();
        let DopplerStore { name_transformer, format, .. } = asked.spec;
        if keep.is_limited() && (name_transformer.is_some() || format.is_some()) {
            let what = "a policy limits which keys are read, and nameTransformer and format hide their names; leave them out";
            return Err(call.error(Kind::Refused, what));
        }
        let mut query = Vec::new();
        query.extend(name_transformer.as_deref().map(|transformer| ("name_transformer", transformer)));
        query.extend(format.as_deref().map(|format| ("format", format)));
        let reply = download(asked, &call, query, HeaderMap::new()).await;
        let secrets =
            call.counted(reply.and_then(|reply| match format {
                None => secrets(&call, &reply),
                Some(_) => accepted(&call, &reply).map(|()| {
                    [(DopplerStore::FILE.to_owned(), SecretValue::new(reply.body.to_vec()))].into()
                }),
            }))?;
        let is_kept_out = |name: &str| name_transformer.is_none() && format.is_none() && !keep.allows(name);
        let meant = |name: &str| pattern.is_match(name) && name.starts_with(path) && !is_kept_out(name);
        let found = secrets.into_iter().filter(|(name, _)| meant(name));
        Ok(found.map(|(name, value)| (name, asked.digested(value))).collect())
    }

    /// One call for all keys, which brings no secrets where none changed; else they are read and dropped.
    async fn versions(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Version, Error>>, Error> {
        let place = (asked.spec.project.clone(), asked.spec.config.clone());
        let seen = locked(&asked.session.seen).get(&place).cloned();
        let call = asked.call("secrets", "secrets of the config");
        let mut headers = HeaderMap::new();
        if let Some((etag, _)) = &seen {
            headers.insert(IF_NONE_MATCH, text(etag, "the etag", &call)?);
        }
        let reply = call.counted(download(asked, &call, Vec::new(), headers).await)?;
        let digests = match seen {
            Some((_, digests)) if reply.status == StatusCode::NOT_MODIFIED => digests,
            _ => {
                let secrets = secrets(&call, &reply)?.into_iter();
                let digests: Digests =
                    Arc::new(secrets.map(|(name, value)| (name, asked.digested(value).version.id)).collect());
                if let Some(etag) = reply.headers.get(ETAG).and_then(|etag| etag.to_str().ok()) {
                    let seen = (etag.to_owned(), Arc::clone(&digests));
                    locked(&asked.session.seen).insert(place, seen);
                }
                digests
            }
        };
        let version = |one: &Wanted| match digests.get(&one.key) {
            Some(id) => Ok(Version { id: id.clone(), since: None }),
            None => Err(asked.call("secrets", &one.key).missing()),
        };
        Ok(wanted.iter().map(version).collect())
    }
}

/// The secret of this name, if the config has it. What Doppler says of one that it does not have is not told apart from what it
/// says of a config that is not seen, so that the config decides.
async fn named(asked: &Asked<'_, Doppler>, key: &str) -> Result<Secrets, Error> {
    let call = asked.call("secret", key);
    let reply = download(asked, &call, vec![("secrets", key)], HeaderMap::new()).await;
    let reply = call.counted(reply)?;
    match reply.status {
        StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST => whole(asked).await,
        _ => secrets(&call, &reply),
    }
}

async fn whole(asked: &Asked<'_, Doppler>) -> Result<Secrets, Error> {
    let call = asked.call("secrets", "secrets of the config");
    let reply = download(asked, &call, Vec::new(), HeaderMap::new()).await;
    call.counted(reply.and_then(|reply| secrets(&call, &reply)))
}

async fn download(
    asked: &Asked<'_, Doppler>,
    call: &Call<'_>,
    query: Vec<(&str, &str)>,
    mut headers: HeaderMap,
) -> Result<Reply, Error> {
    let DopplerStore { project, config, .. } = asked.spec;
    let mut all = Vec::new();
    all.extend(project.as_deref().map(|project| ("project", project)));
    all.extend(config.as_deref().map(|config| ("config", config)));
    all.extend(query);
    let is_file = all.iter().any(|(name, value)| *name == "format" && *value != "json");
    let accept = if is_file { "text/plain" } else { "application/json" };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    get(asked, call, &DOWNLOAD, all, headers).await
}

/// The token is the user's name of basic authentication, without a password.
async fn get(
    asked: &Asked<'_, Doppler>,
    call: &Call<'_>,
    path: &[&str],
    query: Vec<(&str, &str)>,
    mut headers: HeaderMap,
) -> Result<Reply, Error> {
    let pair = SecretValue::new([asked.session.token.expose(), b":"].concat());
    let shown = SecretValue::new(format!("Basic {}", STANDARD.encode(pair.expose())));
    headers.insert(AUTHORIZATION, sealed(&shown, call)?);
    let ask = Ask { headers, largest: asked.session.link.bounds().largest_list, ..Ask::get(path, &query) };
    asked.session.link.ask(call, ask).await
}

fn secrets(call: &Call<'_>, reply: &Reply) -> Result<Secrets, Error> {
    accepted(call, reply)?;
    let read: Option<BTreeMap<String, Option<Hidden>>> = reply.object();
    let read = read.ok_or_else(|| call.unreadable())?.into_iter();
    let value = |text: Option<Hidden>| text.map_or_else(|| SecretValue::new(""), |text| text.0);
    Ok(read.map(|(name, text)| (name, value(text))).collect())
}

fn accepted(call: &Call<'_>, reply: &Reply) -> Result<(), Error> {
    match reply.status.as_u16() {
        200..=299 => Ok(()),
        404 | 400 => Err(call.error(
            Kind::Invalid,
            "there is no such project or config, or the token does not see it; check the store",
        )),
        _ => Err(reply.failure(call.refused(reply, "the right to read the config's secrets"))),
    }
}
