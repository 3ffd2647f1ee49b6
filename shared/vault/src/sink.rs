//! Fulfils the port `Sink`: one session per identity, one new login after a refusal.

use crate::kv::Kv;
use crate::push::Object;
use crate::sources::{VaultSources, provider, server};
use pawl_domain::{Access, Provider, PushOutcome, Pushed, RemoteEntry, Step};
use pawl_ports::{Answer, CallerIdentity, ClusterCredentials, Error, Sink, Sources};

impl<C: ClusterCredentials, A: CallerIdentity> Sink for VaultSources<C, A> {
    fn providers(&self) -> Vec<Provider> {
        Sources::providers(self)
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.server = server(access)))]
    fn push<'a>(&'a self, access: &'a Access, pushed: &'a Pushed) -> Answer<'a, Result<PushOutcome, Error>> {
        Box::pin(async move {
            let key = access.backend.remote_key(&pushed.to.key);
            let key = key.as_str();
            let ask = |kv: Kv<'a>| async move { kv.push(&Object::of(&kv, key, pushed)?).await };
            self.written(access, ask).await?
        })
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.server = server(access)))]
    fn exists<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<bool, Error>> {
        Box::pin(async move {
            let key = access.backend.remote_key(&entry.key);
            let (key, property) = (key.as_str(), entry.property.as_deref());
            self.written(access, |kv: Kv<'a>| async move { kv.holds(key, property).await }).await
        })
    }

    #[tracing::instrument(skip_all, fields(store.provider = provider(access), store.server = server(access)))]
    fn remove<'a>(&'a self, access: &'a Access, entry: &'a RemoteEntry) -> Answer<'a, Result<(), Error>> {
        Box::pin(async move {
            let key = access.backend.remote_key(&entry.key);
            let (key, property) = (key.as_str(), entry.property.as_deref());
            self.written(access, |kv: Kv<'a>| async move { kv.remove(key, property).await }).await
        })
    }
}

impl<C: ClusterCredentials, A: CallerIdentity> VaultSources<C, A> {
    /// One answer of a store with a proven identity. When the server does not take the token, there is one new login.
    async fn written<'a, T, F>(&'a self, access: &'a Access, ask: impl Fn(Kv<'a>) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let session = self.identities.session(access).await?;
        let answer = ask(self.kv(access, &session, Step::Push)?).await;
        if !self.gave_up(access, &session, std::iter::once(&answer)).await {
            return answer;
        }
        let session = self.identities.session(access).await?;
        ask(self.kv(access, &session, Step::Push)?).await
    }
}
