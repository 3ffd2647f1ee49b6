//! APIs that are asked over HTTP, as a manifest says.
//!
//! | module | holds |
//! |---|---|
//! | `made` | the generator of the same name |
//! | `request` | the request that the templates of a manifest make |
//! | `reply` | what an answer means |

mod made;
mod reply;
mod request;

use crate::kit::{
    Batch, Bounds, Call, Cells, Link, Material, PlainHttp, Proof, Proofs, REFUSED, Reply, Server, Whole,
};
use futures::{StreamExt, stream};
use jiff::SignedDuration;
use pawl_domain::query::Told;
use pawl_domain::render::Scope;
use pawl_domain::store::{WebhookSecret, WebhookStore};
use pawl_domain::{
    Access, DigestKey, Fetched, Find, Functions, Generator, Keep, Kind, Namespace, Provider, SecretValue,
    Step, Version,
};
use pawl_ports::{Clock, ClusterCredentials, Error, Sources, Wanted};
use request::{Reading, Request};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Webhooks as [`Sources`].
///
/// A read is one request, made by the templates of the manifest; it goes to the server that stands in the manifest before all
/// templates, and nowhere else. It is made once: what a request does, its server alone knows.
///
/// Nothing tells versions: a digest of the value under the ledger's key is the version, and a sweep makes the same requests. A
/// key does not exist where the server answers 404, as in ESO.
pub struct WebhookSources<C> {
    clusters: Arc<C>,
    clock: Arc<dyn Clock>,
    digest_key: DigestKey,
    functions: Functions,
    bounds: Bounds,
    sessions: Cells<Session>,
}

/// What one store is asked with.
#[derive(Debug)]
struct Session {
    link: Arc<Link>,
    /// The Secrets that templates see.
    secrets: Scope,
}

/// Secrets are read again after this time, so that rotating them needs nobody to tell Pawl.
const SECRETS: SignedDuration = SignedDuration::from_secs(60);

impl<C: ClusterCredentials> WebhookSources<C> {
    /// Sources that take the Secrets that stores name from `clusters`, and render with `functions`. The digest key is the
    /// ledger's.
    pub fn new(clusters: Arc<C>, clock: Arc<dyn Clock>, digest_key: DigestKey, functions: Functions) -> Self {
        let bounds = Bounds { retries: 0, ..Bounds::default() };
        Self { clusters, clock, digest_key, functions, bounds, sessions: Cells::default() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// One answer for each key, in order. Keys whose answer is that the credentials were refused are asked once more, where
    /// other credentials may be there by now.
    async fn values(&self, access: &Access, wanted: &[Wanted]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let session = self.session(access).await?;
        let mut answers = self.each(access, &session, wanted.iter().collect()).await?;
        let refused = |answer: &Result<Fetched, Error>| answer.as_ref().err().is_some_and(reply::is_of_proof);
        let places: Vec<usize> = (0..answers.len()).filter(|place| refused(&answers[*place])).collect();
        let cell = self.sessions.of(access);
        if places.is_empty() || !cell.give_up(self.clock.as_ref(), &session, REFUSED).await {
            return Ok(answers);
        }
        let session = self.session(access).await?;
        let again = places.iter().map(|place| &wanted[*place]).collect();
        for (place, answer) in places.iter().zip(self.each(access, &session, again).await?) {
            answers[*place] = answer;
        }
        Ok(answers)
    }

    async fn each(
        &self,
        access: &Access,
        session: &Arc<Session>,
        wanted: Vec<&Wanted>,
    ) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let store = Arc::new(webhook(access)?.clone());
        let calls: Vec<_> = wanted
            .into_iter()
            .map(|one| self.value(access, Arc::clone(&store), Arc::clone(session), Told::from_text(&one.key)))
            .collect();
        Ok(stream::iter(calls).buffered(self.bounds.concurrency.max(1)).collect().await)
    }

    async fn value(
        &self,
        access: &Access,
        store: Arc<WebhookStore>,
        session: Arc<Session>,
        told: Told,
    ) -> Result<Fetched, Error> {
        let (key, server) = (told.key.clone(), server(access, &store));
        let call = Call { step: Step::Fetch, server, action: "request", subject: &key };
        let (body, path) = self.answer(access, &call, Arc::clone(&store), &session, Some(told)).await?;
        let value = match path {
            None => body,
            Some(path) => apart(&call, move || reply::value(&path, &body)).await?,
        };
        // It is remembered, and must not tell the value.
        let id = self.digest_key.parts().with(value.expose()).digest();
        let version = Version { id, since: None };
        Ok(Fetched { provider: Provider::Webhook, value, version, labels: Vec::new() })
    }

    /// What the server answers, and where in it the value is.
    async fn answer(
        &self,
        access: &Access,
        call: &Call<'_>,
        store: Arc<WebhookStore>,
        session: &Session,
        told: Option<Told>,
    ) -> Result<(SecretValue, Option<SecretValue>), Error> {
        let reading = Reading {
            store,
            functions: self.functions.clone(),
            secrets: session.secrets.clone(),
            namespace: access.namespace.as_ref().map(Namespace::to_string).unwrap_or_default(),
            told,
        };
        let making = move || reading.request().map_err(|what| (Kind::Invalid, what));
        let request = apart(call, making).await?;
        let outcome = self.body(call, &session.link, &request).await;
        Ok((call.counted(outcome)?, request.path))
    }

    async fn body(&self, call: &Call<'_>, link: &Link, request: &Request) -> Result<SecretValue, Error> {
        let ask = || {
            Ok(Whole {
                method: request.method.clone(),
                url: request.url.clone(),
                headers: request.headers.clone(),
                body: request.body.as_ref(),
                largest: link.bounds().largest_answer,
            })
        };
        reply::body(call, link.send_whole(call, &ask, &|_: &Reply| false).await?)
    }

    async fn session(&self, access: &Access) -> Result<Arc<Session>, Error> {
        let prove = |last| self.prove(access, last);
        self.sessions.of(access).session(self.clock.as_ref(), prove).await
    }

    async fn prove(&self, access: &Access, last: Option<Arc<Session>>) -> Result<Proof<Session>, Error> {
        let store = webhook(access)?;
        let (server, since) = (server(access, store), self.clock.now());
        let proofs = Proofs { clusters: self.clusters.as_ref(), access, server };
        let ca = proofs.authorities(store.ca_bundle.as_ref(), store.ca_provider.as_ref()).await?;
        let mut secrets = Scope::new();
        for secret in &store.secrets {
            secrets.entry(secret.name.clone()).or_default().extend(self.secret(&proofs, secret).await?);
        }
        let material = Material { ca, ..Material::default() };
        let (bounds, reach) = (self.bounds_of(store), &access.grant.reach);
        let last = last.as_ref().map(|last| &last.link);
        let link = Link::kept(last, server, material, &bounds, reach, PlainHttp::Refused(None)).await?;
        let until = since.saturating_add(SECRETS).unwrap_or(since);
        Ok(Proof { session: Arc::new(Session { link, secrets }), since, until })
    }

    /// What templates see of a Secret. ESO lets them see none that is not marked for it.
    async fn secret(
        &self,
        proofs: &Proofs<'_, C>,
        secret: &WebhookSecret,
    ) -> Result<BTreeMap<String, SecretValue>, Error> {
        let (cluster, own) = proofs.home()?;
        let namespace = secret.namespace.as_ref().unwrap_or(own);
        let place = format!("Secret {namespace}/{}", secret.secret);
        let found = self.clusters.secret(cluster, namespace, &secret.secret).await;
        let found = found.map_err(|error| proofs.not_proven(cluster, &place, error))?;
        let (label, value) = WebhookStore::LABEL;
        if found.labels.get(label).map(String::as_str) != Some(value) {
            let what = format!("{place} of cluster {cluster} has no label {label}: {value}; give it one");
            return Err(proofs.unusable(&what));
        }
        Ok(found.data)
    }

    /// Go takes a timeout of nothing for none.
    fn bounds_of(&self, store: &WebhookStore) -> Bounds {
        let timeout = store.timeout.filter(|timeout| *timeout > Duration::ZERO);
        let timeout = timeout.map(|timeout| timeout.min(self.bounds.deadline));
        Bounds { attempt_timeout: timeout.unwrap_or(self.bounds.attempt_timeout), ..self.bounds.clone() }
    }
}

impl<C: ClusterCredentials> Sources for WebhookSources<C> {
    fn providers(&self) -> Vec<Provider> {
        vec![Provider::Webhook]
    }

    async fn validate(&self, access: &Access) -> Result<(), Error> {
        self.session(access).await.map(|_| ())
    }

    #[tracing::instrument(skip_all, fields(store.provider = "webhook", keys = wanted.len()))]
    async fn fetch(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Fetched, Error>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let batch = Batch::of(wanted);
        batch.answers(self.values(access, &batch.distinct).await)
    }

    async fn find(&self, access: &Access, find: &Find, _: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let server = server(access, webhook(access)?);
        let refusal = access.backend.refuses(find).unwrap_or("a webhook cannot be searched");
        Err(Error::new(Step::Fetch, Kind::Invalid, format!("{server}: {refusal}")))
    }

    /// The values are read and dropped: nothing else tells a version.
    async fn versions(&self, access: &Access, wanted: &[Wanted]) -> Vec<Result<Version, Error>> {
        let fetched = self.fetch(access, wanted).await;
        fetched.into_iter().map(|answer| answer.map(|fetched| fetched.version)).collect()
    }
}

/// Does work that may take a while where it holds up nobody.
async fn apart<T: Send + 'static>(
    call: &Call<'_>,
    work: impl FnOnce() -> Result<T, (Kind, String)> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        // What a panic says may hold a value, so it is not kept as the cause.
        .map_err(|ended| match ended.is_panic() {
            true => call.error(
                Kind::Invalid,
                "a fault of Pawl ended this (a panic); report it with the store's manifest",
            ),
            false => call.error(Kind::Transient, "the request was not finished"),
        })?
        .map_err(|(kind, what)| call.error(kind, what))
}

/// What messages call the server.
fn server<'a>(access: &Access, store: &'a WebhookStore) -> Server<'a> {
    Server { provider: access.backend.location().provider, address: store.server(), field: "url" }
}

/// The spec: that of a store, or of the generator.
fn webhook(access: &Access) -> Result<&WebhookStore, Error> {
    let generator = match access.backend.as_generator() {
        Some(Generator::Webhook(spec)) => Some(spec.as_ref()),
        _ => None,
    };
    access.backend.as_webhook().or(generator).ok_or_else(|| {
        let message = format!("{} is not a webhook", access.backend.location());
        Error::new(Step::Fetch, Kind::Invalid, message)
    })
}
