//! Which address is which page, and who is let in.

use crate::HOME;
use crate::door::Door;
use crate::pages::{self, declaration, declarations, failures, fleet, jobs, keys, login, stores};
use crate::params::Params;
use crate::shell::{Section, guard};
use crate::site::{Desk, Site};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use pawl_domain::DeclarationId;
use pawl_pipeline::Pipeline;
use pawl_ports::Ports;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// How long a page may take to be made.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a form.
const FORM: usize = 4096;

/// All pages, below [`HOME`], for whom `door` lets in. `desk` looks at the job queue.
///
/// Only GET and HEAD, beside the forms that log in and out. At most eight pages are made at a time, each for thirty seconds at
/// most; whoever comes beyond that gets 503.
pub fn routes<P: Ports>(pipeline: Arc<Pipeline<P>>, desk: Desk, door: Door) -> Router {
    let site = Arc::new(Site::new(pipeline, desk, door));
    Router::new()
        .route(HOME, get(at_fleet::<P>))
        .route("/console/declarations", get(at_declarations::<P>))
        .route("/console/declarations/{cluster}/{namespace}/{name}", get(at_declaration::<P>))
        .route("/console/keys", get(at_keys::<P>))
        .route("/console/stores", get(at_stores::<P>))
        .route("/console/failures", get(at_failures::<P>))
        .route("/console/jobs", get(at_jobs::<P>))
        .route("/console/", any(at_nowhere::<P>))
        .route("/console/{*rest}", any(at_nowhere::<P>))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&site), let_in::<P>))
        .route("/console/login", get(at_login::<P>).post(log_in::<P>))
        .route("/console/logout", post(log_out::<P>))
        .route("/console/style.css", get(|| async { file("text/css; charset=utf-8", pages::STYLE) }))
        .route("/console/icon.svg", get(|| async { file("image/svg+xml", pages::ICON) }))
        .layer(middleware::map_response(|response: Response| async move { guard(response) }))
        .with_state(site)
}

type Here<P> = State<Arc<Site<P>>>;

/// Lets a request through of somebody who was let in, as far as there is room.
async fn let_in<P: Ports>(State(site): Here<P>, request: Request, next: Next) -> Response {
    let now = site.now();
    if !site.door.knows(request.headers(), now) {
        return login::page(now, None, StatusCode::UNAUTHORIZED);
    }
    let made = match site.places.try_acquire() {
        Ok(_place) => tokio::time::timeout(PATIENCE, next.run(request)).await.ok(),
        Err(_) => None,
    };
    made.unwrap_or_else(|| {
        let message = "The console has too much to do. Load the page again in a moment.";
        let mut response = pages::problem(now, "Not now", message, StatusCode::SERVICE_UNAVAILABLE);
        response.headers_mut().insert(RETRY_AFTER, 5.into());
        response
    })
}

async fn at_fleet<P: Ports>(State(site): Here<P>, RawQuery(query): RawQuery) -> Response {
    fleet::page(&site, &asked(query)).await
}

async fn at_declarations<P: Ports>(State(site): Here<P>, RawQuery(query): RawQuery) -> Response {
    match declarations::page(&site, &asked(query)).await {
        Ok(page) => page,
        Err(error) => pages::failed(site.now(), Section::Declarations, &error),
    }
}

async fn at_declaration<P: Ports>(
    State(site): Here<P>,
    Path((cluster, namespace, name)): Path<(String, String, String)>,
) -> Response {
    let Ok(id) = format!("{cluster}/{namespace}/{name}").parse::<DeclarationId>() else {
        return pages::nowhere(site.now());
    };
    match declaration::page(&site, &id).await {
        Ok(page) => page,
        Err(error) => pages::failed(site.now(), Section::Declarations, &error),
    }
}

async fn at_keys<P: Ports>(State(site): Here<P>, RawQuery(query): RawQuery) -> Response {
    match keys::page(&site, &asked(query)).await {
        Ok(page) => page,
        Err(error) => pages::failed(site.now(), Section::Keys, &error),
    }
}

async fn at_stores<P: Ports>(State(site): Here<P>) -> Response {
    match stores::page(&site).await {
        Ok(page) => page,
        Err(error) => pages::failed(site.now(), Section::Stores, &error),
    }
}

async fn at_failures<P: Ports>(State(site): Here<P>, RawQuery(query): RawQuery) -> Response {
    failures::page(&site, &asked(query)).await
}

async fn at_jobs<P: Ports>(State(site): Here<P>, RawQuery(query): RawQuery) -> Response {
    jobs::page(&site, &asked(query)).await
}

async fn at_nowhere<P: Ports>(State(site): Here<P>) -> Response {
    pages::nowhere(site.now())
}

async fn at_login<P: Ports>(State(site): Here<P>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let params = asked(query);
    match params.get("token").filter(|_| site.door.takes_links()) {
        Some(shown) => admit(&site, &headers, shown),
        None => login::page(site.now(), None, StatusCode::OK),
    }
}

async fn log_in<P: Ports>(State(site): Here<P>, headers: HeaderMap, body: Body) -> Response {
    if !is_of_this_site(&headers) {
        return of_another_site(&site);
    }
    let Ok(body) = axum::body::to_bytes(body, FORM).await else {
        return login::page(site.now(), Some("That is too long for a token."), StatusCode::PAYLOAD_TOO_LARGE);
    };
    let params = Params::of(&String::from_utf8_lossy(&body));
    admit(&site, &headers, params.get("token").unwrap_or_default())
}

/// Begins a session where the token is right.
fn admit<P: Ports>(site: &Site<P>, headers: &HeaderMap, shown: &str) -> Response {
    // Of a row of proxies, the first one tells what the browser speaks.
    let proto = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok()?.split(',').next());
    let over_tls = proto.is_some_and(|proto| proto.trim().eq_ignore_ascii_case("https"));
    let session = site.door.is_token(shown).then(|| site.door.session(site.now(), over_tls)).flatten();
    match session {
        Some(session) => {
            info!("somebody logged in to the console");
            (StatusCode::SEE_OTHER, [(LOCATION, HOME), (SET_COOKIE, session.as_str())]).into_response()
        }
        None => {
            warn!("somebody was not let in to the console: another token");
            login::page(site.now(), Some("That is not the token."), StatusCode::UNAUTHORIZED)
        }
    }
}

async fn log_out<P: Ports>(State(site): Here<P>, headers: HeaderMap) -> Response {
    if !is_of_this_site(&headers) {
        return of_another_site(&site);
    }
    let ended = Door::farewell();
    (StatusCode::SEE_OTHER, [(LOCATION, "/console/login"), (SET_COOKIE, ended.as_str())]).into_response()
}

/// Whether a form was sent by a page of this console, as far as the browser says. `Origin` says nothing here: pages are sent
/// with `no-referrer`.
fn is_of_this_site(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_none_or(|site| site == "same-origin" || site == "none")
}

fn of_another_site<P: Ports>(site: &Site<P>) -> Response {
    let message = "That form was sent by a page of another site. Open the console by its own address.";
    login::page(site.now(), Some(message), StatusCode::FORBIDDEN)
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}

fn asked(query: Option<String>) -> Params {
    Params::of(&query.unwrap_or_default())
}
