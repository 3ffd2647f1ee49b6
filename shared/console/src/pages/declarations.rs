//! All declarations, searched and a part at a time.

use super::{badge, counted, headings, link, refreshed, unreadable};
use crate::params::Params;
use crate::shell::{Page, Section};
use crate::site::Site;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use pawl_domain::{Cluster, DeclarationId};
use pawl_pipeline::explain::listed::{Fares, Filter, Listed, Listing};
use pawl_pipeline::explain::words;
use pawl_ports::{Error, Ports, Registry};

/// Rows of a page.
const ROWS: usize = 100;

const FARES: [(&str, &str, Fares); 5] = [
    ("settled", "as declared", Fares::Settled),
    ("waiting", "waiting", Fares::Waiting),
    ("failing", "failing", Fares::Failing),
    ("set-aside", "set aside", Fares::SetAside),
    ("overdue", "overdue", Fares::Overdue),
];

pub(crate) async fn page<P: Ports>(site: &Site<P>, params: &Params) -> Result<Response, Error> {
    let clusters = site.pipeline.ports().registry().clusters().await?;
    let wanted = wanted(site, params).await?;
    let status = if wanted.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let found = match &wanted {
        Ok((filter, after)) => {
            let listing = site.pipeline.listed(filter, after.as_ref(), ROWS).await?;
            html! {
                (results(&listing, params))
                (damaged(site, filter))
            }
        }
        Err(problem) => html! { p.alert role="alert" { (problem) } },
    };
    let body = html! { (form(params, &clusters)) (found) };
    let again = Some(params);
    let page =
        Page { title: "Declarations", section: Some(Section::Declarations), again, now: site.now(), body };
    Ok(page.answer(status))
}

/// What is looked for, and behind which declaration; or what of it makes no sense.
async fn wanted<P: Ports>(
    site: &Site<P>,
    params: &Params,
) -> Result<Result<(Filter, Option<DeclarationId>), String>, Error> {
    let store = match params.get("store") {
        None => None,
        Some(name) => {
            let stores = site.pipeline.ports().registry().swept_stores().await?;
            let found = stores.into_iter().map(|swept| swept.store.id).find(|id| id.to_string() == name);
            let Some(found) = found else {
                return Ok(Err(format!("There is no store {name:?}: the page of stores has their names.")));
            };
            Some(found)
        }
    };
    let text = |name| params.get(name).map(str::to_owned);
    let parsed = || -> Result<(Filter, Option<DeclarationId>), String> {
        let fares = params.get("fares").map(|name| {
            let known = FARES.iter().find(|(of, _, _)| *of == name).map(|(_, _, fares)| *fares);
            known.ok_or_else(|| format!("There is no state {name:?}."))
        });
        let filter = Filter {
            cluster: read(params.get("cluster"))?,
            namespace: read(params.get("namespace"))?,
            store,
            key: text("key"),
            text: text("text"),
            fares: fares.transpose()?,
            code: text("code"),
        };
        Ok((filter, read(params.get("after"))?))
    };
    Ok(parsed())
}

fn read<T: std::str::FromStr<Err: ToString>>(text: Option<&str>) -> Result<Option<T>, String> {
    text.map(str::parse).transpose().map_err(|error: T::Err| error.to_string())
}

fn form(params: &Params, clusters: &[Cluster]) -> Markup {
    let given = |name: &str| params.get(name).unwrap_or_default().to_owned();
    let field = |name: &str, label: &str, hint: &str| {
        let id = format!("by-{name}");
        html! {
            div {
                label for=(id) { (label) }
                input id=(id) name=(name) type="search" value=(given(name)) placeholder=(hint) maxlength="1024";
            }
        }
    };
    html! {
        form.filter role="search" method="get" action=(Section::Declarations.path()) {
            div {
                label for="by-cluster" { "Cluster" }
                input #by-cluster name="cluster" type="search" list="clusters" value=(given("cluster")) maxlength="253";
                datalist #clusters { @for cluster in clusters { option value=(cluster.name) {} } }
            }
            (field("namespace", "Namespace", ""))
            (field("text", "Name, target or key", "a part of it"))
            (field("key", "Key, whole", "app/db"))
            (field("store", "Store", "ClusterSecretStore aws"))
            div {
                label for="by-fares" { "State" }
                select #by-fares name="fares" {
                    option value="" { "any" }
                    @for (name, label, _) in FARES {
                        option value=(name) selected[params.get("fares") == Some(name)] { (label) }
                    }
                }
            }
            (field("code", "Code of its failure", "PAWL-FETCH-DENIED"))
            div.act {
                button type="submit" { "Search" }
                a href=(Section::Declarations.path()) { "Everything" }
            }
        }
    }
}

fn results(listing: &Listing, params: &Params) -> Markup {
    let Listing { rows, examined, next } = listing;
    html! {
        p role="status" {
            @match (rows.len(), next) {
                (0, None) => "Nothing fits.",
                (0, Some(_)) => { "None of the " (examined) " declarations that were looked at fits; there are more." },
                (count, None) => { (counted(count, "declaration")) ", the last of them." },
                (count, Some(_)) => { (counted(count, "declaration")) "; there are more." },
            }
        }
        @if !rows.is_empty() { (table(rows)) }
        nav.pages aria-label="Parts of the list" {
            @if params.get("after").is_some() {
                a href=(params.clone().without("after").href(Section::Declarations.path())) { "From the beginning" }
            }
            @if let Some(next) = next {
                a rel="next" href=(params.clone().with("after", next.to_string()).href(Section::Declarations.path())) {
                    "Go on"
                }
            }
        }
    }
}

fn table(rows: &[Listed]) -> Markup {
    html! {
        div.scroll role="region" aria-label="Declarations" tabindex="0" {
            table {
                (headings(&["Declaration", "Target", "Keys", "State", "Known to be right", "Message"]))
                tbody { @for row in rows { (line(row)) } }
            }
        }
    }
}

fn line(row: &Listed) -> Markup {
    let Listed { declaration, record, unreadable } = row;
    let record = record.as_ref();
    let mut keys: Vec<String> = declaration.reads.iter().map(words::key).collect();
    keys.dedup();
    html! {
        tr {
            th scope="row" { (link(&declaration.id)) }
            td { (declaration.target.name) }
            td { (keys.join(", ")) }
            @if let Some(document) = unreadable {
                td { span class="badge ill" { "unknown" } }
                td {}
                td { (document.to_string()) }
            } @else {
                td { (badge(record)) }
                td { (refreshed(record)) }
                td { (words::complaint(record).unwrap_or_default()) }
            }
        }
    }
}

/// Declarations that cannot be read, where nothing is asked for that only their documents would tell.
fn damaged<P: Ports>(site: &Site<P>, filter: &Filter) -> Markup {
    let Filter { cluster, namespace, store, key, text, fares, code } = filter;
    if store.is_some() || key.is_some() || text.is_some() || fares.is_some() || code.is_some() {
        return html! {};
    }
    let of = |id: &str| {
        let Ok(id) = id.parse::<DeclarationId>() else { return cluster.is_none() && namespace.is_none() };
        cluster.as_ref().is_none_or(|cluster| id.cluster == *cluster)
            && namespace.as_ref().is_none_or(|namespace| id.namespace == *namespace)
    };
    let known = site.known_survey();
    let documents =
        known.iter().flat_map(|survey| survey.unreadable_of(pawl_ports::DocumentKind::Declaration));
    unreadable(documents.filter(|document| of(&document.id)))
}
