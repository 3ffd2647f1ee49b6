//! The fleet: how all declarations fare, cluster by cluster. The same numbers as `pawl status`.

use super::{declarations_where, headings, surveyed, unreadable};
use crate::chart::{AGES, DELAYS, distribution};
use crate::params::Params;
use crate::shell::{Page, Section};
use crate::site::{Site, Survey};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use pawl_domain::{Cluster, ClusterName};
use pawl_pipeline::explain::fleet::{Fleet, Tally};
use pawl_pipeline::explain::{status, words};
use pawl_ports::Ports;
use std::collections::BTreeMap;

/// What is counted of each cluster.
const NUMBERS: [&str; 7] =
    ["Declarations", "As declared", "Waiting", "Failing", "Set aside", "Overdue", "Known to be right"];

pub(crate) async fn page<P: Ports>(site: &Site<P>, params: &Params) -> Response {
    let taken = site.survey().await;
    let body = surveyed(taken.as_ref(), shown);
    let page =
        Page { title: "Fleet", section: Some(Section::Fleet), again: Some(params), now: site.now(), body };
    page.answer(StatusCode::OK)
}

fn shown(survey: &Survey) -> Markup {
    html! {
        (counts(&survey.fleet.total))
        (clusters(survey))
        (unreadable(survey.unreadable.iter()))
        (lines(&survey.fleet))
        section aria-labelledby="spread" {
            h2 #spread { "How old, how fast" }
            div.charts {
                (distribution(&AGES, &survey.fleet.ages))
                (distribution(&DELAYS, &survey.fleet.delays))
            }
        }
    }
}

/// The numbers that say whether there is something to do, each leading to its declarations.
fn counts(total: &Tally) -> Markup {
    let well = |ill: usize| if ill == 0 { "well" } else { "ill" };
    let waits = if total.waiting == 0 { "well" } else { "waits" };
    let tiles = [
        ("Declarations", total.declarations, "plain", Section::Declarations.path().to_owned()),
        ("As declared", total.settled, "plain", declarations_where("fares", "settled")),
        ("Waiting", total.waiting, waits, declarations_where("fares", "waiting")),
        ("Failing", total.failing, well(total.failing), declarations_where("fares", "failing")),
        ("Set aside", total.set_aside, well(total.set_aside), declarations_where("fares", "set-aside")),
        ("Overdue", total.overdue, well(total.overdue), declarations_where("fares", "overdue")),
    ];
    html! {
        ul.tiles {
            @for (name, number, class, href) in &tiles {
                li class=(class) { a href=(href) { strong { (number) } " " span { (name) } } }
            }
        }
    }
}

fn clusters(survey: &Survey) -> Markup {
    let nothing = Tally::default();
    let registered: BTreeMap<&ClusterName, &Cluster> =
        survey.clusters.iter().map(|cluster| (&cluster.name, cluster)).collect();
    let mut names: Vec<&ClusterName> =
        registered.keys().copied().chain(survey.fleet.clusters.keys()).collect();
    names.sort();
    names.dedup();
    html! {
        section aria-labelledby="clusters" {
            h2 #clusters { "Clusters" }
            @if names.is_empty() {
                p { "No cluster is registered and nothing is declared yet: apply a Cluster and an ExternalSecret." }
            } @else {
                div.scroll role="region" aria-labelledby="clusters" tabindex="0" {
                    table {
                        thead { tr {
                            th scope="col" { "Cluster" }
                            th scope="col" { "Reached by" }
                            th scope="col" { "Indexed" }
                            @for heading in NUMBERS { th.number scope="col" { (heading) } }
                        } }
                        tbody {
                            @for name in names {
                                (cluster(name, registered.get(name).copied(),
                                         survey.fleet.clusters.get(name).unwrap_or(&nothing)))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cluster(name: &ClusterName, known: Option<&Cluster>, tally: &Tally) -> Markup {
    let of_cluster = Params::default().with("cluster", name.to_string());
    let cell = |number: usize, fares: &str| {
        let href = of_cluster.clone().with("fares", fares).href(Section::Declarations.path());
        html! { td.number { @if number == 0 { "0" } @else { a href=(href) { (number) } } } }
    };
    let late = words::seconds(tally.oldest_overdue.as_secs());
    html! {
        tr {
            th scope="row" { a href=(of_cluster.href(Section::Declarations.path())) { (name) } }
            td {
                @match known {
                    Some(cluster) => (words::connection(cluster)),
                    None => span class="badge ill" { "not registered" },
                }
            }
            td { @if known.is_some_and(|cluster| cluster.index) { "yes" } @else { "no" } }
            td.number { (tally.declarations) }
            (cell(tally.settled, "settled"))
            (cell(tally.waiting, "waiting"))
            (cell(tally.failing, "failing"))
            (cell(tally.set_aside, "set-aside"))
            @if tally.overdue == 0 {
                td.number { "0" }
            } @else {
                td.number {
                    a href=(of_cluster.clone().with("fares", "overdue").href(Section::Declarations.path())) {
                        (tally.overdue)
                    }
                    ", by " (late)
                }
            }
            td.number {
                @if let Some(age) = tally.oldest_known { "all within " (words::seconds(age)) } @else { "none" }
            }
        }
    }
}

/// What `pawl status` says.
fn lines(fleet: &Fleet) -> Markup {
    html! {
        section aria-labelledby="lines" {
            h2 #lines { "In ten lines" }
            div.scroll role="region" aria-labelledby="lines" tabindex="0" {
                table {
                    (headings(&["What", "Is", "Metric"]))
                    tbody {
                        @for line in status::lines(fleet) {
                            tr {
                                th scope="row" { (line.what) }
                                td { (line.is) }
                                td { @if let Some(metric) = line.metric { code { (metric) } } }
                            }
                        }
                    }
                }
            }
            p.quiet { "As " (super::command("pawl status")) " says it." }
        }
    }
}
