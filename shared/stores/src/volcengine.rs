//! Volcengine KMS. Source: ESO's provider, version 2.9, Volcengine's SDK for Go, version 1.1, and its reference of the API.
//! [`sign`] holds the signature of requests.

mod sign;

use crate::kit::{
    Adapter, Asked, Call, Dialect, Hidden, Link, Material, Pages, Proof, Proving, Reply, Server, Whole,
    may_pass, together,
};
use jiff::Timestamp;
use pawl_domain::store::{Backend, VolcengineStore};
use pawl_domain::{Fetched, Kind, Provider, SecretValue, Version, VersionSelector};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sign::Signer;
use std::sync::Arc;

/// Volcengine KMS as [`Sources`](pawl_ports::Sources): one call a key. A sweep reads no value where the identity may list
/// versions, which is one call a key as well.
///
/// That a secret does not exist counts only where the service names it as not found: one that may not be read is answered
/// otherwise.
pub type VolcengineSources<C> = Adapter<Volcengine, C>;

/// What is particular to Volcengine.
#[derive(Debug, Default)]
pub struct Volcengine {
    /// Where it is; `None` for Volcengine's own hosts.
    address: Option<String>,
}

/// What a proven identity asks with.
#[derive(Debug)]
pub struct Session {
    link: Arc<Link>,
    address: String,
    signer: Signer,
}

const API: &str = "2021-02-18";
const MOST_PAGES: usize = 100;
const PAGE: usize = 100;
/// The version that is in force.
const CURRENT: &str = "CURRENT";
/// The regions that have hosts of their own. Source: Volcengine's SDK for Go.
const WITH_HOSTS: [&str; 5] = [
    "ap-southeast-2",
    "ap-southeast-3",
    "cn-beijing-autodriving",
    "cn-beijing-selfdrive",
    "cn-shanghai-autodriving",
];

impl Volcengine {
    /// The same at another address, for tests. Nothing is then asked of Volcengine.
    pub fn at(address: &str) -> Self {
        Self { address: Some(address.to_owned()) }
    }
}

impl Dialect for Volcengine {
    type Spec = VolcengineStore;
    type Session = Session;

    const PROVIDER: Provider = Provider::Volcengine;

    fn spec(backend: &Backend) -> Option<&VolcengineStore> {
        backend.as_volcengine()
    }

    fn server<'a>(&'a self, spec: &'a VolcengineStore) -> Server<'a> {
        server(self.address.as_deref().unwrap_or(&spec.region))
    }

    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Session>, Error> {
        let Proving { proofs, spec, last, .. } = &proving;
        let address =
            self.address.clone().unwrap_or_else(|| match WITH_HOSTS.contains(&spec.region.as_str()) {
                true => format!("https://kms.{}.volcengineapi.com", spec.region),
                false => "https://open.volcengineapi.com".to_owned(),
            });
        let token = match &spec.token {
            Some(at) => Some(proofs.secret(at).await?),
            None => None,
        };
        let signer = Signer {
            key_id: proofs.text(&spec.access_key_id).await?,
            secret: proofs.secret(&spec.secret_access_key).await?,
            token,
            region: spec.region.clone(),
        };
        let last = last.as_ref().map(|last| &last.link);
        let link = proving.link(server(&address), Material::default(), last).await?;
        Ok(proving.of_secrets(Session { link, address, signer }))
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let read = |one| value(asked, one);
        Ok(together(asked.session.link.bounds(), wanted.iter().map(read)).await)
    }

    async fn versions(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Version, Error>>, Error> {
        let read = async |one: &Wanted| match version(asked, one).await {
            Ok(Some(version)) => Ok(version),
            // To read values is all that ESO asks for; and what is not listed may be there.
            Ok(None) => value(asked, one).await.map(|fetched| fetched.version),
            Err(error) if error.kind == Kind::Denied && error.step != pawl_domain::Step::Authenticate => {
                value(asked, one).await.map(|fetched| fetched.version)
            }
            Err(error) => Err(error),
        };
        Ok(together(asked.session.link.bounds(), wanted.iter().map(read)).await)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<T> {
    #[serde(default = "Option::default")]
    response_metadata: Option<Metadata>,
    #[serde(default = "Option::default")]
    result: Option<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(default)]
    error: Option<Problem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Problem {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    #[serde(rename = "VersionID")]
    id: String,
    #[serde(rename = "VersionStage", default)]
    stage: Option<String>,
    #[serde(default)]
    creation_date: Option<i64>,
    /// Lists do not tell it.
    #[serde(default)]
    secret_value: Option<Hidden>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    #[serde(default)]
    secret_versions: Vec<Listed>,
}

impl Listed {
    fn version(&self) -> Version {
        let since = self.creation_date.and_then(|seconds| Timestamp::from_second(seconds).ok());
        Version { id: self.id.clone(), since }
    }
}

async fn value(asked: &Asked<'_, Volcengine>, one: &Wanted) -> Result<Fetched, Error> {
    let call = asked.call("GetSecretValue", &one.key);
    let mut body = json!({ "SecretName": one.key });
    if let VersionSelector::Id(id) | VersionSelector::Label(id) = &one.selector {
        body["VersionID"] = json!(id);
    }
    let found: Listed = result(asked, &call, &body).await?;
    let version = found.version();
    let value = found.secret_value;
    let value = value.ok_or_else(|| call.error(Kind::Invalid, "it has no value; give it one"))?;
    Ok(Fetched { labels: found.stage.into_iter().collect(), ..asked.versioned(value.0, version) })
}

/// The version that is wanted, without its value; `None` where it is in no list.
async fn version(asked: &Asked<'_, Volcengine>, one: &Wanted) -> Result<Option<Version>, Error> {
    let call = asked.call("DescribeSecretVersions", &one.key);
    let mut pages = Pages::from(call, "1", MOST_PAGES);
    while let Some(page) = pages.take() {
        let number: usize = page.parse().map_err(|_| call.unreadable())?;
        let body = json!({ "SecretName": one.key, "CurrentPage": number, "PageSize": PAGE });
        let Versions { secret_versions: listed } = result(asked, &call, &body).await?;
        let is_it = |listed: &&Listed| match &one.selector {
            VersionSelector::Current => listed.stage.as_deref() == Some(CURRENT),
            VersionSelector::Id(id) | VersionSelector::Label(id) => listed.id == *id,
        };
        if let Some(found) = listed.iter().find(is_it) {
            return Ok(Some(found.version()));
        }
        pages.then((listed.len() == PAGE).then(|| (number + 1).to_string()))?;
    }
    Ok(None)
}

async fn result<T: DeserializeOwned>(
    asked: &Asked<'_, Volcengine>,
    call: &Call<'_>,
    body: &serde_json::Value,
) -> Result<T, Error> {
    let Session { link, address, signer } = &*asked.session;
    let mut url = Url::parse(address).map_err(|_| call.unreadable())?;
    url.query_pairs_mut().append_pair("Action", call.action).append_pair("Version", API);
    let sent = SecretValue::new(body.to_string());
    let ask = || {
        let headers = signer.sign(&url, sent.expose(), asked.now, call)?;
        let largest = link.bounds().largest_list;
        Ok(Whole { method: Method::POST, url: url.clone(), headers, body: Some(&sent), largest })
    };
    let reply = link.send_whole(call, &ask, &may_pass).await;
    call.counted(reply.and_then(|reply| {
        let answer: Option<Answer<T>> = reply.object();
        let problem = answer.as_ref().and_then(|answer| answer.response_metadata.as_ref()?.error.as_ref());
        let problem = problem.filter(|problem| !problem.code.is_empty());
        match (problem, reply.status.is_success()) {
            (None, true) => answer.and_then(|answer| answer.result).ok_or_else(|| call.unreadable()),
            (problem, _) => Err(reply.failure(refused(call, &reply, problem, body))),
        }
    }))
}

/// What a refusal means. Source: the error codes in Volcengine's reference of KMS, and those of all its services.
fn refused(call: &Call<'_>, reply: &Reply, problem: Option<&Problem>, asked: &serde_json::Value) -> Error {
    let (code, message) =
        problem.map_or(("", ""), |problem| (problem.code.as_str(), problem.message.as_str()));
    let names = |what: &str, member: &str| {
        asked[member].as_str().is_some_and(|name| message == format!("Not found {what} [{name}]."))
    };
    let is_of_key = code.starts_with("InvalidAccessKey")
        || ["SignatureDoesNotMatch", "InvalidSecurityToken", "InvalidCredential", "ExpiredToken"]
            .iter()
            .any(|known| code.starts_with(known));
    match reply.status.as_u16() {
        404 if code == "Not Found"
            && (names("secret", "SecretName") || names("secret version", "VersionID")) =>
        {
            call.missing()
        }
        _ if code.contains("Throttl") || code == "FlowLimitExceeded" => {
            call.error(Kind::Throttled, "throttled")
        }
        _ if is_of_key => {
            call.denied("the access key was refused; check auth.secretRef, and this machine's clock")
        }
        401 => call.denied("the access key was refused; check auth.secretRef, and this machine's clock"),
        403 => call.error(
            Kind::Denied,
            format_args!("access denied; let the access key's user do kms:{}", call.action),
        ),
        404 => call.error(
            Kind::Invalid,
            "it is not there, or may not be seen; check the key and the store's region",
        ),
        200..=299 => call.error(Kind::Invalid, "not accepted; check the key and its version"),
        _ => call.not_taken(reply),
    }
}

/// What messages call the service.
fn server(address: &str) -> Server<'_> {
    Server { provider: Provider::Volcengine, address, field: "region" }
}
