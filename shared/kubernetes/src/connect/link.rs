//! The connection to one cluster: it bounds the work, puts a fresh token on every request, and does not ask a cluster again
//! that is down.

use super::Shared;
use super::bearer::Bearer;
use super::lines::Opened;
use super::server::{self, Server};
use super::transport::Fault;
use crate::call::{Call, NAMESPACES, Reply, Verb};
use crate::kinds::ServedKind;
use metrics::counter;
use pawl_domain::declaration::Manifest;
use pawl_domain::{Cluster, ClusterName, Kind, Step};
use pawl_ports::{ApiEndpoint, ClusterIdentity, Error};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;
use tracing::debug;

/// After this long, a server that cannot be reached is looked up anew: it may have moved, or changed its CA.
const LOOK_UP_AGAIN: Duration = Duration::from_secs(5 * 60);

/// Bounds on what a server may ask for: no pause at all would be a tight loop, and an hour a mistake.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The way to one cluster.
pub(crate) struct Link<I> {
    cluster: Cluster,
    shared: Arc<Shared<I>>,
    permits: Semaphore,
    state: Mutex<State>,
    /// Which of ESO's versions the cluster was last seen to serve; an index.
    served: AtomicUsize,
    /// The kinds of targets that are no Secrets, as the cluster was found to serve them.
    kinds: Mutex<BTreeMap<Manifest, Arc<ServedKind>>>,
}

#[derive(Default)]
struct State {
    /// Made by whoever needs it first; the others wait for that.
    server: Arc<OnceCell<Server>>,
    /// Until when the cluster is taken to be down, and why.
    down: Option<(Instant, Error)>,
    /// Until when the server wants to be left alone.
    busy: Option<Instant>,
}

impl<I: ClusterIdentity> Link<I> {
    pub(crate) fn new(cluster: Cluster, shared: Arc<Shared<I>>) -> Self {
        let permits = Semaphore::new(shared.options.concurrency.max(1));
        Self {
            cluster,
            shared,
            permits,
            state: Mutex::default(),
            served: AtomicUsize::new(0),
            kinds: Mutex::default(),
        }
    }

    /// The cluster's name.
    pub(crate) fn name(&self) -> &ClusterName {
        &self.cluster.name
    }

    /// The collections of a namespaced kind that are listed and watched: one for each namespace that the Cluster names, or
    /// that of all.
    pub(crate) fn collections(&self) -> Vec<Option<&str>> {
        match &self.cluster.namespaces {
            all if all.is_empty() => vec![None],
            some => some.iter().map(|namespace| Some(namespace.as_str())).collect(),
        }
    }

    /// Whether this link leads to the cluster as it is declared here.
    pub(crate) fn reaches(&self, cluster: &Cluster) -> bool {
        let Cluster { name: _, labels: _, connection, index: _, namespaces } = cluster;
        (&self.cluster.connection, &self.cluster.namespaces) == (connection, namespaces)
    }

    /// The index of the version of ESO's kinds that was served last.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::Relaxed)
    }

    /// Remembers which version is served.
    pub(crate) fn set_served(&self, index: usize) {
        self.served.store(index, Ordering::Relaxed);
    }

    /// A kind as it was found to be served.
    pub(crate) fn kind(&self, kind: &Manifest) -> Option<Arc<ServedKind>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).get(kind).map(Arc::clone)
    }

    /// Remembers how a kind is served.
    pub(crate) fn set_kind(&self, kind: &Manifest, served: Arc<ServedKind>) {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner).insert(kind.clone(), served);
    }

    /// Sends one request, when its turn has come. A server that asks to wait a little is asked again after that, and
    /// meanwhile nobody else asks it anything: it has taken nothing in, so asking again is harmless.
    ///
    /// # Errors
    /// `Unreachable` when there is no answer in time; `Throttled` when the server wants to be left alone for longer than a
    /// request may wait; whatever is wrong with the declaration or the token. For a while after the first and the last,
    /// the same at once. What the server refuses is a [`Reply`].
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<Reply, Error> {
        // The semaphore is never closed; were it, going on without its bound would still be right.
        let _permit = self.permits.acquire().await.ok();
        let patience = Instant::now() + self.shared.options.patience;
        loop {
            self.wait_while_busy(call, patience).await?;
            // Boxed: the future of a request is some 100 KB in a build that is not optimised, and callers hold many side by side.
            let reply = Box::pin(self.once(call)).await?;
            let Reply::Refused(refusal) = &reply else { return Ok(reply) };
            let Some(pause) = refusal.asks_to_wait() else { return Ok(reply) };
            let until = Instant::now() + pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
            let mut state = self.state();
            state.busy = state.busy.max(Some(until));
            if until > patience {
                return Ok(reply);
            }
        }
    }

    /// Waits until the server may be asked again.
    async fn wait_while_busy(&self, call: &Call<'_>, patience: Instant) -> Result<(), Error> {
        loop {
            let Some(until) = self.state().busy.filter(|until| Instant::now() < *until) else {
                return Ok(());
            };
            if until > patience {
                let message = format!("{}: the API server asks to slow down", call.subject(self.name()));
                let error = Error::new(call.step, Kind::Throttled, message);
                return Err(error.after(until.saturating_duration_since(Instant::now())));
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// Sends one request, with another token if the first was refused.
    async fn once(&self, call: &Call<'_>) -> Result<Reply, Error> {
        self.refuse_while_down(call)?;
        let server = self.server(call).await?;
        let bearer = self.bearer(&server, call).await?;
        let reply = self.attempt(&server, &bearer, call).await?;
        if !matches!(&reply, Reply::Refused(refusal) if refusal.code == 401) || !server.renew(&bearer) {
            return Ok(reply);
        }
        let bearer = self.bearer(&server, call).await?;
        self.attempt(&server, &bearer, call).await
    }

    /// Opens a request whose answer has no end. It takes no turn, for it would keep it.
    ///
    /// # Errors
    /// As for [`Link::send`].
    pub(crate) async fn open(&self, call: &Call<'_>) -> Result<Opened, Error> {
        self.refuse_while_down(call)?;
        let server = self.server(call).await?;
        let mut again = true;
        loop {
            let bearer = self.bearer(&server, call).await?;
            let opened = server.transport.open(call, &bearer).await;
            let refusal = match &opened {
                Ok(Opened::Refused(refusal)) => Some(refusal.code),
                Ok(Opened::Lines(_)) | Err(_) => None,
            };
            let opened = self.counted(&server, call, refusal, opened)?;
            if refusal != Some(401) || !server.renew(&bearer) || !std::mem::take(&mut again) {
                return Ok(opened);
            }
        }
    }

    /// Where the API server is, for who has credentials of their own.
    ///
    /// # Errors
    /// As for [`Link::send`], when it is not known; `Invalid` when it cannot be reached by address and CA alone.
    pub(crate) async fn endpoint(&self) -> Result<ApiEndpoint, Error> {
        let call = Call::new(Step::Authenticate, Verb::Get, &NAMESPACES);
        let server = self.server(&call).await?;
        server.endpoint.map_err(|why| server::invalid(self.name(), why))
    }

    async fn attempt(&self, server: &Server, bearer: &Bearer, call: &Call<'_>) -> Result<Reply, Error> {
        let reply = server.transport.send(call, bearer).await;
        let refusal = match &reply {
            Ok(Reply::Refused(refusal)) => Some(refusal.code),
            Ok(Reply::Done(_)) | Err(_) => None,
        };
        self.counted(server, call, refusal, reply)
    }

    /// The one place where answers come in: here they are counted, and here a cluster is found to be down.
    fn counted<T>(
        &self,
        server: &Server,
        call: &Call<'_>,
        refusal: Option<u16>,
        outcome: Result<T, Fault>,
    ) -> Result<T, Error> {
        let code = match (&outcome, refusal) {
            (Err(fault), _) => fault.as_str().to_owned(),
            (Ok(_), Some(code)) => code.to_string(),
            (Ok(_), None) => "ok".to_owned(),
        };
        let (cluster, verb) = (self.name().as_str(), call.verb.as_str());
        debug!(cluster.name = cluster, verb, resource = call.resource(), code, "cluster called");
        counter!("pawl_cluster_calls_total", "cluster" => cluster.to_owned(), "verb" => verb, "code" => code)
            .increment(1);
        let about =
            |kind, why: &str| Error::new(call.step, kind, format!("{}: {why}", call.subject(self.name())));
        outcome.map_err(|fault| match fault {
            Fault::Connect(why) => self.lost(server, call, &why),
            Fault::TimedOut => {
                let limit = self.shared.options.request_timeout.as_secs_f32();
                self.lost(server, call, &format!("no answer in {limit} s"))
            }
            Fault::Broken => about(Kind::Transient, "the connection broke off"),
            Fault::TooLarge => about(Kind::Invalid, "the answer is larger than any should be"),
        })
    }

    /// The server, found by whoever comes first. Those who waited for one that failed do not try for themselves.
    async fn server(&self, call: &Call<'_>) -> Result<Server, Error> {
        let cell = Arc::clone(&self.state().server);
        let find = || async {
            self.refuse_while_down(call)?;
            server::find(&self.cluster, &self.shared).await.map_err(|error| self.down(error))
        };
        cell.get_or_try_init(find).await.cloned()
    }

    /// A token, made by whoever comes first, as for the server.
    async fn bearer(&self, server: &Server, call: &Call<'_>) -> Result<Bearer, Error> {
        let mint = || async {
            self.refuse_while_down(call)?;
            server.mint(&self.shared, self.name()).await.map_err(|error| self.down(error))
        };
        server.bearers.current(|| self.shared.clock.now(), mint).await
    }

    fn lost(&self, server: &Server, call: &Call<'_>, why: &str) -> Error {
        if server.found.elapsed() > LOOK_UP_AGAIN {
            self.state().server = Arc::default();
        }
        let name = self.name();
        let message =
            format!("cluster {name} cannot be reached: {why}; it is tried again, see that it is up");
        self.down(Error::new(call.step, Kind::Unreachable, message))
    }

    /// From now on, for a while, this is what everybody hears.
    fn down(&self, error: Error) -> Error {
        let until = Instant::now() + self.shared.options.fail_fast;
        self.state().down = Some((until, error.shared()));
        error
    }

    fn refuse_while_down(&self, call: &Call<'_>) -> Result<(), Error> {
        let state = self.state();
        let Some((_, error)) = state.down.as_ref().filter(|(until, _)| Instant::now() < *until) else {
            return Ok(());
        };
        let mut error = error.shared();
        if error.step != Step::Authenticate {
            error.step = call.step;
        }
        Err(error)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
