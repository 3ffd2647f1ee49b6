//! Watches one kind of object in one cluster.

use super::memory::{Memory, Seen, SeenObject};
use super::pauses::Pauses;
use crate::call::{Call, NAMESPACES, Resource, SECRETS, Verb};
use crate::connect::{Lines, Link, Opened, Over};
use crate::eso::EsoKind;
use crate::list::{self, Listed};
use crate::scan::{generators_named, of_object};
use metrics::counter;
use pawl_domain::reconcile::MANAGED_LABEL;
use pawl_domain::{GeneratorKind, Home, Kind, Step, StoreId};
use pawl_manifests::ParseOptions;
use pawl_ports::{ClusterIdentity, Declared, Error, Sighting};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};

/// How long one request watches, in seconds; the server ends it then and it is resumed.
const LASTING: &str = "290";
/// How long a watch may be silent. API servers send a bookmark each minute; a connection that a firewall dropped sends none.
const PATIENCE: Duration = Duration::from_secs(150);
/// A watch that ended sooner than this counts as failed, so that it is not resumed without a pause.
const SHORT: Duration = Duration::from_secs(1);
/// How long a kind that is not served, or may not be watched, is left alone.
const LATER: Duration = Duration::from_secs(5 * 60);

/// What is watched.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject {
    /// Objects of one of ESO's kinds.
    Eso(EsoKind),
    /// Secrets with the managed label.
    ManagedSecrets,
    /// All Secrets: any of them may be pushed.
    Sources,
    /// Namespaces.
    Namespaces,
}

/// One kind of one cluster.
pub(super) struct One<'a, I> {
    link: &'a Link<I>,
    told: &'a Sender<Sighting>,
    subject: Subject,
    /// Where; everywhere if not given.
    namespace: Option<&'a str>,
    options: ParseOptions,
    place: String,
    /// The version up to which everything was told; `None` where nothing was.
    from: Option<String>,
    memory: Memory,
}

/// Nobody listens any more.
struct Unheard;

/// Why an attempt came to its end.
enum Stop {
    Unheard,
    /// Nothing is wrong.
    Ended,
    /// The server does not know the version to go on from.
    Forgotten,
    /// The server does not know the kind.
    NotServed,
    Failed(Error),
}

impl From<Unheard> for Stop {
    fn from(_: Unheard) -> Self {
        Self::Unheard
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// One line of a watch.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type")]
    what: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// What is looked at in an error.
#[derive(Default, Deserialize)]
struct Failure {
    #[serde(default)]
    code: u16,
}

impl<'a, I: ClusterIdentity> One<'a, I> {
    pub(super) fn new(
        link: &'a Link<I>,
        class: &str,
        told: &'a Sender<Sighting>,
        subject: Subject,
        namespace: Option<&'a str>,
    ) -> Self {
        let mut options = ParseOptions::new(Home::Cluster(link.name().clone()));
        class.clone_into(&mut options.class);
        let place = format!("cluster {}", link.name());
        Self { link, told, subject, namespace, options, place, from: None, memory: Memory::default() }
    }

    /// Watches until nobody listens any more.
    pub(super) async fn run(mut self) {
        if let Subject::Eso(EsoKind::Generator(kind)) = self.subject {
            tokio::select! {
                () = self.link.until_named(kind) => {}
                () = self.told.closed() => return,
            }
        }
        let mut pauses = Pauses::default();
        while !self.told.is_closed() {
            let began = Instant::now();
            let stop = self.attempt(&mut pauses).await;
            let pause = match stop {
                Stop::Unheard => return,
                Stop::Ended if began.elapsed() >= SHORT => Duration::ZERO,
                Stop::Ended => pauses.next(),
                Stop::Forgotten => {
                    self.from = None;
                    pauses.next()
                }
                Stop::NotServed => {
                    debug!(cluster.name = %self.link.name(), subject = ?self.subject, "not served");
                    LATER
                }
                Stop::Failed(error) => self.failed(&error, &mut pauses),
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.told.closed() => return,
            }
        }
    }

    fn failed(&self, error: &Error, pauses: &mut Pauses) -> Duration {
        counter!("pawl_watch_failures_total").increment(1);
        // Told once, when it begins; the index and the drift check go on by the clock.
        if !pauses.is_failing() {
            warn!(cluster.name = %self.link.name(), "{}s are not watched: {error}", self.kind());
        }
        let pause = pauses.next();
        if error.kind == Kind::Denied { LATER } else { pause }
    }

    async fn attempt(&mut self, pauses: &mut Pauses) -> Stop {
        if self.from.is_none()
            && let Err(stop) = self.list().await
        {
            return stop;
        }
        match self.follow(pauses).await {
            Err(stop) => stop,
            Ok(never) => match never {},
        }
    }

    /// Learns from where to go on. What stands there already is not told one by one.
    async fn list(&mut self) -> Result<(), Stop> {
        self.memory.clear();
        for version in self.subject.versions(self.link.served()) {
            let resource = self.resource(version);
            let memory = &mut self.memory;
            let remembers = matches!(self.subject, Subject::Eso(_) | Subject::Namespaces);
            let (subject, namespace) = (self.subject, self.namespace);
            let call = || {
                let list = Call::new(Step::Lookup, Verb::List, &resource).within(namespace);
                subject.selected(list.metadata_only())
            };
            let of = |object: SeenObject| {
                if remembers {
                    memory.is_news(&object.metadata);
                }
            };
            if let Listed::All(_, from) = list::served(self.link, call, of).await? {
                self.from = Some(from);
                if self.subject.tells_version() {
                    self.link.set_served(version);
                }
                return Ok(self.tell(self.subject.anew()).await?);
            }
            if !matches!(self.subject, Subject::Eso(_)) {
                break;
            }
        }
        Err(Stop::NotServed)
    }

    /// Tells what changes from there on.
    async fn follow(&mut self, pauses: &mut Pauses) -> Result<std::convert::Infallible, Stop> {
        let from = self.from.clone().unwrap_or_default();
        let resource = self.resource(self.link.served());
        let call = Call::new(Step::Lookup, Verb::Watch, &resource)
            .within(self.namespace)
            .query("watch", "1")
            .query("allowWatchBookmarks", "true")
            .query("timeoutSeconds", LASTING)
            .query("resourceVersion", &from);
        let call = self.subject.selected(call);
        let call = if matches!(self.subject, Subject::Eso(_)) { call } else { call.metadata_only() };
        let mut lines = match self.link.open(&call).await? {
            Opened::Lines(lines) => lines,
            Opened::Refused(refusal) if refusal.code == 410 => return Err(Stop::Forgotten),
            Opened::Refused(refusal) if refusal.code == 404 && !refusal.is_status => {
                self.from = None;
                return Err(Stop::NotServed);
            }
            Opened::Refused(refusal) => return Err(refusal.into_error(&call, self.link.name()).into()),
        };
        if pauses.is_failing() {
            info!(cluster.name = %self.link.name(), "{}s are watched again", self.kind());
        }
        loop {
            let line = self.next(&mut lines, &call).await?;
            self.line(&line, &call).await?;
            pauses.reset();
        }
    }

    async fn next(&self, lines: &mut Lines, call: &Call<'_>) -> Result<zeroize::Zeroizing<Vec<u8>>, Stop> {
        let next = tokio::select! {
            next = lines.next(PATIENCE) => next,
            () = self.told.closed() => return Err(Stop::Unheard),
        };
        next.map_err(|over| match over {
            // A silent one is resumed at once: nothing says that the server is in trouble.
            Over::Ended | Over::Silent => Stop::Ended,
            Over::Broken => broken(call, self.link, "the watch broke off").into(),
        })
    }

    async fn line(&mut self, line: &[u8], call: &Call<'_>) -> Result<(), Stop> {
        let link = self.link;
        let unreadable = || broken(call, link, "a line of the watch cannot be read");
        let Line { what, object } = serde_json::from_slice(line).map_err(|_| unreadable())?;
        if what == "ERROR" {
            let failure: Failure = serde_json::from_str(object.get()).unwrap_or_default();
            return Err(match failure.code {
                410 => Stop::Forgotten,
                _ => broken(call, link, "the server ended the watch with an error").into(),
            });
        }
        let SeenObject { metadata } = serde_json::from_str(object.get()).map_err(|_| unreadable())?;
        let version = metadata.resource_version.clone();
        match (what, self.subject) {
            ("ADDED" | "MODIFIED", Subject::ManagedSecrets) => {
                self.target(&metadata, Some(version.clone())).await?;
            }
            ("DELETED", Subject::ManagedSecrets) => self.target(&metadata, None).await?,
            ("ADDED" | "MODIFIED" | "DELETED", Subject::Sources) => {
                if let (Ok(namespace), Ok(name)) = (metadata.namespace.parse(), metadata.name.parse()) {
                    let version = (what != "DELETED").then(|| version.clone());
                    self.tell(Sighting::Source(namespace, name, version)).await?;
                }
            }
            ("ADDED" | "MODIFIED", Subject::Namespaces | Subject::Eso(EsoKind::ClusterExternalSecret)) => {
                self.tell_if_news(&metadata).await?;
            }
            ("DELETED", Subject::Namespaces | Subject::Eso(EsoKind::ClusterExternalSecret)) => {
                self.memory.remove(&metadata);
                self.tell(Sighting::Families).await?;
            }
            ("ADDED" | "MODIFIED", Subject::Eso(kind)) => {
                if self.memory.is_news(&metadata)
                    && let Some(declared) = self.declared(kind, &metadata)
                {
                    let object: Value = serde_json::from_str(object.get()).map_err(|_| unreadable())?;
                    link.name_generators(generators_named(&object));
                    let manifests = of_object(object, &self.place, &self.options);
                    self.tell(Sighting::Standing(declared, manifests)).await?;
                    self.tell_parent(&metadata).await?;
                }
            }
            ("DELETED", Subject::Eso(kind)) => {
                self.memory.remove(&metadata);
                if let Some(declared) = self.declared(kind, &metadata) {
                    self.tell(Sighting::Gone(declared)).await?;
                }
                self.tell_parent(&metadata).await?;
            }
            _ => {}
        }
        // Only now: what was not told must be told again.
        self.from = Some(version).filter(|version| !version.is_empty());
        Ok(())
    }

    async fn target(&self, seen: &Seen, version: Option<String>) -> Result<(), Unheard> {
        let (Ok(namespace), Ok(name)) = (seen.namespace.parse(), seen.name.parse()) else { return Ok(()) };
        self.tell(Sighting::Target(namespace, name, version)).await
    }

    /// What ClusterExternalSecrets depend on is told where more than a status changed.
    async fn tell_if_news(&mut self, seen: &Seen) -> Result<(), Unheard> {
        if self.memory.is_news(seen) { self.tell(Sighting::Families).await } else { Ok(()) }
    }

    /// An ExternalSecret that a ClusterExternalSecret made is its parent's matter as well.
    async fn tell_parent(&self, seen: &Seen) -> Result<(), Unheard> {
        if seen.has_parent() { self.tell(Sighting::Families).await } else { Ok(()) }
    }

    fn declared(&self, kind: EsoKind, seen: &Seen) -> Option<Declared> {
        let name = seen.name.parse().ok()?;
        let home = self.options.home.clone();
        Some(match kind {
            EsoKind::ExternalSecret => Declared::ExternalSecret(seen.namespace.parse().ok()?, name),
            EsoKind::PushSecret => Declared::PushSecret(seen.namespace.parse().ok()?, name),
            EsoKind::SecretStore => Declared::Store(StoreId {
                home,
                namespace: Some(seen.namespace.parse().ok()?),
                name,
                generator: None,
            }),
            EsoKind::ClusterSecretStore => {
                Declared::Store(StoreId { home, namespace: None, name, generator: None })
            }
            EsoKind::Generator(GeneratorKind::ClusterGenerator) => {
                let generator = Some(GeneratorKind::ClusterGenerator);
                Declared::Store(StoreId { home, namespace: None, name, generator })
            }
            EsoKind::Generator(kind) => {
                let namespace = Some(seen.namespace.parse().ok()?);
                Declared::Store(StoreId { home, namespace, name, generator: Some(kind) })
            }
            // Its children are declared, and they speak for themselves.
            EsoKind::ClusterExternalSecret => return None,
        })
    }

    async fn tell(&self, sighting: Sighting) -> Result<(), Unheard> {
        counter!("pawl_watch_sightings_total").increment(1);
        self.told.send(sighting).await.map_err(|_| Unheard)
    }

    fn resource(&self, version: usize) -> Resource<'static> {
        match self.subject {
            Subject::Eso(kind) => kind.resource(version),
            Subject::ManagedSecrets | Subject::Sources => SECRETS,
            Subject::Namespaces => NAMESPACES,
        }
    }

    fn kind(&self) -> &'static str {
        self.resource(0).kind
    }
}

fn broken<I: ClusterIdentity>(call: &Call<'_>, link: &Link<I>, why: &str) -> Error {
    Error::new(call.step, Kind::Transient, format!("{}: {why}", call.subject(link.name())))
}

impl Subject {
    /// The versions in which it may be served, the likeliest first.
    fn versions(self, served: usize) -> Vec<usize> {
        match self {
            Self::Eso(kind) => kind.versions(served).collect(),
            Self::ManagedSecrets | Self::Sources | Self::Namespaces => vec![served],
        }
    }

    /// Whether the version that it is served in is that of ESO's other kinds.
    fn tells_version(self) -> bool {
        !matches!(self, Self::Eso(kind) if kind.has_own_version())
    }

    /// What is told when the watch begins anew.
    fn anew(self) -> Sighting {
        match self {
            Self::Eso(EsoKind::ClusterExternalSecret) | Self::Namespaces => Sighting::Families,
            Self::Eso(_) => Sighting::Declarations,
            Self::ManagedSecrets => Sighting::Targets,
            Self::Sources => Sighting::Sources,
        }
    }

    fn selected(self, call: Call<'_>) -> Call<'_> {
        match self {
            Self::Eso(_) | Self::Sources | Self::Namespaces => call,
            Self::ManagedSecrets => call.query("labelSelector", &format!("{MANAGED_LABEL}=true")),
        }
    }
}
