//! Yandex Lockbox, by REST.

use crate::kit::{Api, Call, Door, Hidden, Material, OneServer, OneServerSources, Proofs, Proven, Server};
use crate::yandex::{self, Login};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::parts::Parts;
use pawl_domain::store::{Backend, YandexLockboxStore, YandexStore};
use pawl_domain::{Fetched, Provider, SecretValue, Version, printed};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Yandex Lockbox as [`Sources`](pawl_ports::Sources): one call a key, which tells its version with the values.
///
/// A key never counts as missing: ESO knows no answer that says so.
pub type YandexLockboxSources<C> = OneServerSources<YandexLockbox, C>;

/// How Lockbox is asked.
#[derive(Debug)]
pub struct YandexLockbox;

const RIGHT: &str = "the role lockbox.payloadViewer on the secret";
/// What ESO asks for a secret by its name.
const BY_NAME: (&[&str], &str) = (&["lockbox", "v1", "secrets:getEx"], "folderAndName.secretName");

impl OneServer for YandexLockbox {
    type Spec = YandexLockboxStore;
    type Proof = Login;
    const PROVIDER: Provider = Provider::YandexLockbox;

    fn spec(backend: &Backend) -> Option<&YandexLockboxStore> {
        backend.as_yandex_lockbox()
    }

    fn server(spec: &YandexLockboxStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.at.endpoint, field: "apiEndpoint" }
    }

    fn identity(spec: &YandexLockboxStore) -> YandexLockboxStore {
        YandexLockboxStore { at: YandexStore { folder: None, ..spec.at.clone() } }
    }

    async fn material<C: ClusterCredentials>(
        spec: &YandexLockboxStore,
        proofs: &Proofs<'_, C>,
    ) -> Result<Material, Error> {
        yandex::material(&spec.at, proofs).await
    }

    async fn prove<C: ClusterCredentials>(
        spec: &YandexLockboxStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<Login>, Error> {
        yandex::log_in(&spec.at, "lockbox-payload", proofs, door).await
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, |one| api.value(one)).await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    #[serde(default)]
    version_id: String,
    entries: Entries,
}

/// By id a list of entries, by name all of them as bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entries {
    List(Vec<Entry>),
    Bytes(BTreeMap<String, Hidden>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    key: String,
    /// An entry has one of them, and an empty one may be left out.
    #[serde(default)]
    text_value: Option<Hidden>,
    #[serde(default)]
    binary_value: Option<Hidden>,
}

impl Api<'_, YandexLockbox> {
    async fn value(&self, one: &Wanted) -> Result<Fetched, Error> {
        let call = self.call("payload", &one.key);
        let by_id = ["lockbox", "v1", "secrets", one.key.as_str(), "payload"];
        let Payload { version_id: id, entries } =
            yandex::read(self, &self.spec.at, &call, one, &by_id, BY_NAME, RIGHT).await?;
        let value = parts(&call, entries)?.to_value();
        Ok(match id.is_empty() {
            true => self.digested(value),
            false => self.versioned(value, Version { id, since: None }),
        })
    }
}

/// Each entry as bytes, and all of them as JSON, in which bytes are base64.
fn parts(call: &Call<'_>, entries: Entries) -> Result<Parts, Error> {
    let entries = match entries {
        Entries::List(entries) => entries,
        Entries::Bytes(entries) => {
            let entry = |(key, bytes)| Entry { key, text_value: None, binary_value: Some(bytes) };
            entries.into_iter().map(entry).collect()
        }
    };
    let (mut members, mut texts) = (BTreeMap::new(), BTreeMap::new());
    for Entry { key, text_value, binary_value } in &entries {
        let (text, bytes) = match (text_value, binary_value) {
            (None, Some(binary)) => {
                let bytes = STANDARD.decode(binary.expose()).map_err(|_| call.unreadable())?;
                (binary.expose(), SecretValue::new(bytes))
            }
            (text, _) => {
                let text = text.as_ref().map_or("", Hidden::expose);
                (text, SecretValue::new(text))
            }
        };
        texts.insert(key, text);
        members.insert(key.clone(), bytes);
    }
    let json = serde_json::to_vec(&texts).map(SecretValue::new).map_err(|_| call.unreadable())?;
    let whole = printed(json.expose()).ok_or_else(|| call.unreadable())?;
    Ok(Parts { whole: Some(whole), every: Some(members.clone()), members, ..Parts::default() })
}
