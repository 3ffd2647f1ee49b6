//! The job queue and its dead letters, to look at. As `pawl jobs list`.

use super::{command, headings};
use crate::params::Params;
use crate::shell::{Page, Section, time};
use crate::site::{MOST_JOBS, Queue, QueuedJob, Site};
use crate::snapshot::Taken;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use pawl_ports::Ports;

pub(crate) async fn page<P: Ports>(site: &Site<P>, params: &Params) -> Response {
    let body = match site.queue().await {
        None => html! { p.alert role="status" { "The job queue is being looked at. Load the page again." } },
        Some(Taken { result: Err(message), .. }) => html! { p.alert role="alert" { (message) } },
        Some(Taken { result: Ok(queue), at }) => html! {
            p.quiet { "Looked at " (time(at)) "." }
            (shown(&queue))
        },
    };
    let (section, again) = (Some(Section::Jobs), Some(params));
    Page { title: "Jobs", section, again, now: site.now(), body }.answer(StatusCode::OK)
}

fn shown(queue: &Queue) -> Markup {
    let is_dead = |job: &QueuedJob| job.state == "dead";
    let dead: Vec<_> = queue.jobs.iter().filter(|job| is_dead(job)).collect();
    let waiting: Vec<_> = queue.jobs.iter().filter(|job| !is_dead(job)).collect();
    html! {
        section aria-labelledby="dead" {
            h2 #dead { "Dead letters (" (queue.dead) ")" }
            @if queue.dead == 0 {
                p { "No job was given up." }
            } @else {
                p {
                    "Nobody tries these again. Their declarations are found by sweeps all the same; to try a job anew: "
                    (command("pawl jobs redrive JOB")) ", or all of them: " (command("pawl jobs redrive --all"))
                }
            }
            (table("Dead letters", &dead))
        }
        section aria-labelledby="waiting" {
            h2 #waiting { "Waiting or worked on (" (queue.waiting) ")" }
            @if queue.waiting > 0 && waiting.is_empty() {
                p { "SQS tells how many there are and not which: a look at a message would count as one of its tries." }
            }
            (table("Waiting jobs", &waiting))
        }
        @if queue.jobs.len() >= MOST_JOBS {
            p { "At most " (MOST_JOBS) " jobs are shown; " (command("pawl jobs list --limit 1000")) " shows more." }
        }
    }
}

fn table(label: &str, jobs: &[&QueuedJob]) -> Markup {
    if jobs.is_empty() {
        return html! {};
    }
    html! {
        div.scroll role="region" aria-label=(label) tabindex="0" {
            table {
                (headings(&["Job", "State", "Attempts", "Since", "Declarations", "Reason", "To try it anew"]))
                tbody {
                    @for job in jobs {
                        tr {
                            th scope="row" { (job.id) }
                            td { (job.state) }
                            td.number { (job.attempts) }
                            td { (job.since.as_deref().unwrap_or_default()) }
                            td { (job.what) }
                            td { (job.reason.as_deref().unwrap_or_default()) }
                            td { @if job.state == "dead" { (command(&format!("pawl jobs redrive {}", job.id))) } }
                        }
                    }
                }
            }
        }
    }
}
