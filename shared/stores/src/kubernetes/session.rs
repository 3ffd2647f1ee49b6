//! Proves an identity to an API server.

use super::api::{Served, is_of_credentials};
use super::kubeconfig::Kubeconfig;
use crate::kit::{Bounds, Cells, Link, Material, PlainHttp, Proof, Proofs, Server, is_of_api_server};
use jiff::{SignedDuration, Timestamp};
use pawl_domain::cluster::is_same_url;
use pawl_domain::grant::Reach;
use pawl_domain::store::{ApiAuth, ApiServer, KubernetesApi};
use pawl_domain::{Access, Namespace, ObjectName, Provider, SecretValue};
use pawl_ports::{ApiEndpoint, Clock, ClusterCredentials, Error};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// A proven identity at one API server.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) link: Arc<Link>,
    pub(super) token: Option<SecretValue>,
    pub(super) provider: Provider,
    /// What messages call the server.
    shown: String,
    /// The field of the manifest that says where it is.
    field: &'static str,
    /// Where it is.
    url: String,
    /// How a kind of object is served there, once that was looked up.
    pub(crate) served: OnceCell<Served>,
}

impl Session {
    /// What messages call the server.
    pub(super) fn server(&self) -> Server<'_> {
        Server { provider: self.provider, address: &self.shown, field: self.field }
    }

    /// Where the server is, as locations have it.
    pub(super) fn address(&self) -> String {
        self.url.to_ascii_lowercase()
    }
}

/// The sessions of all identities of one kind of store.
pub(crate) struct Sessions<C> {
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    cells: Cells<Session>,
}

/// What stands in a Secret is read again after this time, so that rotating it needs nobody to tell Pawl.
const READ: SignedDuration = SignedDuration::from_secs(60);
/// A token of a service account lasts ten minutes or more.
const MADE: SignedDuration = SignedDuration::from_secs(300);
/// How long the address of a server may be looked for, where it is only compared with that of a change.
const ADDRESS: Duration = Duration::from_secs(2);

/// A server, and who asks it.
struct Way {
    url: String,
    shown: String,
    field: &'static str,
    /// Whether the operator says where it is, and not the store.
    is_own: bool,
    ca: Option<String>,
}

impl<C: ClusterCredentials> Sessions<C> {
    pub(crate) fn new(clusters: Arc<C>, clock: Arc<dyn Clock>) -> Self {
        // A Secret holds 1 MiB, a third more in base64, beside annotations and the owners of fields.
        let bounds =
            Bounds { largest_answer: 4 * 1024 * 1024, largest_list: 16 * 1024 * 1024, ..Bounds::default() };
        Self { clusters, clock, bounds, cells: Cells::default() }
    }

    pub(crate) fn bounded(self, bounds: Bounds) -> Self {
        let Bounds { largest_answer, largest_list, .. } = self.bounds;
        Self { bounds: Bounds { largest_answer, largest_list, ..bounds }, ..self }
    }

    /// This moment.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asks with the identity's session; where its credentials are refused, once more with those that are there now.
    pub(crate) async fn asked<T, A>(
        &self,
        identity: &Access,
        api: &KubernetesApi,
        ask: impl Fn(Arc<Session>) -> A,
    ) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let prove = |last| self.prove(identity, api, last);
        self.cells.asked(self.clock.as_ref(), identity, prove, is_of_credentials, ask).await
    }

    /// Where the server is, as locations have it, however the store names it.
    pub(crate) async fn address(&self, identity: &Access, api: &KubernetesApi) -> Option<String> {
        if let Some(named) = identity.backend.location().account {
            return Some(named);
        }
        let session = tokio::time::timeout(ADDRESS, self.session(identity, api)).await.ok()?.ok()?;
        Some(session.address())
    }

    async fn session(&self, identity: &Access, api: &KubernetesApi) -> Result<Arc<Session>, Error> {
        let prove = |last| self.prove(identity, api, last);
        self.cells.of(identity).session(self.clock.as_ref(), prove).await
    }

    async fn prove(
        &self,
        identity: &Access,
        api: &KubernetesApi,
        last: Option<Arc<Session>>,
    ) -> Result<Proof<Session>, Error> {
        let since = self.clock.now();
        let (way, material, token, life) = match api {
            KubernetesApi::Kubeconfig(at) => {
                let proofs = self.proofs(identity, "the server of its kubeconfig", "authRef");
                let text = proofs.secret(at).await?;
                let Kubeconfig { url, material, token } =
                    Kubeconfig::read(&text).map_err(|why| proofs.unusable(&format!("authRef: {why}")))?;
                let (shown, ca) = (url.clone(), material.ca.clone());
                (Way { url, shown, field: "authRef", is_own: false, ca }, material, token, READ)
            }
            KubernetesApi::Server { server, auth } => {
                let way = self.way(identity, server).await?;
                let (material, token, life) = self.proven(identity, auth, &way).await?;
                (way, material, token, life)
            }
        };
        let provider = identity.backend.location().provider;
        let server = Server { provider, address: &way.url, field: way.field };
        let reach = if way.is_own { &Reach::Anywhere } else { &identity.grant.reach };
        let last = last.as_ref().map(|last| &last.link);
        let link = Link::kept(last, server, material, &self.bounds, reach, PlainHttp::Refused(None)).await?;
        let Way { url, shown, field, .. } = way;
        let session = Session { link, token, provider, shown, field, url, served: OnceCell::new() };
        let until = since.saturating_add(life).unwrap_or(since);
        Ok(Proof { session: Arc::new(session), since, until })
    }

    /// Where the server is. Where the cluster's own is, the operator says: whoever wrote the store has no say in it.
    async fn way(&self, identity: &Access, server: &ApiServer) -> Result<Way, Error> {
        match server {
            ApiServer::Own => {
                let proofs = self.proofs(identity, "the target cluster", "server");
                let (cluster, _) = proofs.home()?;
                let ApiEndpoint { url, ca } = self.own(identity).await?;
                let shown = format!("cluster {cluster}");
                Ok(Way { url, shown, field: "server", is_own: true, ca })
            }
            ApiServer::At { url, ca_bundle, ca_provider } => {
                let proofs = self.proofs(identity, url, "server.url");
                let ca = proofs.authorities(ca_bundle.as_ref(), ca_provider.as_ref()).await?;
                Ok(Way { url: url.clone(), shown: url.clone(), field: "server.url", is_own: false, ca })
            }
        }
    }

    /// Where the target cluster's own API server is.
    async fn own(&self, identity: &Access) -> Result<ApiEndpoint, Error> {
        let proofs = self.proofs(identity, "the target cluster", "server");
        let (cluster, _) = proofs.home()?;
        let found = self.clusters.api_server(cluster).await;
        found.map_err(|error| proofs.not_proven(cluster, "the address", error))
    }

    async fn proven(
        &self,
        identity: &Access,
        auth: &ApiAuth,
        way: &Way,
    ) -> Result<(Material, Option<SecretValue>, SignedDuration), Error> {
        let proofs = self.proofs(identity, &way.shown, way.field);
        let ca = way.ca.clone();
        match auth {
            ApiAuth::Token(at) => {
                Ok((Material { ca, ..Material::default() }, Some(proofs.secret(at).await?), READ))
            }
            ApiAuth::Certificate(shown) => {
                let certificate = Some(proofs.secret(&shown.certificate).await?);
                let key = Some(proofs.secret(&shown.key).await?);
                Ok((Material { ca, certificate, key }, None, READ))
            }
            ApiAuth::ServiceAccount { name, namespace, audiences } => {
                let token = self.made(identity, way, (namespace.as_ref(), name), audiences).await?;
                Ok((Material { ca, ..Material::default() }, Some(token), MADE))
            }
        }
    }

    /// A token of a service account. One that the target cluster's own API server would take is shown to no other: whoever
    /// runs that could act as the account.
    async fn made(
        &self,
        identity: &Access,
        way: &Way,
        (namespace, name): (Option<&Namespace>, &ObjectName),
        audiences: &[String],
    ) -> Result<SecretValue, Error> {
        let proofs = self.proofs(identity, &way.shown, way.field);
        let (cluster, own) = proofs.home()?;
        let namespace = namespace.unwrap_or(own);
        let place = format!("service account {namespace}/{name}");
        let foreign = !way.is_own
            && !self.own(identity).await.is_ok_and(|endpoint| is_same_url(&endpoint.url, &way.url));
        if foreign && audiences.is_empty() {
            return Err(proofs.unusable(&format!("{place}: {FOREIGN}")));
        }
        let made = self.clusters.service_account_token(cluster, namespace, name, audiences).await;
        let token = made.map_err(|error| proofs.not_proven(cluster, &place, error))?;
        if foreign && token.expose_str().is_some_and(is_of_api_server) {
            return Err(proofs.unusable(&format!("{place}: {FOREIGN}")));
        }
        Ok(token)
    }

    fn proofs<'a>(&'a self, identity: &'a Access, address: &'a str, field: &'static str) -> Proofs<'a, C> {
        let provider = identity.backend.location().provider;
        let server = Server { provider, address, field };
        Proofs { clusters: self.clusters.as_ref(), access: identity, server }
    }
}

const FOREIGN: &str = "its token would be good for the API server of its own cluster, and would be shown to another server; \
                       write audiences that only that one takes";
