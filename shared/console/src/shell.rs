//! What all pages have in common: their frame, and the headers that they are sent with.

use crate::HOME;
use crate::params::Params;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

/// Nothing comes from elsewhere, nothing runs, nobody frames it.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// How often a page may load itself again, in seconds, where somebody asks for that.
const AGAIN: &str = "30";

/// The pages that the navigation leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Section {
    Fleet,
    Declarations,
    Keys,
    Stores,
    Failures,
    Jobs,
}

impl Section {
    const ALL: [Self; 6] =
        [Self::Fleet, Self::Declarations, Self::Keys, Self::Stores, Self::Failures, Self::Jobs];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Fleet => HOME,
            Self::Declarations => "/console/declarations",
            Self::Keys => "/console/keys",
            Self::Stores => "/console/stores",
            Self::Failures => "/console/failures",
            Self::Jobs => "/console/jobs",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Fleet => "Fleet",
            Self::Declarations => "Declarations",
            Self::Keys => "Keys",
            Self::Stores => "Stores",
            Self::Failures => "Failures",
            Self::Jobs => "Jobs",
        }
    }
}

/// One page.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    /// Where it belongs; `None` for those who are not let in yet.
    pub(crate) section: Option<Section>,
    /// The address that it was asked for with, where it may load itself again.
    pub(crate) again: Option<&'a Params>,
    pub(crate) now: Timestamp,
    pub(crate) body: Markup,
}

impl Page<'_> {
    /// The whole document.
    pub(crate) fn answer(self, status: StatusCode) -> Response {
        let again = self.again.filter(|params| params.get("refresh").is_some());
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    @if again.is_some() {
                        meta http-equiv="refresh" content=(AGAIN);
                    }
                    title { (self.title) " · Pawl" }
                    link rel="icon" href="/console/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/console/style.css";
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    header.top {
                        p.brand { a href=(HOME) { "Pawl" } }
                        @if self.section.is_some() { (navigation(self.section)) }
                    }
                    main #main tabindex="-1" {
                        h1 { (self.title) }
                        (self.body)
                    }
                    footer {
                        p { "Made at " (time(self.now)) ". This page changes nothing." }
                        @if let Some(params) = self.again { (refreshing(params, self.section)) }
                        @if self.section.is_some() {
                            form method="post" action="/console/logout" { button type="submit" { "Log out" } }
                        }
                    }
                }
            }
        };
        (status, [(CONTENT_TYPE, "text/html; charset=utf-8")], document.into_string()).into_response()
    }
}

fn navigation(here: Option<Section>) -> Markup {
    html! {
        nav aria-label="Console" {
            ul {
                @for section in Section::ALL {
                    @let current = (here == Some(section)).then_some("page");
                    li { a href=(section.path()) aria-current=[current] { (section.name()) } }
                }
            }
        }
    }
}

fn refreshing(params: &Params, section: Option<Section>) -> Markup {
    let path = section.map_or(HOME, Section::path);
    html! {
        p {
            @if params.get("refresh").is_some() {
                "It is loaded again every " (AGAIN) " seconds. "
                a href=(params.clone().without("refresh").href(path)) { "Stop" }
            } @else {
                a href=(params.href(path)) { "Load again" }
                " · "
                a href=(params.clone().with("refresh", AGAIN).href(path)) { "every " (AGAIN) " seconds" }
            }
        }
    }
}

/// A time, to the second.
pub(crate) fn time(at: Timestamp) -> Markup {
    let text = format!("{at:.0}");
    html! { time datetime=(text) { (text) } }
}

/// What every answer is sent with.
pub(crate) fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
