//! The pages, one file each, and what several of them show.

pub(crate) mod declaration;
pub(crate) mod declarations;
pub(crate) mod failures;
pub(crate) mod fleet;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod stores;

use crate::params::Params;
use crate::shell::{Page, Section, time};
use crate::site::Survey;
use crate::snapshot::Taken;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use maud::{Markup, html};
use pawl_domain::record::State;
use pawl_domain::{DeclarationId, Record};
use pawl_pipeline::explain::words;
use pawl_ports::{Error, Unreadable};

/// The only style sheet.
pub(crate) const STYLE: &str = include_str!("style.css");
/// The icon in a browser's tab.
pub(crate) const ICON: &str = include_str!("icon.svg");

/// How many unreadable documents are named.
const MOST_UNREADABLE: usize = 100;

/// A page that says why there is no other.
pub(crate) fn problem(now: Timestamp, title: &str, message: &str, status: StatusCode) -> Response {
    let body = html! { p.alert role="alert" { (message) } };
    Page { title, section: Some(Section::Fleet), again: None, now, body }.answer(status)
}

/// Nothing is here.
pub(crate) fn nowhere(now: Timestamp) -> Response {
    let message = "There is no such page. The navigation leads to those that there are.";
    problem(now, "Not found", message, StatusCode::NOT_FOUND)
}

/// Registry or ledger could not be asked.
pub(crate) fn failed(now: Timestamp, section: Section, error: &Error) -> Response {
    let body = html! { p.alert role="alert" { (error.to_string()) } };
    let page =
        Page { title: "Registry or ledger cannot be asked", section: Some(section), again: None, now, body };
    page.answer(StatusCode::SERVICE_UNAVAILABLE)
}

/// What is said in place of a survey, if there is none; else `show` of it.
fn surveyed(taken: Option<&Taken<Survey>>, show: impl FnOnce(&Survey) -> Markup) -> Markup {
    match taken {
        None => html! {
            p.alert role="status" {
                "All declarations are being counted for the first time, which takes a while. Load the page again."
            }
        },
        Some(Taken { result: Err(message), .. }) => html! { p.alert role="alert" { (message) } },
        Some(Taken { result: Ok(survey), at }) => html! {
            p.quiet { "Counted at " (time(*at)) "." }
            (show(survey))
        },
    }
}

/// How a declaration fares, in a word that has a colour as well.
fn badge(record: Option<&Record>) -> Markup {
    let class = match record.map(|record| &record.state) {
        Some(State::Settled(_)) => "badge well",
        Some(State::Failed(_)) => "badge ill",
        None | Some(State::Pending) => "badge waits",
    };
    html! { span class=(class) { (words::state(record)) } }
}

/// A declaration's id, leading to its page.
fn link(id: &DeclarationId) -> Markup {
    html! { a href=(format!("{}/{id}", Section::Declarations.path())) { (id) } }
}

/// The address of the declarations that fit.
fn declarations_where(name: &str, value: impl Into<String>) -> String {
    Params::default().with(name, value).href(Section::Declarations.path())
}

/// When a record was last known to be right.
fn refreshed(record: Option<&Record>) -> Markup {
    let at = record.and_then(|record| record.refreshed);
    html! { @if let Some(at) = at { (time(at)) } @else { "never" } }
}

/// Documents that cannot be read; nothing where there are none.
fn unreadable<'a>(documents: impl Iterator<Item = &'a Unreadable>) -> Markup {
    let documents: Vec<_> = documents.collect();
    if documents.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="unreadable" {
            h2 #unreadable { "Documents that cannot be read (" (documents.len()) ")" }
            ul {
                @for document in documents.iter().take(MOST_UNREADABLE) { li { (document.to_string()) } }
            }
            @if documents.len() > MOST_UNREADABLE { p { "The first " (MOST_UNREADABLE) "; pawl get shows all." } }
        }
    }
}

/// The head of a table.
fn headings(names: &[&str]) -> Markup {
    html! { thead { tr { @for name in names { th scope="col" { (name) } } } } }
}

/// `1 store`, `2 stores`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A command to type.
fn command(text: &str) -> Markup {
    html! { code.command { (text) } }
}
