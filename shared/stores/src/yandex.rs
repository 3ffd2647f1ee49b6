//! What Yandex's stores have alike: how an identity is proven, and how a service is asked. Source: Yandex Cloud's definition of
//! its API, of which this is the form for REST; ESO's providers, version 2.9, ask by gRPC.

use crate::kit::{
    Api, Ask, Call, Door, Hidden, Link, Material, OneServer, PlainHttp, Proofs, Proven, READ_AGAIN, Server,
    ps256, sealed, told_address,
};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::store::YandexStore;
use pawl_domain::{Kind, SecretValue, VersionSelector};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::sync::Arc;

/// A token, and where it is taken.
#[derive(Debug)]
pub struct Login {
    header: SecretValue,
    address: String,
    link: Arc<Link>,
}

/// A token is had anew this long before it ends.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);
/// And after this time in any case: what proves the identity may have changed.
const LONGEST: SignedDuration = SignedDuration::from_mins(15);
/// For whom the key signs.
const AUDIENCE: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";

/// The certificates of all connections.
pub(super) async fn material<C: ClusterCredentials>(
    store: &YandexStore,
    proofs: &Proofs<'_, C>,
) -> Result<Material, Error> {
    let ca = match &store.ca {
        Some(at) => Some(proofs.text(at).await?),
        None => None,
    };
    Ok(Material { ca, ..Material::default() })
}

/// Trades the authorized key for a token, and opens the service of this name.
pub(super) async fn log_in<C: ClusterCredentials>(
    store: &YandexStore,
    service: &str,
    proofs: &Proofs<'_, C>,
    door: &Door<'_>,
) -> Result<Proven<Login>, Error> {
    let key = proofs.secret(&store.key).await?;
    let unusable = |what: &str| proofs.unusable(&format!("authorizedKeySecretRef {what}"));
    let Key { id, service_account_id: account, private_key } = serde_json::from_slice(key.expose())
        .map_err(|_| unusable("holds no authorized key of a service account; put its JSON there"))?;
    let now = door.now.as_second();
    let claims = json!({ "iss": account, "aud": [AUDIENCE], "iat": now, "exp": now + 3600 });
    let jwt = ps256(&id, private_key.expose(), &claims).map_err(|what| {
        unusable(&format!("holds a private key that {what}; put the key's JSON there anew"))
    })?;
    let call = door.call("endpoints");
    let ask = Ask::read(vec!["endpoints"], HeaderMap::new(), door.link.bounds());
    let reply = door.link.ask(&call, ask).await;
    let Endpoints { endpoints } = call.counted(reply.and_then(|reply| match reply.status.is_success() {
        true => reply.object().ok_or_else(|| call.unreadable()),
        false => Err(reply.failure(call.refused(&reply, "the store another apiEndpoint"))),
    }))?;
    let address = |name: &str| {
        let found = endpoints.iter().find(|endpoint| endpoint.id == name);
        let what = format_args!("it knows no address of a service {name}; correct the store's apiEndpoint");
        found.and_then(|found| told_address(&found.address)).ok_or_else(|| call.error(Kind::Invalid, what))
    };
    let (iam, address) = (address("iam")?, address(service)?);
    let iam_link = open(door, &iam).await?;
    let server = Server { address: &iam, ..door.server };
    let iam = Door { link: &iam_link, server, ..*door };
    let body = SecretValue::new(json!({ "jwt": jwt.expose_str() }).to_string());
    let ask = Ask::post(vec!["iam", "v1", "tokens"], HeaderMap::new(), &body, door.link.bounds());
    let Token { iam_token, expires_at } = iam.token(ask).await?;
    let header = SecretValue::new(format!("Bearer {}", iam_token.expose()));
    let lasts = expires_at.map_or(READ_AGAIN, |end| (end.duration_since(door.now) - MARGIN).min(LONGEST));
    let link = Arc::new(open(door, &address).await?);
    Ok(Proven { proof: Login { header, address, link }, lasts })
}

/// An authorized key, as Yandex Cloud's console and both forms of its API write it.
#[derive(Deserialize)]
struct Key {
    id: String,
    #[serde(alias = "serviceAccountId")]
    service_account_id: String,
    #[serde(alias = "privateKey")]
    private_key: Hidden,
}

#[derive(Deserialize)]
struct Endpoints {
    endpoints: Vec<Endpoint>,
}

/// A service, whose address is told by host and port.
#[derive(Deserialize)]
struct Endpoint {
    id: String,
    address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    iam_token: Hidden,
    expires_at: Option<Timestamp>,
}

async fn open(door: &Door<'_>, address: &str) -> Result<Link, Error> {
    let call = Call { server: Server { address, ..door.server }, ..door.call("connect") };
    let bounds = door.link.bounds();
    Link::open(&call, door.link.material().clone(), bounds, door.reach, PlainHttp::Listed).await
}

/// What a service answers of a key, which is an id or a name in a folder. `by_id` are the parts of the path of the one, and
/// `by_name` those of the other, with what it calls names.
pub(super) async fn read<D: OneServer<Proof = Login>, T: DeserializeOwned>(
    api: &Api<'_, D>,
    store: &YandexStore,
    call: &Call<'_>,
    one: &Wanted,
    by_id: &[&str],
    by_name: (&[&str], &str),
    right: &str,
) -> Result<T, Error> {
    let Login { header, address, link } = api.proof();
    let call = Call { server: Server { address, ..call.server }, ..*call };
    let (path, mut query) = match &store.folder {
        None => (by_id, Vec::new()),
        Some(folder) => {
            (by_name.0, vec![("folderAndName.folderId", folder.as_str()), (by_name.1, one.key.as_str())])
        }
    };
    if let VersionSelector::Id(id) | VersionSelector::Label(id) = &one.selector {
        query.push(("versionId", id));
    }
    let headers = HeaderMap::from_iter([(AUTHORIZATION, sealed(header, &call)?)]);
    let ask = Ask { query, ..Ask::read(path.to_vec(), headers, link.bounds()) };
    let reply = link.ask(&call, ask).await;
    call.counted(reply.and_then(|reply| match reply.status.is_success() {
        true => reply.object().ok_or_else(|| call.unreadable()),
        false => Err(reply.failure(call.refused(&reply, right))),
    }))
}
