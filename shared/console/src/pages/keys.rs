//! Who reads a key. As `pawl who`.

use super::{badge, counted, headings, link, refreshed, unreadable};
use crate::params::Params;
use crate::shell::{Page, Section};
use crate::site::Site;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use pawl_domain::Location;
use pawl_pipeline::explain::{Reader, words};
use pawl_ports::{Error, Ports, Unreadable};

/// Rows of a page; a key that more read is best looked at in the list of declarations, which has parts.
const ROWS: usize = 500;

pub(crate) async fn page<P: Ports>(site: &Site<P>, params: &Params) -> Result<Response, Error> {
    let found = match params.get("key") {
        Some(key) => readers(site, key, params.get("region")).await?,
        None => html! {
            p { "Name a key as its store knows it, or as manifests name it. An ARN is looked for in its region." }
        },
    };
    let given = |name: &str| params.get(name).unwrap_or_default().to_owned();
    let body = html! {
        form.filter role="search" method="get" action=(Section::Keys.path()) {
            div {
                label for="key" { "Key" }
                input #key name="key" type="search" value=(given("key")) placeholder="app/db" maxlength="1024" required;
            }
            div {
                label for="region" { "Region" }
                input #region name="region" type="search" value=(given("region")) placeholder="any" maxlength="1024";
            }
            div.act { button type="submit" { "Who reads it?" } }
        }
        (found)
    };
    let page =
        Page { title: "Keys", section: Some(Section::Keys), again: Some(params), now: site.now(), body };
    Ok(page.answer(StatusCode::OK))
}

async fn readers<P: Ports>(site: &Site<P>, key: &str, region: Option<&str>) -> Result<Markup, Error> {
    let (mut rows, mut unknown): (Vec<(Location, Reader)>, Vec<Unreadable>) = (Vec::new(), Vec::new());
    for change in site.pipeline.changes_of_key(key, region).await? {
        let readers = site.pipeline.readers(&change).await?;
        rows.extend(readers.into_iter().map(|reader| (change.location.clone(), reader)));
        let perhaps = site.pipeline.perhaps_readers(&change).await?.into_iter();
        let perhaps: Vec<_> =
            perhaps.filter(|each| unknown.iter().all(|other| other.id != each.id)).collect();
        unknown.extend(perhaps);
    }
    let of_key = Params::default().with("key", key).href(Section::Declarations.path());
    Ok(html! {
        p role="status" {
            @if rows.is_empty() && unknown.is_empty() {
                "Nobody reads this key."
            } @else if rows.is_empty() {
                "No declaration that can be read reads this key. "
            } @else {
                "Read by " (counted(rows.len(), "declaration")) ". "
                @if rows.len() > ROWS { "The first " (ROWS) " are shown. " }
                a href=(of_key) { "Search among them" }
            }
        }
        @if !rows.is_empty() { (table(&rows)) }
        @if !unknown.is_empty() { p { "Those below may read it, too: nobody can say." } }
        (unreadable(unknown.iter()))
    })
}

fn table(rows: &[(Location, Reader)]) -> Markup {
    html! {
        div.scroll role="region" aria-label="Readers" tabindex="0" {
            table {
                (headings(&["Declaration", "Target", "Location", "Reads", "Version written", "State", "Known to be right"]))
                tbody {
                    @for (location, reader) in rows.iter().take(ROWS) { (line(location, reader)) }
                }
            }
        }
    }
}

fn line(location: &Location, reader: &Reader) -> Markup {
    let Reader { declaration, reads, record } = reader;
    let record = record.as_ref();
    let version = |index: &usize| Some(record?.versions.get(*index)?.one()?.id.clone());
    let version = |index: &usize| version(index).unwrap_or_else(|| "-".to_owned());
    let parts: Vec<String> =
        reads.iter().filter_map(|index| declaration.reads.get(*index)).map(words::part).collect();
    let versions: Vec<String> = reads.iter().map(version).collect();
    html! {
        tr {
            th scope="row" { (link(&declaration.id)) }
            td { (declaration.target.name) }
            td { (location.to_string()) }
            td { (parts.join(", ")) }
            td { (versions.join(", ")) }
            td { (badge(record)) }
            td { (refreshed(record)) }
        }
    }
}
