//! Previder Vault. Source: Previder's client, version 0.1, and ESO's provider, version 2.9.

use crate::kit::{Api, Ask, Door, OneServer, OneServerSources, Proofs, Proven, Server, sealed};
use pawl_domain::store::{Backend, PreviderStore};
use pawl_domain::{Fetched, Provider, SecretValue};
use pawl_ports::{ClusterCredentials, Error, Wanted};
use reqwest::header::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// Previder Vault as [`Sources`](pawl_ports::Sources): one call a key, of which nothing but the value tells the version.
pub type PreviderSources<C> = OneServerSources<Previder, C>;

/// How Previder Vault is asked.
#[derive(Debug)]
pub struct Previder;

const TOKEN: HeaderName = HeaderName::from_static("x-api-key");

impl OneServer for Previder {
    type Spec = PreviderStore;
    type Proof = SecretValue;
    const PROVIDER: Provider = Provider::Previder;

    fn spec(backend: &Backend) -> Option<&PreviderStore> {
        backend.as_previder()
    }

    fn server(spec: &PreviderStore) -> Server<'_> {
        Server { provider: Self::PROVIDER, address: &spec.base_uri, field: "baseUri" }
    }

    fn identity(spec: &PreviderStore) -> PreviderStore {
        spec.clone()
    }

    async fn prove<C: ClusterCredentials>(
        spec: &PreviderStore,
        proofs: &Proofs<'_, C>,
        _: &Door<'_>,
    ) -> Result<Proven<SecretValue>, Error> {
        proofs.secret(&spec.access_token).await.map(Proven::by_secret)
    }

    async fn check(api: &Api<'_, Self>) -> Result<(), Error> {
        api.get("token", &["token", "info"]).await.map(|_: IgnoredAny| ())
    }

    async fn values(api: &Api<'_, Self>, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        api.each(wanted, |one| async {
            let path: Vec<_> =
                std::iter::once("secret").chain(one.key.split('/')).chain(["decrypt"]).collect();
            let read: Decrypted = api.get(&one.key, &path).await?;
            Ok(api.digested(SecretValue::new(read.secret)))
        })
        .await
    }
}

#[derive(Deserialize)]
struct Decrypted {
    secret: String,
}

impl Api<'_, Previder> {
    async fn get<T: DeserializeOwned>(&self, subject: &str, path: &[&str]) -> Result<T, Error> {
        let call = self.call("decrypt", subject);
        let headers = HeaderMap::from_iter([(TOKEN, sealed(self.proof(), &call)?)]);
        let ask = Ask::read(path.to_vec(), headers, self.link().bounds());
        self.json(&call, ask, |call, reply| call.refused(reply, "a token that may read secrets")).await
    }
}
