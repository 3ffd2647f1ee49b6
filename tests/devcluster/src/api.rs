//! One request, from its head to its answer.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited, combinators::UnsyncBoxBody};
use hyper::body::{Body as HttpBody, Bytes};
use serde_json::{Value, json};

use crate::auth::{self, Tokens, User};
use crate::body;
use crate::calls::{Call, Log};
use crate::delete::{self, Deleted, Preconditions};
use crate::discovery;
use crate::faults::{self, Fault, Faults};
use crate::kinds::Kind;
use crate::patch;
use crate::read;
use crate::route::{Query, Route, Target, route};
use crate::selector::Selector;
use crate::status::{Answer, Failure};
use crate::store::{At as _, Object, Store, key_of};
use crate::token_request;
use crate::view::View;
use crate::watch::Watch;
use crate::write::{self, Write};

/// The largest body that is read.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub(crate) struct Cut;

/// Everything that answers requests.
pub(crate) struct Api {
    pub(crate) store: Arc<Store>,
    pub(crate) tokens: Tokens,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    pub(crate) address: String,
    pub(crate) bookmark_every: Duration,
}

/// A request whose target is known and allowed.
struct Asked<'a> {
    target: &'a Target,
    kind: &'static Kind,
    query: &'a Query,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection was cut by an injected fault")
    }
}

impl std::error::Error for Cut {}

impl Api {
    /// Answers a request, or cuts its connection where a fault says so.
    pub(crate) async fn serve<B>(&self, request: Request<B>) -> Result<Response<Body>, Cut>
    where
        B: HttpBody<Data = Bytes>,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let (head, body) = request.into_parts();
        let (method, path) = (head.method.as_str().to_owned(), head.uri.path().to_owned());
        let query = Query::parse(head.uri.query());
        let route = route(&head.method, &path, &query);
        let target = if let Route::Resource(target) = &route { Some(target) } else { None };
        let mut call = Call::new(&method, target, &path);

        let verdict = self.faults.judge(&method, &path);
        if !verdict.latency.is_zero() {
            tokio::time::sleep(verdict.latency).await;
        }
        let mut lose_answer = false;
        match verdict.fault {
            Some((_, Fault::CutBefore)) => {
                self.log.push(call);
                return Err(Cut);
            }
            Some((_, Fault::Answer { code, reason, message, retry_after })) => {
                call.code = Some(code);
                self.log.push(call);
                return Ok(refuse(&faults::answer(code, &reason, &message, retry_after)));
            }
            Some((_, Fault::CutAfter)) => lose_answer = true,
            Some((id, Fault::Hang)) => self.faults.ended(id).await,
            Some((_, Fault::Latency(_))) | None => {}
        }

        let read = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Failure::too_large()),
            Err(_) => return Err(Cut),
        };
        let authorization = text_header(&head.headers, header::AUTHORIZATION.as_str());
        let answer =
            self.tokens.authenticate((!authorization.is_empty()).then_some(authorization)).and_then(|user| {
                user.name().clone_into(&mut call.user);
                let body = read?;
                match &route {
                    Route::Path(path) => self.path(path, &user, &head.headers),
                    Route::Resource(target) => self.resource(target, &user, &query, &head.headers, &body),
                }
            });
        let response = answer.unwrap_or_else(|failure| refuse(&failure));
        call.code = (!lose_answer).then(|| response.status().as_u16());
        self.log.push(call);
        if lose_answer { Err(Cut) } else { Ok(response) }
    }

    fn path(&self, path: &str, user: &User, headers: &HeaderMap) -> Answer<Response<Body>> {
        auth::authorize_path(user, path)?;
        let accept = text_header(headers, "accept");
        Ok(match discovery::document(path, accept, &self.address) {
            Some(document) => respond(200, document.content_type, document.body),
            None => page_not_found(),
        })
    }

    fn resource(
        &self,
        target: &Target,
        user: &User,
        query: &Query,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Answer<Response<Body>> {
        if target.group == "authorization.k8s.io" && target.resource == "selfsubjectaccessreviews" {
            let review = body::loose(text_header(headers, "content-type"), body)?;
            return Ok(respond_json(201, &auth::review(user, review)));
        }
        if target.group == "authorization.k8s.io" && target.resource == "selfsubjectrulesreviews" {
            let review = body::loose(text_header(headers, "content-type"), body)?;
            return Ok(respond_json(201, &auth::rules(user, review)));
        }
        if target.group == "authentication.k8s.io" && target.resource == "selfsubjectreviews" {
            return Ok(respond_json(201, &auth::who(user)));
        }
        auth::authorize(user, target)?;
        let Some(kind) = Kind::find(&target.group, &target.version, &target.resource) else {
            return if target.group.is_empty() {
                Err(Failure::no_such_resource())
            } else {
                Ok(page_not_found())
            };
        };
        if target.namespace.is_some() && !kind.namespaced && kind.storage != "namespaces" {
            return Ok(page_not_found());
        }
        let asked = Asked { target, kind, query, headers, body };
        match (target.verb, target.subresource.as_deref()) {
            ("create", Some("token")) if kind.storage == "serviceaccounts" => self.token(&asked),
            (_, Some("token")) if kind.storage == "serviceaccounts" => Err(Failure::method_not_allowed()),
            ("get", None | Some("status")) => self.get(&asked),
            ("list", None) => self.list(&asked),
            ("watch", None) => self.watch(&asked),
            ("create", None) => self.create(&asked),
            ("update", None) => self.update(&asked),
            ("patch", None) => self.patch(&asked),
            ("update", Some("status")) if kind.custom => self.update(&asked),
            ("patch", Some("status")) if kind.custom => self.patch(&asked),
            ("delete", None) => self.delete(&asked),
            ("deletecollection", None) => self.delete_collection(&asked),
            (_, Some("status")) => Err(Failure::method_not_allowed()),
            _ => Err(Failure::no_such_resource()),
        }
    }

    fn get(&self, asked: &Asked<'_>) -> Answer<Response<Body>> {
        let write = asked.write(self);
        let object = self
            .store
            .with(|state| read::get(state, asked.kind, &write.namespace, &write.name, asked.query))?;
        self.answer(asked, 200, &object)
    }

    fn list(&self, asked: &Asked<'_>) -> Answer<Response<Body>> {
        let view = View::parse(Some(text_header(asked.headers, "accept")))?;
        let write = asked.write(self);
        let page = self.store.with(|state| read::list(state, asked.kind, &write.namespace, asked.query))?;
        let now = self.store.now();
        let body = view.list(asked.kind, &asked.target.version, &page.objects, page.meta, now);
        Ok(respond(200, "application/json", body))
    }

    fn watch(&self, asked: &Asked<'_>) -> Answer<Response<Body>> {
        let view = View::parse(Some(text_header(asked.headers, "accept")))?;
        let namespace = asked.write(self).namespace;
        let (version, every) = (&asked.target.version, self.bookmark_every);
        let watch = Watch::new(&self.store, asked.kind, version, &namespace, asked.query, view, every)?;
        let mut response = Response::new(watch.into_body().boxed_unsync());
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        Ok(response)
    }

    fn create(&self, asked: &Asked<'_>) -> Answer<Response<Body>> {
        if asked.target.name.is_some() || (asked.kind.namespaced && asked.target.namespace.is_none()) {
            return Err(Failure::method_not_allowed());
        }
        body::check_options("CreateOptions", asked.query, false)?;
        let object = asked.object()?;
        let write = asked.write(self);
        let object = self.store.with(|state| write::create(state, &write, object))?;
        self.answer(asked, 201, &object)
    }

    fn update(&self, asked: &Asked<'_>) -> Answer<Response<Body>> {
        if asked.target.name.is_none() {
            return Err(Failure::method_not_allowed());
        }
        body::check_options("UpdateOptions", asked.query, false)?;
        let object = asked.object()?;
        let write = asked.write(self);
        patch::check_names(&write, &object)?;
        let object = self.store.with(|state| write::update(&self.store, state, &write, object))?;
        self.answer(asked, 200, &object)
    }

    fn patch(&self, asked: &Asked<'_>) -> Answer<Response<Body>> {
        if asked.target.name.is_none() {
            return Err(Failure::method_not_allowed());
        }
        let patch = body::patch(asked.kind, text_header(asked.headers, "content-type"), asked.body)?;
        body::check_options("PatchOptions", asked.query, matches!(patch, patch::Patch::Apply(_)))?;
        let write = asked.write(self);
        let patched = self.store.with(|state| patch::patch(&self.store, state, &write, &patch))?;
        self.answer(asked, if patched.created { 201 } else { 200 }, &patched.object)
    }

    fn delete(&self, asked: &Asked<'_>) -> Answer<Response<Body>> {
        let (write, preconditions) = self.deletion(asked)?;
        match self.store.with(|state| delete::delete(&self.store, state, &write, &preconditions))? {
            Deleted::Gone(status) => Ok(respond_json(200, &status)),
            Deleted::Kept(object) => self.answer(asked, 200, &object),
        }
    }

    fn delete_collection(&self, asked: &Asked<'_>) -> Answer<Response<Body>> {
        let (write, preconditions) = self.deletion(asked)?;
        let (labels, fields) = (asked.query.get("labelSelector"), asked.query.get("fieldSelector"));
        let selector = Selector::parse(asked.kind, labels, fields)?;
        let (objects, version) = self.store.with(|state| {
            let selected: Vec<Object> = state
                .list(asked.kind.storage, &write.namespace)
                .filter(|(_, object)| selector.matches(object))
                .map(|(_, object)| object.clone())
                .collect();
            let version = state.version();
            for object in &selected {
                let (namespace, name) = key_of(object);
                let write = Write { namespace, name, ..write.clone() };
                // An owner's deletion may have taken this one along already.
                let _ = delete::delete(&self.store, state, &write, &preconditions);
            }
            (selected, version)
        });
        let meta = json!({"resourceVersion": version.to_string()});
        let body = View::Full.list(asked.kind, &asked.target.version, &objects, meta, self.store.now());
        Ok(respond(200, "application/json", body))
    }

    fn deletion(&self, asked: &Asked<'_>) -> Answer<(Write, Preconditions)> {
        body::check_options("DeleteOptions", asked.query, false)?;
        let options = body::loose(text_header(asked.headers, "content-type"), asked.body)?;
        let mut write = asked.write(self);
        write.dry_run |= options.at("/dryRun/0").is_some_and(|value| value == "All");
        let text = |at: &str| options.at(at).and_then(Value::as_str).map(str::to_owned);
        let preconditions = Preconditions {
            uid: text("/preconditions/uid"),
            resource_version: text("/preconditions/resourceVersion"),
        };
        Ok((write, preconditions))
    }

    fn token(&self, asked: &Asked<'_>) -> Answer<Response<Body>> {
        let request = body::loose(text_header(asked.headers, "content-type"), asked.body)?;
        let write = asked.write(self);
        let account = self
            .store
            .with(|state| read::get(state, asked.kind, &write.namespace, &write.name, asked.query))?;
        Ok(respond_json(201, &token_request::issue(&account, &request, self.store.now())?))
    }

    fn answer(&self, asked: &Asked<'_>, code: u16, object: &Object) -> Answer<Response<Body>> {
        let view = View::parse(Some(text_header(asked.headers, "accept")))?;
        let body = view.object(asked.kind, &asked.target.version, object, self.store.now(), true);
        Ok(respond(code, "application/json", body))
    }
}

impl Asked<'_> {
    fn object(&self) -> Answer<Value> {
        let content_type = text_header(self.headers, "content-type");
        body::object(self.kind, &self.target.version, content_type, self.query, self.body)
    }

    fn write(&self, api: &Api) -> Write {
        let namespace = if self.kind.namespaced { self.target.namespace.clone() } else { None };
        Write {
            kind: self.kind,
            version: self.target.version.clone(),
            namespace: namespace.unwrap_or_default(),
            name: self.target.name.clone().unwrap_or_default(),
            status: self.target.subresource.as_deref() == Some("status"),
            manager: body::manager(self.query, text_header(self.headers, "user-agent")),
            dry_run: self.query.get("dryRun") == "All",
            force: self.query.flag("force"),
            now: api.store.now_text(),
        }
    }
}

fn text_header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn refuse(failure: &Failure) -> Response<Body> {
    let mut response = respond_json(failure.code, &failure.body);
    if let Some(seconds) = failure.body.at("/details/retryAfterSeconds").and_then(Value::as_u64) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn page_not_found() -> Response<Body> {
    respond(404, "text/plain; charset=utf-8", b"404 page not found\n".to_vec())
}

fn respond_json(code: u16, body: &Value) -> Response<Body> {
    respond(code, "application/json", body.to_string().into_bytes())
}

fn respond(code: u16, content_type: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    // Codes come from this crate or from a test's own fault; one that HTTP does not know becomes 500.
    *response.status_mut() =
        http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
