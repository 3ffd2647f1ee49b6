//! Fulfils the port `Sink` with both services.

use super::{AwsSources, AwsStore, provider, region};
use crate::credentials::aws_store;
use pawl_domain::{Access, Provider, PushOutcome, Pushed, RemoteEntry};
use pawl_ports::{Answer, ClusterCredentials, Error, Sink, Sources};

impl<C: ClusterCredentials> Sink for AwsSources<C> {
    fn providers(&self) -> Vec<Provider> {
        Sources::providers(self)
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access)))]
    fn push<'a>(&'a self, access: &'a Access, pushed: &'a Pushed) -> Answer<'a, Result<PushOutcome, Error>> {
        Box::pin(async move {
            let key = access.backend.remote_key(&pushed.to.key);
            let (key, clusters) = (key.as_str(), self.identities.clusters());
            self.whole(access, |store| async move {
                match store {
                    AwsStore::SecretsManager(store) => store.push(key, pushed, access, clusters).await,
                    AwsStore::ParameterStore(store) => store.push(key, pushed).await,
                }
            })
            .await
        })
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access)))]
    fn exists<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<bool, Error>> {
        Box::pin(async move {
            let key = access.backend.remote_key(&entry.key);
            let (key, property) = (key.as_str(), entry.property.as_deref());
            self.whole(access, |store| async move {
                match store {
                    AwsStore::SecretsManager(store) => store.exists(key, property).await,
                    AwsStore::ParameterStore(store) => store.exists(key, property).await,
                }
            })
            .await
        })
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.region = region(access)))]
    fn remove<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<(), Error>> {
        Box::pin(async move {
            let key = access.backend.remote_key(&entry.key);
            let (key, property, deletion) =
                (key.as_str(), entry.property.as_deref(), aws_store(access)?.deletion);
            self.whole(access, |store| async move {
                match store {
                    AwsStore::SecretsManager(store) => store.remove(key, property, deletion).await,
                    AwsStore::ParameterStore(store) => store.remove(key, property).await,
                }
            })
            .await
        })
    }
}
