//! What PushSecrets write and delete of secrets. Source: ESO's GCP provider, version 2.9.
//!
//! Labels are changed, and secrets deleted, only as they were read (by etag). Versions are added without a condition, for no
//! etag changes with them: of two that set different properties at the same moment, the later wins.

use super::api::{Api, Secret, Told, number, status};
use super::payload::crc32c;
use super::post::{bearer, may_pass};
use crate::kit::{Ask, Call, Reply, sealed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::push::metadata::{GcpMetadata, MANAGED_BY, MANAGER};
use pawl_domain::push::property::{self, Left};
use pawl_domain::push::AsText;
use pawl_domain::{Kind, PushOutcome, Pushed, RemoteEntry, SecretValue};
use pawl_ports::Error;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde::Deserialize;
use serde_json::{Value, json};

/// How often a push starts again, where somebody else wrote in between.
const MOST_TRIES: usize = 4;

#[derive(Deserialize)]
struct Added {
    name: String,
}

impl Api {
    /// Writes a secret where it is not there as it should be.
    pub(super) async fn push(&self, pushed: &Pushed) -> Result<PushOutcome, Error> {
        let key = pushed.to.key.as_str();
        let call = self.call("addVersion", key);
        let invalid = |what: &str| call.error(Kind::Invalid, what);
        let metadata = GcpMetadata::parse(pushed.metadata.as_ref());
        let metadata = metadata.map_err(|error| invalid(&error.to_string()))?;
        if pushed.to.property.is_some() && pushed.metadata.is_some() {
            return Err(invalid("metadata is not taken together with a property; leave one of them out"));
        }
        let given = pushed.value(AsText::Plain).map_err(|error| invalid(&error.to_string()))?;
        for _ in 0..MOST_TRIES {
            match self.pushed(key, pushed.to.property.as_deref(), given.clone(), &metadata).await {
                Err(error) if error.kind == Kind::Conflict => {}
                outcome => return outcome,
            }
        }
        Err(call.error(Kind::Conflict, "others write it all the time; it is tried again"))
    }

    /// Whether the secret has a version in force, with the property.
    pub(super) async fn exists(&self, entry: &RemoteEntry) -> Result<bool, Error> {
        let Some(property) = &entry.property else {
            return Ok(matches!(self.newest_enabled(&entry.key).await?, Told::Given(_)));
        };
        let call = self.call("access", &entry.key);
        match self.access(&entry.key, "latest").await? {
            Told::Given(given) => {
                property::has(property, &given.value).map_err(|error| call.error(Kind::Invalid, error))
            }
            Told::Off | Told::Empty | Told::Absent => Ok(false),
        }
    }

    /// Deletes what PushSecrets manage: a property, by a version without it, or the secret.
    pub(super) async fn remove(&self, entry: &RemoteEntry) -> Result<(), Error> {
        let key = entry.key.as_str();
        let call = self.call("delete", key);
        for _ in 0..MOST_TRIES {
            let Some(secret) = self.secret(key).await?.filter(is_managed) else { return Ok(()) };
            if let Some(property) = &entry.property {
                let left = match self.standing(key).await? {
                    Some(standing) => property::without(property, &standing),
                    None => Ok(Left::Nothing),
                };
                match left.map_err(|error| call.error(Kind::Invalid, error))? {
                    Left::AsItIs => return Ok(()),
                    Left::Value(left) => return self.add(key, &left).await.map(drop),
                    Left::Nothing => {}
                }
            }
            let query = if secret.etag.is_empty() { Vec::new() } else { vec![("etag", secret.etag.as_str())] };
            match self.change(&call, Method::DELETE, &["secrets", key], query, None).await {
                Err(error) if error.kind == Kind::Conflict => {}
                deleted => return deleted.map(drop),
            }
        }
        Err(call.error(Kind::Conflict, "others write it all the time; it is tried again"))
    }

    async fn pushed(
        &self,
        key: &str,
        property: Option<&str>,
        given: SecretValue,
        metadata: &GcpMetadata,
    ) -> Result<PushOutcome, Error> {
        let call = self.call("addVersion", key);
        let mut changed = false;
        match self.secret(key).await? {
            None => {
                self.create(key, metadata).await?;
                changed = true;
            }
            Some(secret) if !is_managed(&secret) => {
                let what = format_args!(
                    "it exists and PushSecrets do not manage it; push to another key, or give it the label \
                     {MANAGED_BY}={MANAGER}"
                );
                return Err(call.error(Kind::Denied, what));
            }
            Some(secret) => changed |= self.relabel(key, &secret, metadata).await?,
        }
        let standing = self.standing(key).await?;
        let value = property::with(property, standing.as_ref(), given);
        let value = value.map_err(|error| call.error(Kind::Invalid, error))?;
        if standing.as_ref() == Some(&value) {
            return Ok(if changed { PushOutcome::Written { version: None } } else { PushOutcome::Unchanged });
        }
        Ok(PushOutcome::Written { version: Some(self.add(key, &value).await?) })
    }

    /// A new secret without a version, marked.
    async fn create(&self, key: &str, metadata: &GcpMetadata) -> Result<(), Error> {
        let call = self.call("create", key);
        let topics: Vec<_> = metadata.topics.iter().map(|topic| json!({ "name": topic })).collect();
        let mut body = json!({ "labels": metadata.labels(&Default::default()), "topics": topics });
        body["annotations"] = json!(metadata.annotations(&Default::default()));
        // Secrets of one location are kept there.
        if self.store.location.is_none() {
            body["replication"] = metadata.replication();
        }
        let query = vec![("secretId", key)];
        self.change(&call, Method::POST, &["secrets"], query, Some(&body)).await.map(drop)
    }

    /// Makes labels and annotations as they should be; `false` when they are.
    async fn relabel(&self, key: &str, secret: &Secret, metadata: &GcpMetadata) -> Result<bool, Error> {
        let (labels, annotations) = (metadata.labels(&secret.labels), metadata.annotations(&secret.annotations));
        if labels == secret.labels && annotations == secret.annotations {
            return Ok(false);
        }
        let call = self.call("update", key);
        let body = json!({ "labels": labels, "annotations": annotations, "etag": secret.etag });
        let query = vec![("updateMask", "labels,annotations")];
        self.change(&call, Method::PATCH, &["secrets", key], query, Some(&body)).await.map(|_| true)
    }

    /// Adds a version; its number.
    async fn add(&self, key: &str, value: &SecretValue) -> Result<String, Error> {
        let call = self.call("addVersion", key);
        let (data, sum) = (STANDARD.encode(value.expose()), crc32c(value.expose()).to_string());
        let body = SecretValue::new(format!("{{\"payload\":{{\"data\":\"{data}\",\"dataCrc32c\":\"{sum}\"}}}}"));
        let named = format!("{key}:addVersion");
        let reply = self.sent(&call, Method::POST, &["secrets", &named], Vec::new(), Some(&body)).await?;
        let added: Added = reply.object().ok_or_else(|| call.unreadable())?;
        number(&added.name).map(str::to_owned).ok_or_else(|| call.unreadable())
    }

    /// The value of the latest version; `None` where there is none.
    ///
    /// # Errors
    /// `Invalid` where it is disabled or destroyed: what it holds is not known.
    async fn standing(&self, key: &str) -> Result<Option<SecretValue>, Error> {
        match self.access(key, "latest").await? {
            Told::Given(given) => Ok(Some(given.value)),
            Told::Empty => Ok(Some(SecretValue::new(Vec::new()))),
            Told::Absent => Ok(None),
            Told::Off => {
                let what = "its latest version is disabled or destroyed; enable it, or add another one";
                Err(self.call("access", key).error(Kind::Invalid, what))
            }
        }
    }

    async fn change(
        &self,
        call: &Call<'_>,
        method: Method,
        below: &[&str],
        query: Vec<(&str, &str)>,
        body: Option<&Value>,
    ) -> Result<Reply, Error> {
        let body = body.map(|body| SecretValue::new(body.to_string()));
        self.sent(call, method, below, query, body.as_ref()).await
    }

    /// # Errors
    /// `Conflict` where somebody else wrote in between, or the secret went or came.
    async fn sent(
        &self,
        call: &Call<'_>,
        method: Method,
        below: &[&str],
        query: Vec<(&str, &str)>,
        body: Option<&SecretValue>,
    ) -> Result<Reply, Error> {
        let (place, proof) = (self.place(), bearer(&self.token));
        let ask = || {
            Ok(Ask {
                method: method.clone(),
                path: [&place[..], below].concat(),
                query: query.clone(),
                headers: HeaderMap::from_iter([(AUTHORIZATION, sealed(&proof, call)?)]),
                body,
                largest: self.link.bounds().largest_answer,
            })
        };
        // A version that was added without an answer would be added a second time.
        let again = |reply: &Reply| call.action != "addVersion" && may_pass(reply);
        let reply = self.link.send(call, &ask, &again).await;
        call.counted(reply.and_then(|reply| {
            let said = status(&reply);
            let raced = ["ALREADY_EXISTS", "ABORTED"].contains(&said.status.as_str())
                || said.status == "FAILED_PRECONDITION" && said.message.to_lowercase().contains("etag")
                || said.status == "NOT_FOUND" && call.action != "create";
            match reply.status.is_success() {
                true => Ok(reply),
                false if raced => Err(call.error(Kind::Conflict, "somebody else wrote in between")),
                false => Err(reply.failure(super::api::refused(call, &reply))),
            }
        }))
    }
}

fn is_managed(secret: &Secret) -> bool {
    secret.labels.get(MANAGED_BY).is_some_and(|manager| manager == MANAGER)
}
