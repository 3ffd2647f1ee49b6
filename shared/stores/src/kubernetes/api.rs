//! The calls of Kubernetes' API, and what its answers mean. Source: Kubernetes' API conventions and its own error statuses.

use super::session::Session;
use crate::kit::{Ask, Call, Pages, Reply};
use futures::{StreamExt, stream};
use pawl_domain::{Kind, SecretValue, Step};
use pawl_ports::Error;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One API server, asked with a proven identity.
pub(crate) struct Api {
    pub(crate) session: Arc<Session>,
    /// The step of the flow that it is asked for.
    pub(crate) step: Step,
}

/// How a kind of object is served.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
}

/// Objects of one kind, in one namespace or in none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collection<'a> {
    /// Empty for the core.
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) plural: &'a str,
    /// `None` for objects of no namespace, and for those of all.
    pub(crate) namespace: Option<&'a str>,
}

/// What of an object is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// All of it.
    Whole,
    /// Its metadata, so that no value is on its way.
    Metadata,
}

/// What is known about an object. Annotations may hold copies of values, so there is no Debug.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) namespace: String,
    uid: String,
    pub(super) resource_version: String,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Page {
    /// The server's word that it is a list.
    kind: String,
    #[serde(default)]
    metadata: PageMetadata,
    /// Servers write null for none.
    items: Option<Vec<Object>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: Option<String>,
    resource_version: Option<String>,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    kind: String,
    namespaced: bool,
}

#[derive(Deserialize)]
struct Reviewed {
    status: Value,
}

#[derive(Deserialize)]
struct Status {
    reason: Option<String>,
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    name: String,
    group: String,
    kind: String,
    causes: Vec<Cause>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    message: String,
}

/// Kubernetes' words, when what cannot be changed any more would have to change.
const FROZEN: &str = "field is immutable when `immutable` is set";

const OBJECT: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
/// Nothing else: what watches tell must hold no value.
const METADATA_ALONE: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
/// Who writes: the same as ESO, so that either takes over from the other.
const MANAGER: (&str, &str) = ("fieldManager", "external-secrets");
/// As kubectl lists.
const PAGE: &str = "500";
const MOST_PAGES: usize = 400;

impl Api {
    /// An object, as the server wrote it; `Ok(None)` where the server says of this object that it does not exist.
    pub(crate) async fn object(
        &self,
        at: Collection<'_>,
        name: &str,
        form: Form,
    ) -> Result<Option<Reply>, Error> {
        let subject = at.shown(name);
        let call = self.call("get", &subject);
        let path = [at.path(), vec![name]].concat();
        let accept = if form == Form::Whole { OBJECT } else { METADATA };
        let reply = self.send(&call, Method::GET, &path, Vec::new(), accept, None).await;
        call.counted(reply.and_then(|reply| {
            if at.says_absent(&reply, name) {
                return Ok(None);
            }
            succeeded(&call, &reply, "get", at)?;
            Ok(Some(reply))
        }))
    }

    /// Writes: `create` in the collection where no name is given, and else `update` or `delete` of an object. `None` where the
    /// server says of this object that it does not exist.
    ///
    /// # Errors
    /// `Conflict` where another object stands there than the body says, or already one at all.
    pub(super) async fn write(
        &self,
        verb: &'static str,
        at: Collection<'_>,
        name: &str,
        body: &SecretValue,
    ) -> Result<Option<Reply>, Error> {
        let subject = at.shown(name);
        let call = self.call(verb, &subject);
        let (method, part, query) = match verb {
            "create" => (Method::POST, None, vec![MANAGER]),
            "update" => (Method::PUT, Some(name), vec![MANAGER]),
            _ => (Method::DELETE, Some(name), Vec::new()),
        };
        let path: Vec<_> = at.path().into_iter().chain(part).collect();
        let reply = self.send(&call, method, &path, query, OBJECT, Some(body)).await;
        call.counted(reply.and_then(|reply| {
            if at.says_absent(&reply, name) {
                return Ok(None);
            }
            succeeded(&call, &reply, verb, at)?;
            Ok(Some(reply))
        }))
    }

    /// The metadata of an object that was read, which has a version.
    pub(crate) fn metadata(&self, at: Collection<'_>, name: &str, reply: &Reply) -> Result<Metadata, Error> {
        let object: Option<Object> = reply.object();
        let metadata = object.map(|object| object.metadata).filter(Metadata::is_of_an_object);
        metadata.ok_or_else(|| self.call("get", &at.shown(name)).unreadable())
    }

    /// The metadata of all objects, or of those with these labels.
    pub(crate) async fn list(&self, at: Collection<'_>, labels: &str) -> Result<Vec<Metadata>, Error> {
        let subject = at.shown("");
        let call = self.call("list", &subject);
        let (mut pages, mut found) = (Pages::from(call, "", MOST_PAGES), Vec::new());
        while let Some(page) = pages.take() {
            let mut query = vec![("limit", PAGE)];
            query.extend([("continue", page.as_str()), ("labelSelector", labels)]);
            query.retain(|(_, value)| !value.is_empty());
            let reply = self.send(&call, Method::GET, &at.path(), query, METADATA_LIST, None).await;
            let told = reply.and_then(|reply| {
                succeeded(&call, &reply, "list", at)?;
                let page: Option<Page> = reply.object();
                let page =
                    page.filter(|page| page.kind.ends_with("List")).ok_or_else(|| call.unreadable())?;
                let objects = page.items.unwrap_or_default().into_iter().map(|object| object.metadata);
                let objects: Vec<_> = objects.collect();
                match objects.iter().all(Metadata::is_of_an_object) {
                    true => Ok((page.metadata.next, objects)),
                    false => Err(call.unreadable()),
                }
            });
            let (next, objects) = call.counted(told)?;
            found.extend(objects);
            pages.then(next)?;
        }
        Ok(found)
    }

    /// The newest version that any object has.
    pub(super) async fn newest(&self, at: Collection<'_>) -> Result<String, Error> {
        let subject = at.shown("");
        let call = self.call("list", &subject);
        let reply =
            self.send(&call, Method::GET, &at.path(), vec![("limit", "1")], METADATA_LIST, None).await;
        call.counted(reply.and_then(|reply| {
            succeeded(&call, &reply, "list", at)?;
            let page: Option<Page> = reply.object();
            let version = page
                .filter(|page| page.kind.ends_with("List"))
                .and_then(|page| page.metadata.resource_version);
            version.filter(|version| !version.is_empty()).ok_or_else(|| call.unreadable())
        }))
    }

    /// The request of a watch.
    pub(super) fn asking<'a>(
        &self,
        call: &Call<'_>,
        at: Collection<'a>,
        query: Vec<(&'a str, &'a str)>,
        largest: usize,
    ) -> Result<Ask<'a>, Error> {
        let headers = self.headers(call, METADATA_ALONE)?;
        Ok(Ask { method: Method::GET, path: at.path(), query, headers, body: None, largest })
    }

    /// What an answer means that is no success.
    pub(super) fn refusal(&self, call: &Call<'_>, reply: &Reply, verb: &str, at: Collection<'_>) -> Error {
        succeeded(call, reply, verb, at).err().unwrap_or_else(|| call.unreadable())
    }

    /// How the server serves a kind.
    ///
    /// # Errors
    /// `Invalid` where it does not.
    pub(crate) async fn served(&self, group: &str, version: &str, kind: &str) -> Result<Served, Error> {
        let subject = if group.is_empty() {
            format!("kind {kind} of {version}")
        } else {
            format!("kind {kind} of {group}/{version}")
        };
        let call = self.call("discover", &subject);
        let path = if group.is_empty() { vec!["api", version] } else { vec!["apis", group, version] };
        let reply = self.send(&call, Method::GET, &path, Vec::new(), OBJECT, None).await;
        let unserved = || {
            let what = "the cluster does not serve it; install its CustomResourceDefinition, or correct the store's resource";
            call.error(Kind::Invalid, what)
        };
        call.counted(reply.and_then(|reply| {
            if reply.status == StatusCode::NOT_FOUND {
                return Err(unserved());
            }
            let any = Collection { group, version, plural: "", namespace: None };
            succeeded(&call, &reply, "get", any)?;
            let Resources { resources } = reply.object().ok_or_else(|| call.unreadable())?;
            // What has a slash is a part of an object.
            let mut objects = resources.into_iter().filter(|each| !each.name.contains('/'));
            let found = objects.find(|each| each.kind == kind).ok_or_else(unserved)?;
            Ok(Served { plural: found.name, namespaced: found.namespaced })
        }))
    }

    /// Whether a SelfSubjectRulesReview says that the identity may do this. A server may not list all that one may.
    pub(crate) async fn rules_let(&self, verb: &str, at: Collection<'_>) -> Result<bool, Error> {
        let spec = json!({ "namespace": at.namespace.unwrap_or_default() });
        let status = self.reviewed("SelfSubjectRulesReview", "selfsubjectrulesreviews", &spec).await?;
        let has = |rule: &Value, field: &str, word: &str| {
            let words = rule.get(field).and_then(Value::as_array);
            words.is_some_and(|words| words.iter().any(|each| each == word || each == "*"))
        };
        let lets = |rule: &Value| {
            let groups = rule.get("apiGroups").and_then(Value::as_array);
            has(rule, "resources", at.plural)
                && has(rule, "verbs", verb)
                && (groups.is_none_or(Vec::is_empty) || has(rule, "apiGroups", at.group))
        };
        let rules = status.get("resourceRules").and_then(Value::as_array);
        Ok(rules.is_some_and(|rules| rules.iter().any(lets)))
    }

    /// Whether a SelfSubjectAccessReview says that the identity may do this.
    pub(crate) async fn may(&self, verb: &str, at: Collection<'_>) -> Result<bool, Error> {
        let attributes = json!({
            "group": at.group,
            "version": at.version,
            "resource": at.plural,
            "verb": verb,
            "namespace": at.namespace.unwrap_or_default(),
        });
        let spec = json!({ "resourceAttributes": attributes });
        let status = self.reviewed("SelfSubjectAccessReview", "selfsubjectaccessreviews", &spec).await?;
        Ok(status.get("allowed").and_then(Value::as_bool).unwrap_or(false))
    }

    /// What the identity may not do, which whoever wrote the store must mend.
    pub(crate) fn not_allowed(&self, verb: &str, at: Collection<'_>) -> Error {
        let call = self.call("review", "the identity");
        Error::new(
            Step::Authenticate,
            Kind::Denied,
            format!("{call}: it is not allowed to {}", at.right(verb)),
        )
    }

    async fn reviewed(&self, kind: &str, plural: &str, spec: &Value) -> Result<Value, Error> {
        let call = self.call("review", "the identity's rights");
        let body = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec });
        let body = SecretValue::new(body.to_string());
        let path = ["apis", "authorization.k8s.io", "v1", plural];
        let reply = self.send(&call, Method::POST, &path, Vec::new(), OBJECT, Some(&body)).await;
        call.counted(reply.and_then(|reply| {
            let reviews =
                Collection { group: "authorization.k8s.io", version: "v1", plural, namespace: None };
            succeeded(&call, &reply, "create", reviews)?;
            let Reviewed { status } = reply.object().ok_or_else(|| call.unreadable())?;
            Ok(status)
        }))
    }

    async fn send(
        &self,
        call: &Call<'_>,
        method: Method,
        path: &[&str],
        query: Vec<(&str, &str)>,
        accept: &'static str,
        body: Option<&SecretValue>,
    ) -> Result<Reply, Error> {
        let (link, bounds) = (&self.session.link, self.session.link.bounds());
        let is_list = accept == METADATA_LIST;
        let ask = || {
            Ok(Ask {
                method: method.clone(),
                path: path.to_vec(),
                query: query.clone(),
                headers: self.headers(call, accept)?,
                body,
                largest: if is_list { bounds.largest_list } else { bounds.largest_answer },
            })
        };
        let again = |reply: &Reply| matches!(reply.status.as_u16(), 429 | 500..600);
        link.send(call, &ask, &again).await
    }

    fn headers(&self, call: &Call<'_>, accept: &'static str) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
        if let Some(token) = &self.session.token {
            let bearer = SecretValue::new([b"Bearer ", token.expose()].concat());
            headers.insert(AUTHORIZATION, crate::kit::sealed(&bearer, call)?);
        }
        Ok(headers)
    }

    /// The answers of many calls, in order, so many of them at a time as the bounds let.
    ///
    /// # Errors
    /// When one of them says that the credentials are refused.
    pub(crate) async fn each<T>(
        &self,
        calls: Vec<impl Future<Output = Result<T, Error>>>,
    ) -> Result<Vec<Result<T, Error>>, Error> {
        let concurrency = self.session.link.bounds().concurrency.max(1);
        let answers: Vec<_> = stream::iter(calls).buffered(concurrency).collect().await;
        match answers.iter().filter_map(|answer| answer.as_ref().err()).find(|error| is_of_credentials(error))
        {
            Some(refused) => Err(refused.shared()),
            None => Ok(answers),
        }
    }

    pub(crate) fn call<'c>(&'c self, action: &'static str, subject: &'c str) -> Call<'c> {
        Call { step: self.step, server: self.session.server(), action, subject }
    }
}

impl Metadata {
    /// The version: of one object in one life of it.
    pub(crate) fn version(&self) -> String {
        format!("{}/{}", self.uid, self.resource_version)
    }

    pub(super) fn is_of_an_object(&self) -> bool {
        ![&self.name, &self.uid, &self.resource_version].into_iter().any(String::is_empty)
    }
}

impl<'a> Collection<'a> {
    fn path(&self) -> Vec<&'a str> {
        let mut path = if self.group.is_empty() { vec!["api"] } else { vec!["apis", self.group] };
        path.push(self.version);
        path.extend(self.namespace.map(|namespace| ["namespaces", namespace]).into_iter().flatten());
        path.push(self.plural);
        path
    }

    /// The one answer that says of an object that it does not exist. A path that the server does not know, and what stands
    /// before a server, say something else.
    fn says_absent(&self, reply: &Reply, name: &str) -> bool {
        if reply.status != StatusCode::NOT_FOUND {
            return false;
        }
        let Some(Status { reason, details }) = reply.object() else { return false };
        let details = details.unwrap_or_default();
        reason.as_deref() == Some("NotFound")
            && details.kind == self.plural
            && details.group == self.group
            && details.name == name
    }

    pub(super) fn shown(&self, name: &str) -> String {
        let place = self.namespace.map(|namespace| format!("{namespace}/")).unwrap_or_default();
        match name {
            "" => format!("{} {}", self.plural, place.trim_end_matches('/')).trim_end().to_owned(),
            name => format!("{} {place}{name}", self.plural),
        }
    }

    fn right(&self, verb: &str) -> String {
        let group = if self.group.is_empty() { "the core group" } else { self.group };
        let place = self.namespace.map_or_else(
            || "in the whole cluster".to_owned(),
            |namespace| format!("in the namespace {namespace}"),
        );
        format!("{verb} {} of {group} {place}", self.plural)
    }
}

/// Whether the server does not take the credentials.
pub(crate) fn is_of_credentials(error: &Error) -> bool {
    error.step == Step::Authenticate && error.kind == Kind::Denied
}

fn succeeded(call: &Call<'_>, reply: &Reply, verb: &str, at: Collection<'_>) -> Result<(), Error> {
    if reply.status.is_success() {
        return Ok(());
    }
    let refused = match reply.status.as_u16() {
        401 => {
            let what = "the credentials were refused; check the store's auth";
            Error::new(Step::Authenticate, Kind::Denied, format!("{call}: {what}"))
        }
        403 => {
            let right = at.right(verb);
            call.error(Kind::Denied, format_args!("access denied; let the identity {right}"))
        }
        404 => call.error(
            Kind::Invalid,
            "the server does not know this path; check where the store says that it is, and the kind of object",
        ),
        409 if call.step == Step::Push => call.error(Kind::Conflict, "somebody else wrote in between"),
        410 => call.error(Kind::Transient, "the listing became too old while it was read; ask again later"),
        422 if call.step == Step::Push && is_frozen(reply) => call.error(
            Kind::Invalid,
            "it is immutable; push to another one, or delete it, so that the next push makes it anew",
        ),
        422 if call.step == Step::Push => call.error(
            Kind::Invalid,
            "the server refuses it; check the names of its keys, and that its type is the same as that of what stands there",
        ),
        429 => call.error(Kind::Throttled, "throttled"),
        300..=399 => call.redirected(),
        status @ 500.. => call.error(Kind::Transient, format_args!("the server failed with {status}")),
        status => call.error(Kind::Invalid, format_args!("not accepted with {status}")),
    };
    Err(reply.failure(refused))
}

/// Whether an object is refused because the one that stands there says of itself that it is immutable.
fn is_frozen(reply: &Reply) -> bool {
    let status: Option<Status> = reply.object();
    let causes = status.and_then(|status| status.details).unwrap_or_default().causes;
    causes.iter().any(|cause| cause.message.contains(FROZEN))
}
