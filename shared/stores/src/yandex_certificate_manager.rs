//! Yandex Certificate Manager, by REST.

use crate::kit::{Api, Door, Hidden, Material, OneServer, OneServerSources, Proofs, Proven, Server};
use crate::yandex::{self, Login};
use pawl_domain::parts::Parts;
use pawl_domain::store::{Backend, YandexCertificateManagerStore, YandexStore};
use pawl_domain::{Fetched, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use serde::Deserialize;

/// Yandex Certificate Manager as [`Sources`](pawl_ports::Sources): one call a key.
///
/// A key never counts as missing: ESO knows no answer that says so.
pub type YandexCertificateManagerSources<C> = OneServerSources<YandexCertificateManager, C>;

/// How Certificate Manager is asked.
#[derive(Debug)]
pub struct YandexCertificateManager;

const RIGHT: &str = "the role certificate-manager.certificates.downloader on the certificate";
/// What ESO asks for a certificate by its name.
const BY_NAME: (&[&str], &str) =
    (&["certificate-manager", "v1", "certificates:getEx"], "folderAndName.certificateName");

impl OneServer for YandexCertificateManager {
    type Spec = YandexCertificateManagerStore;
    type Proof = Login;
    const PROVIDER: Provider = Provider::YandexCertificateManager;

    fn spec(backend: &Backend) -> Option<&YandexCertificateManagerStore> {
        backend.as_yandex_certificate_manager()
    }

    fn server(spec: &YandexCertificateManagerStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.at.endpoint, field: "apiEndpoint" }
    }

    fn identity(spec: &YandexCertificateManagerStore) -> YandexCertificateManagerStore {
        YandexCertificateManagerStore { at: YandexStore { folder: None, ..spec.at.clone() } }
    }

    async fn material<C: ClusterCredentials>(
        spec: &YandexCertificateManagerStore,
        proofs: &Proofs<'_, C>,
    ) -> Result<Material, Error> {
        yandex::material(&spec.at, proofs).await
    }

    async fn prove<C: ClusterCredentials>(
        spec: &YandexCertificateManagerStore,
        proofs: &Proofs<'_, C>,
        door: &Door<'_>,
    ) -> Result<Proven<Login>, Error> {
        yandex::log_in(&spec.at, "certificate-manager-data", proofs, door).await
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, async |one| {
            let call = api.call("content", &one.key);
            let last = format!("{}:getContent", one.key);
            let by_id = ["certificate-manager", "v1", "certificates", last.as_str()];
            let content: Content =
                yandex::read(api, &api.spec.at, &call, one, &by_id, BY_NAME, RIGHT).await?;
            Ok(api.digested(content.parts().to_value()))
        })
        .await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    /// It tells such an answer from others.
    #[serde(rename = "certificateId")]
    _id: String,
    #[serde(default)]
    certificate_chain: Vec<Hidden>,
    #[serde(default)]
    private_key: Option<Hidden>,
}

impl Content {
    /// Properties are trimmed, and what `extract` gives is not, as in ESO.
    fn parts(&self) -> Parts {
        let chain: Vec<&str> = self.certificate_chain.iter().map(Hidden::expose).collect();
        let key = self.private_key.as_ref().map_or("", Hidden::expose);
        let trimmed = lines(&chain);
        let both = lines(&[trimmed.expose_str().unwrap_or_default(), key]);
        let every = [("chain", SecretValue::new(chain.join("\n"))), ("privateKey", SecretValue::new(key))];
        let members =
            [("chain", trimmed), ("chainAndPrivateKey", both.clone()), ("privateKey", lines(&[key]))];
        let named = |(name, text): (&str, SecretValue)| (name.to_owned(), text);
        Parts {
            whole: Some(both),
            members: members.map(named).into(),
            every: Some(every.map(named).into()),
            ..Parts::default()
        }
    }
}

/// Each text on lines of its own, without the blanks around it.
fn lines(texts: &[&str]) -> SecretValue {
    let trimmed: Vec<&str> = texts.iter().flat_map(|text| [text.trim(), "\n"]).collect();
    SecretValue::new(trimmed.concat())
}
