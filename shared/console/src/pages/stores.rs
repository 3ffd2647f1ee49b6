//! The stores, and what it takes to see that nothing changed in them. As `pawl get stores`.

use super::{counted, declarations_where, headings, unreadable};
use crate::shell::{Page, Section};
use crate::site::Site;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use pawl_pipeline::explain::words::seconds;
use pawl_ports::{DocumentKind, Error, Ports, Registry, SweptStore};

/// Rows of the page.
const ROWS: usize = 1000;

pub(crate) async fn page<P: Ports>(site: &Site<P>) -> Result<Response, Error> {
    let stores = site.pipeline.ports().registry().swept_stores().await?;
    let known = site.known_survey();
    let body = html! {
        p role="status" {
            (counted(stores.len(), "store")) "."
            @if stores.len() > ROWS { " The first " (ROWS) " are shown; pawl get stores shows all." }
        }
        @if !stores.is_empty() { (table(&stores)) }
        (unreadable(known.iter().flat_map(|survey| survey.unreadable_of(DocumentKind::Store))))
    };
    let page = Page { title: "Stores", section: Some(Section::Stores), again: None, now: site.now(), body };
    Ok(page.answer(StatusCode::OK))
}

fn table(stores: &[SweptStore]) -> Markup {
    html! {
        div.scroll role="region" aria-label="Stores" tabindex="0" {
            table {
                (headings(&["Store", "Location", "A sweep costs", "Shortest interval", "Set"]))
                tbody { @for swept in stores.iter().take(ROWS) { (line(swept)) } }
            }
        }
    }
}

fn line(swept: &SweptStore) -> Markup {
    let SweptStore { store, interval } = swept;
    let name = store.id.to_string();
    html! {
        tr {
            th scope="row" { a href=(declarations_where("store", name.as_str())) { (name) } }
            td { (store.location().to_string()) }
            td { (store.backend.capabilities().sweep_cost().to_string()) }
            td { @if let Some(interval) = interval { (seconds(interval.as_secs())) } @else { "is not swept" } }
            td { @if let Some(set) = &store.set { (set) } }
        }
    }
}
