//! Oracle Cloud Infrastructure Vault. [`sign`] holds the signature of its requests.

mod sign;

use crate::kit::{
    Adapter, Asked, Call, Dialect, Link, Material, Pages, Proof, Proofs, Proving, Refusals, Reply, Server,
    Whole, may_pass, together,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use pawl_domain::store::{Backend, OracleStore};
use pawl_domain::{Fetched, Find, Keep, Kind, Provider, SecretValue, Version, VersionSelector};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::{Method, Url};
use serde::Deserialize;
use sign::Signer;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Oracle Cloud Infrastructure Vault as [`Sources`](pawl_ports::Sources).
///
/// The user needs `read secret-bundles` in the vault's compartment, and `inspect secrets` to search. A read is one call, and so
/// is the look of a sweep, for the list of secrets has no versions.
///
/// A key never counts as missing: of one that is not there the service says what it says of one that may not be seen.
pub type OracleSources<C> = Adapter<Oracle, C>;

/// What is particular to Oracle's vault.
#[derive(Debug, Default)]
pub struct Oracle {
    /// Where all its services are; `None` for Oracle's own hosts.
    address: Option<String>,
}

/// What a proven identity asks with.
#[derive(Debug)]
pub struct Session {
    bundles: Service,
    secrets: Service,
    signer: Signer,
}

#[derive(Debug)]
struct Service {
    address: String,
    link: Arc<Link>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    version_number: u64,
    #[serde(default)]
    time_created: Option<Timestamp>,
    #[serde(default)]
    stages: Vec<String>,
    secret_bundle_content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    content_type: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    secret_name: String,
    #[serde(default)]
    freeform_tags: BTreeMap<String, String>,
    #[serde(default)]
    time_of_deletion: Option<String>,
}

const REFUSALS: Refusals = Refusals {
    token: "the signature was refused; check user, tenancy, privatekey, fingerprint, and this machine's clock",
    rights: "access denied; let the user's group read secret-bundles in the vault's compartment",
    unseen: "it does not exist, or the user may not see it, and Oracle does not say which; check the key, vault, region and the \
             policies of the user's group",
    absent: |_| false,
    passing: None,
};
const MOST_PAGES: usize = 1000;

impl Oracle {
    /// The same at another address, for tests. Nothing is then asked of Oracle.
    pub fn at(address: &str) -> Self {
        Self { address: Some(address.to_owned()) }
    }
}

impl Dialect for Oracle {
    type Spec = OracleStore;
    type Session = Session;

    const PROVIDER: Provider = Provider::Oracle;

    fn spec(backend: &Backend) -> Option<&OracleStore> {
        backend.as_oracle()
    }

    /// The services have addresses of their own, which the region tells.
    fn server<'a>(&'a self, spec: &'a OracleStore) -> Server<'a> {
        server(&spec.region)
    }

    async fn prove<C: ClusterCredentials>(
        &self,
        proving: Proving<'_, C, Self>,
    ) -> Result<Proof<Session>, Error> {
        let Proving { proofs, spec: store, last, .. } = &proving;
        let domain = domain(&store.region);
        let host = |service: &str| match &self.address {
            Some(address) => address.clone(),
            None => format!("https://{service}.{}.oci.{domain}", store.region),
        };
        let (bundles, secrets) = (host("secrets.vaults"), host("vaults"));
        let proofs = Proofs { server: server(&bundles), ..*proofs };
        let (key, print) = (proofs.text(&store.private_key).await?, proofs.text(&store.fingerprint).await?);
        let key_id = format!("{}/{}/{}", store.tenancy, store.user, print.trim());
        let signer =
            Signer::new(key_id, key).map_err(|what| proofs.unusable(&format!("privatekey {what}")))?;
        let open = async |address: String, last: Option<&Service>| {
            let last = last.map(|last| &last.link);
            let link = proving.link(server(&address), Material::default(), last).await?;
            Ok::<_, Error>(Service { address, link })
        };
        let bundles = open(bundles, last.as_ref().map(|last| &last.bundles)).await?;
        let secrets = open(secrets, last.as_ref().map(|last| &last.secrets)).await?;
        Ok(proving.of_secrets(Session { bundles, secrets, signer }))
    }

    async fn values(
        asked: &Asked<'_, Self>,
        wanted: &[Wanted],
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let read = async |one: &Wanted| bundle(asked, &one.key, &one.selector).await;
        let bounds = asked.session.bundles.link.bounds();
        Ok(together(bounds, wanted.iter().map(read)).await)
    }

    /// As in ESO, one of the tags is enough.
    async fn find(
        asked: &Asked<'_, Self>,
        find: &Find,
        keep: &Keep,
    ) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = asked.session.secrets.call(asked, "list", "find");
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let is_tagged = |secret: &Summary| {
            let has = |(tag, value): (&String, &String)| secret.freeform_tags.get(tag) == Some(value);
            find.tags.is_empty() || find.tags.iter().any(has)
        };
        let listed = list(asked, &call).await?;
        let found = listed.into_iter().filter(|secret| {
            let name = &secret.secret_name;
            let is_there = secret.time_of_deletion.is_none();
            is_there && is_tagged(secret) && pattern.is_match(name) && keep.allows(name)
        });
        let read = async |secret: Summary| {
            let read = bundle(asked, &secret.secret_name, &VersionSelector::Current).await?;
            Ok((secret.secret_name, read))
        };
        let bounds = asked.session.bundles.link.bounds();
        together(bounds, found.map(read)).await.into_iter().collect()
    }
}

async fn bundle(asked: &Asked<'_, Oracle>, key: &str, selector: &VersionSelector) -> Result<Fetched, Error> {
    let service = &asked.session.bundles;
    let call = service.call(asked, "bundle", key);
    let mut query = vec![("secretName", key), ("vaultId", &asked.spec.vault)];
    match selector {
        VersionSelector::Current => {}
        VersionSelector::Label(stage) => query.push(("stage", stage)),
        VersionSelector::Id(number) => query.push(("versionNumber", number)),
    }
    let path = ["20190301", "secretbundles", "actions", "getByName"];
    let reply = service.taken(asked, &call, Method::POST, &path, &query).await?;
    let bundle: Bundle = reply.object().ok_or_else(|| call.unreadable())?;
    let content = SecretValue::new(bundle.secret_bundle_content.content);
    let value = match bundle.secret_bundle_content.content_type.as_str() {
        "BASE64" => STANDARD.decode(content.expose()).ok().map(SecretValue::new),
        _ => None,
    };
    let version = Version { id: bundle.version_number.to_string(), since: bundle.time_created };
    let fetched = asked.versioned(value.ok_or_else(|| call.unreadable())?, version);
    Ok(Fetched { labels: bundle.stages, ..fetched })
}

async fn list(asked: &Asked<'_, Oracle>, call: &Call<'_>) -> Result<Vec<Summary>, Error> {
    let compartment = asked.spec.compartment.as_deref().unwrap_or_default();
    let (mut pages, mut all) = (Pages::from(*call, "", MOST_PAGES), Vec::new());
    while let Some(page) = pages.take() {
        let mut query = vec![("compartmentId", compartment), ("vaultId", &asked.spec.vault)];
        if !page.is_empty() {
            query.push(("page", &page));
        }
        let reply =
            asked.session.secrets.taken(asked, call, Method::GET, &["20180608", "secrets"], &query).await?;
        all.extend(reply.list::<Summary>().ok_or_else(|| call.unreadable())?);
        let next = reply.headers.get("opc-next-page").and_then(|next| next.to_str().ok());
        pages.then(next.map(str::to_owned))?;
    }
    Ok(all)
}

impl Service {
    async fn taken(
        &self,
        asked: &Asked<'_, Oracle>,
        call: &Call<'_>,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Reply, Error> {
        let mut url = Url::parse(&self.address).map_err(|_| call.unreadable())?;
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        url.query_pairs_mut().extend_pairs(query);
        let empty = SecretValue::new("");
        let ask = || {
            let headers = asked.session.signer.sign(&method, &url, asked.now);
            let headers = headers.map_err(|what| call.error(Kind::Invalid, what))?;
            let body = (method == Method::POST).then_some(&empty);
            let largest = self.link.bounds().largest_list;
            Ok(Whole { method: method.clone(), url: url.clone(), headers, body, largest })
        };
        let reply = self.link.send_whole(call, &ask, &may_pass).await;
        call.counted(reply.and_then(|reply| REFUSALS.taken(call, reply)))
    }

    fn call<'c>(&'c self, asked: &Asked<'_, Oracle>, action: &'static str, subject: &'c str) -> Call<'c> {
        asked.call_of(server(&self.address), action, subject)
    }
}

/// The domain of the realm that a region is in. Source: Oracle's SDK for Go.
fn domain(region: &str) -> &'static str {
    match region {
        "us-langley-1" | "us-luke-1" | "us-gov-ashburn-1" | "us-gov-chicago-1" | "us-gov-phoenix-1" => {
            "oraclegovcloud.com"
        }
        "uk-gov-london-1" | "uk-gov-cardiff-1" => "oraclegovcloud.uk",
        "eu-frankfurt-2" | "eu-madrid-2" => "oraclecloud.eu",
        _ => "oraclecloud.com",
    }
}

/// What messages call a service of Oracle's.
fn server(address: &str) -> Server<'_> {
    Server { provider: Provider::Oracle, address, field: "region" }
}
