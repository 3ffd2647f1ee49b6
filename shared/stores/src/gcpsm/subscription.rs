//! Messages of a pull subscription of Pub/Sub, taken by HTTP. Source: Google's API reference of Pub/Sub, version 1,
//! `projects.subscriptions`, methods `pull`, `acknowledge` and `modifyAckDeadline`.

use super::desk::{Desk, denied, server};
use super::hosts::Hosts;
use super::own::{FIELD, OwnIdentity};
use super::post::{Links, bearer, failed, json, may_pass};
use super::{is_of_token, until};
use crate::kit::{Ask, Bounds, Call, Cell, Link, Material, PlainHttp, Proof, REFUSED, Reply, Server, sealed};
use pawl_domain::grant::Reach;
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::{CallerIdentity, Clock, Error};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::debug;

/// A pull subscription, read with Pawl's own identity, which needs the role `roles/pubsub.subscriber` at it.
///
/// A message that is not acknowledged comes again, here or at another server. Nothing is lost by dropping any of these calls.
pub struct Subscription<A> {
    project: String,
    id: String,
    identity: OwnIdentity<A>,
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    hosts: Hosts,
    /// The pause after an answer without messages: Pub/Sub gives such a one whenever it likes.
    quiet: Duration,
    cell: Cell<Session>,
    /// Whether the last pull failed; the next one then asks for a single message, in case one of many is too large.
    failed: AtomicBool,
}

/// A message that was taken. Debug shows nothing of what others wrote.
pub struct Pulled {
    /// Names this delivery; [`Subscription::acknowledge`] and [`Subscription::postpone`] want it.
    pub receipt: String,
    /// The message as a push subscription would send it.
    pub body: String,
    /// How often it was delivered, this time included; only subscriptions with a dead-letter policy are told.
    pub attempt: Option<u32>,
}

/// A proven identity, with the connections for short calls and for the one that waits.
#[derive(Debug)]
struct Session {
    quick: Arc<Link>,
    patient: Arc<Link>,
    token: SecretValue,
    links: Links,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    max_messages: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Settled<'a> {
    ack_ids: &'a [&'a str],
    #[serde(skip_serializing_if = "Option::is_none")]
    ack_deadline_seconds: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Received {
    received_messages: Vec<Delivered>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivered {
    ack_id: String,
    message: Value,
    #[serde(default)]
    delivery_attempt: Option<u32>,
}

/// How long an answer to a pull may take: Pub/Sub waits for the first message for about a minute and a half.
const PATIENCE: Duration = Duration::from_secs(100);
/// How long a message that was taken is nobody else's, whatever the subscription's own deadline is.
const HOLD: Duration = Duration::from_secs(60);
/// The longest that a message can be held. Source: the reference of `modifyAckDeadline`.
const LONGEST_HOLD: Duration = Duration::from_secs(600);
const QUIET: Duration = Duration::from_secs(1);
/// The longest answer to a pull, in bytes: one message has up to 10 MB, in base64.
const LARGEST: usize = 16 * 1024 * 1024;

impl<A: CallerIdentity> Subscription<A> {
    /// The subscription of this name, `projects/<project>/subscriptions/<id>`; `None` where the name is another.
    pub fn new(name: &str, identity: OwnIdentity<A>, clock: Arc<dyn Clock>) -> Option<Self> {
        let is_part = |text: &&str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+%:".contains(&byte);
            (1..=255).contains(&text.len()) && text.bytes().all(known)
        };
        let (project, id) = name.strip_prefix("projects/")?.split_once("/subscriptions/")?;
        let (project, id) = (Some(project).filter(is_part)?, Some(id).filter(is_part)?);
        Some(Self {
            project: project.to_owned(),
            id: id.to_owned(),
            identity,
            clock,
            bounds: Bounds::default(),
            hosts: Hosts::default(),
            quiet: QUIET,
            cell: Cell::default(),
            failed: AtomicBool::new(false),
        })
    }

    /// The same with all of Google's services at one address, for tests, and with bounds for them.
    #[must_use]
    pub fn at(self, address: &str, bounds: Bounds) -> Self {
        Self { hosts: Hosts::At(address.to_owned()), quiet: bounds.first_pause, bounds, ..self }
    }

    /// Up to `most` messages as soon as there is one; perhaps none after a while. They are nobody else's for a minute.
    ///
    /// # Errors
    /// When the identity cannot be proven or the subscription not be asked; ask again after a pause.
    pub async fn receive(&self, most: usize) -> Result<Vec<Pulled>, Error> {
        let most = if self.failed.load(Ordering::Relaxed) { 1 } else { most.max(1) };
        let received = self.asked("pull", &Wanted { max_messages: most }).await;
        self.failed.store(received.is_err(), Ordering::Relaxed);
        let pulled: Vec<Pulled> =
            received?.received_messages.into_iter().map(|one| self.pulled(one)).collect();
        if pulled.is_empty() {
            tokio::time::sleep(self.quiet).await;
            return Ok(pulled);
        }
        let receipts: Vec<&str> = pulled.iter().map(|pulled| pulled.receipt.as_str()).collect();
        // Where this fails they may come twice, which is harmless.
        if let Err(problem) = self.hold(&receipts, HOLD).await {
            debug!("messages are held for the subscription's own time: {problem}");
        }
        Ok(pulled)
    }

    /// Takes a message out of the subscription.
    ///
    /// # Errors
    /// When that could not be said; the message may then come again.
    pub async fn acknowledge(&self, receipt: &str) -> Result<(), Error> {
        let body = Settled { ack_ids: &[receipt], ack_deadline_seconds: None };
        self.asked("acknowledge", &body).await.map(drop)
    }

    /// Lets a message come again after this pause, of ten minutes at most, and then that of the subscription's retry policy.
    ///
    /// # Errors
    /// When that could not be said; the message then comes again by itself.
    pub async fn postpone(&self, receipt: &str, pause: Duration) -> Result<(), Error> {
        self.hold(&[receipt], pause).await
    }

    async fn hold(&self, receipts: &[&str], time: Duration) -> Result<(), Error> {
        let seconds = time.min(LONGEST_HOLD).as_secs();
        let body = Settled { ack_ids: receipts, ack_deadline_seconds: Some(seconds) };
        self.asked("modifyAckDeadline", &body).await.map(drop)
    }

    /// Asks with the session; where its token is refused, once more with a new one.
    async fn asked(&self, method: &'static str, body: &(impl Serialize + Sync)) -> Result<Received, Error> {
        let prove = |last| self.prove(last);
        let session = self.cell.session(self.clock.as_ref(), prove).await?;
        let answer = self.ask(&session, method, body).await;
        let refused = answer.as_ref().err().is_some_and(is_of_token);
        if refused && self.cell.give_up(self.clock.as_ref(), &session, REFUSED).await {
            let session = self.cell.session(self.clock.as_ref(), prove).await?;
            return self.ask(&session, method, body).await;
        }
        answer
    }

    async fn ask(
        &self,
        session: &Session,
        method: &'static str,
        body: &(impl Serialize + Sync),
    ) -> Result<Received, Error> {
        let address = self.hosts.service("pubsub");
        let call = self.call(&address, method);
        let (body, proof) = (json(&call, body)?, bearer(&session.token));
        let (link, largest) = match method {
            "pull" => (&session.patient, LARGEST),
            _ => (&session.quick, self.bounds.largest_answer),
        };
        let named = format!("{}:{method}", self.id);
        let ask = || {
            Ok(Ask {
                method: Method::POST,
                path: vec!["v1", "projects", &self.project, "subscriptions", &named],
                query: Vec::new(),
                headers: HeaderMap::from_iter([(AUTHORIZATION, sealed(&proof, &call)?)]),
                body: Some(&body),
                largest,
            })
        };
        let reply = link.send(&call, &ask, &may_pass).await;
        call.counted(reply.and_then(|reply| match reply.status.is_success() {
            true => reply.object().ok_or_else(|| call.unreadable()),
            false => Err(reply.failure(refused(&call, &reply))),
        }))
    }

    async fn prove(&self, last: Option<Arc<Session>>) -> Result<Proof<Session>, Error> {
        let (since, reach) = (self.clock.now(), Reach::default());
        let mut links = last.as_ref().map(|last| last.links.clone()).unwrap_or_default();
        let desk = Desk { hosts: &self.hosts, bounds: &self.bounds, reach: &reach, now: since, field: FIELD };
        let token = self.identity.token(desk, &mut links).await?;
        let address = self.hosts.service("pubsub");
        let call = desk.call(&address, "connection");
        let quick = links.to(&call, &self.bounds, &reach).await?;
        let patient = match last {
            Some(last) => Arc::clone(&last.patient),
            None => {
                let (attempt_timeout, deadline) = (PATIENCE, PATIENCE * 2);
                let bounds = Bounds { attempt_timeout, deadline, ..self.bounds.clone() };
                let (material, plain) = (Material::default(), PlainHttp::Refused(None));
                Arc::new(Link::open(&call, material, &bounds, &reach, plain).await?)
            }
        };
        let until = until(since, &token);
        let session = Session { quick, patient, token: token.value, links };
        Ok(Proof { session: Arc::new(session), since, until })
    }

    fn pulled(&self, delivered: Delivered) -> Pulled {
        let Delivered { ack_id, message, delivery_attempt } = delivered;
        let subscription = format!("projects/{}/subscriptions/{}", self.project, self.id);
        let body = serde_json::json!({ "message": message, "subscription": subscription }).to_string();
        Pulled { receipt: ack_id, body, attempt: delivery_attempt.filter(|&attempt| attempt > 0) }
    }

    fn call<'c>(&'c self, address: &'c str, action: &'static str) -> Call<'c> {
        let server = Server { field: "PAWL_PUBSUB_SUBSCRIPTION", ..server(address) };
        Call { step: Step::Lookup, server, action, subject: &self.id }
    }
}

impl<A> fmt::Debug for Subscription<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (project, id) = (&self.project, &self.id);
        f.debug_struct("Subscription").field("project", project).field("id", id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulled").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

fn refused(call: &Call<'_>, reply: &Reply) -> Error {
    match reply.status.as_u16() {
        401 => denied(call, "the token was refused; check PAWL_GOOGLE_CREDENTIALS"),
        403 => call.error(
            Kind::Denied,
            "access denied; give Pawl's identity the role roles/pubsub.subscriber at the subscription",
        ),
        404 => call.error(
            Kind::Invalid,
            "there is no such subscription; create it, or correct PAWL_PUBSUB_SUBSCRIPTION",
        ),
        _ => failed(call, reply),
    }
}
