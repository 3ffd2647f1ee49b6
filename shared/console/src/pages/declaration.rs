//! One declaration: why its target is as it is, and its last writes. As `pawl explain --offline` and `pawl history`.

use super::{badge, command, headings, nowhere, problem};
use crate::params::Params;
use crate::shell::{Page, Section, time};
use crate::site::Site;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use pawl_domain::record::Written;
use pawl_domain::{DeclarationId, Query};
use pawl_pipeline::explain::answer::answer;
use pawl_pipeline::explain::meaning::meaning;
use pawl_pipeline::explain::told::{Fact, told};
use pawl_pipeline::explain::{Account, words};
use pawl_ports::{DocumentKind, Error, Ports};

pub(crate) async fn page<P: Ports>(site: &Site<P>, id: &DeclarationId) -> Result<Response, Error> {
    let Some(account) = site.pipeline.account(id).await? else { return Ok(absent(site, id).await) };
    let witness = site.pipeline.permitted(&account).await?;
    let facts = told(&account, &witness);
    let body = html! {
        p.lead { (badge(account.record.as_ref())) " " (answer(&account, &witness)) }
        (to_do(&account))
        (facts_of(&facts))
        (reads(&account))
        (history(&account))
        section aria-labelledby="commands" {
            h2 #commands { "To look further, or to act" }
            p { "This page asks registry and ledger alone. What the stores and the cluster say now:" }
            ul {
                li { (command(&format!("pawl explain {id}"))) }
                li { (command(&format!("pawl diff {id}"))) " compares its target with what a delivery would write" }
                li { (command(&format!("pawl sync {id}"))) " brings it up to date at once" }
            }
        }
    };
    let title = id.to_string();
    let page =
        Page { title: &title, section: Some(Section::Declarations), again: None, now: site.now(), body };
    Ok(page.answer(StatusCode::OK))
}

/// None of this name is registered, or its document cannot be read.
async fn absent<P: Ports>(site: &Site<P>, id: &DeclarationId) -> Response {
    let now = site.now();
    let id = id.to_string();
    match site.survey().await.map(|taken| taken.result) {
        Some(Ok(survey)) => {
            match survey.unreadable_of(DocumentKind::Declaration).find(|each| each.id == id) {
                Some(document) => problem(now, &id, &document.to_string(), StatusCode::OK),
                None => nowhere(now),
            }
        }
        Some(Err(message)) => problem(now, &id, &message, StatusCode::SERVICE_UNAVAILABLE),
        None => nowhere(now),
    }
}

/// What the code of its failure means.
fn to_do(account: &Account) -> Markup {
    let Some(pawl_domain::record::State::Failed(failure)) =
        account.record.as_ref().map(|record| &record.state)
    else {
        return html! {};
    };
    let code = failure.code().to_string();
    html! {
        @if let Some(entry) = meaning(&code) {
            section aria-labelledby="failure" {
                h2 #failure { "Its failure" }
                dl {
                    dt { (code) " means" }
                    dd { (super::failures::markdown(entry.meaning)) }
                    dt { "What to do" }
                    dd { (super::failures::markdown(entry.what_to_do)) }
                }
            }
        }
    }
}

fn facts_of(facts: &[Fact]) -> Markup {
    let said_above = |fact: &&Fact| ["declaration", "answer"].contains(&fact.what);
    let facts: Vec<&Fact> = facts.iter().filter(|fact| !said_above(fact)).collect();
    html! {
        section aria-labelledby="facts" {
            h2 #facts { "What is known" }
            table {
                (headings(&["What", "Is"]))
                tbody {
                    @for fact in facts {
                        tr { th scope="row" { (fact.what) } td { (fact.is) } }
                    }
                }
            }
        }
    }
}

fn reads(account: &Account) -> Markup {
    let version = |position: usize| {
        let versions = account.record.as_ref()?.versions.get(position)?;
        Some(versions.one()?.id.clone())
    };
    html! {
        section aria-labelledby="reads" {
            h2 #reads { "What it reads" }
            div.scroll role="region" aria-labelledby="reads" tabindex="0" {
                table {
                    (headings(&["In the manifest", "Key", "Store", "Version written"]))
                    tbody {
                        @for (position, read) in account.declaration.reads.iter().enumerate() {
                            tr {
                                th scope="row" { (words::part(read)) }
                                td {
                                    @if let Query::Key(remote) = &read.query {
                                        @let of_key = Params::default().with("key", &remote.key);
                                        a href=(of_key.href(Section::Keys.path())) { (remote.key) }
                                    } @else {
                                        (words::key(read))
                                    }
                                }
                                td { (read.store.to_string()) }
                                td { (version(position).unwrap_or_default()) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn history(account: &Account) -> Markup {
    let record = account.record.as_ref();
    let writes: Vec<&Written> = record.iter().flat_map(|record| record.history.writes()).rev().collect();
    html! {
        section aria-labelledby="history" {
            h2 #history { "Last writes" }
            @if writes.is_empty() {
                p { "No write of it is remembered." }
            } @else {
                table {
                    (headings(&["When", "Called for by", "Event to Secret", "Did", "Keys"]))
                    tbody {
                        @for written in writes {
                            tr {
                                th scope="row" { (time(written.at)) }
                                td { (written.cause.as_str()) }
                                td { @if let Some(took) = written.seconds { (words::seconds(took.into())) } }
                                td { @if written.deleted { "deleted" } @else { "written" } }
                                td { (words::moved(written)) }
                            }
                        }
                    }
                }
            }
        }
    }
}
