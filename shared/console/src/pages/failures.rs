//! What fails, by the code of the failure, with what to do about it.

use super::{link, surveyed};
use crate::params::Params;
use crate::shell::{Page, Section, time};
use crate::site::{Site, Survey};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use pawl_pipeline::explain::fleet::Failing;
use pawl_pipeline::explain::meaning::meaning;
use pawl_ports::Ports;

pub(crate) async fn page<P: Ports>(site: &Site<P>, params: &Params) -> Response {
    let taken = site.survey().await;
    let body = surveyed(taken.as_ref(), shown);
    let (section, again) = (Some(Section::Failures), Some(params));
    Page { title: "Failures", section, again, now: site.now(), body }.answer(StatusCode::OK)
}

fn shown(survey: &Survey) -> Markup {
    let mut codes: Vec<(&String, &Failing)> = survey.fleet.failures.iter().collect();
    // What most declarations meet is mended first.
    codes.sort_by_key(|(_, failing)| std::cmp::Reverse(failing.declarations));
    html! {
        @if codes.is_empty() { p { "Nothing fails." } }
        @for (code, failing) in codes { (of_code(code, failing)) }
    }
}

fn of_code(code: &str, failing: &Failing) -> Markup {
    let all = Params::default().with("code", code).href(Section::Declarations.path());
    let entry = meaning(code);
    html! {
        section.failure aria-labelledby=(code) {
            h2 id=(code) { (code) " (" (failing.declarations) ")" }
            dl {
                @if let Some(entry) = entry {
                    dt { "It means" }
                    dd { (markdown(entry.meaning)) }
                    dt { "What to do" }
                    dd { (markdown(entry.what_to_do)) }
                }
                @if let Some(since) = failing.since {
                    dt { "Failing since" }
                    dd { (time(since)) }
                }
            }
            ul {
                @for (id, message) in &failing.examples { li { (link(id)) ": " (message) } }
            }
            p { a href=(all) { "All of them, in the list of declarations" } }
        }
    }
}

/// The Markdown of a table's cell: code and the text of links. Anything else is text.
pub(super) fn markdown(text: &str) -> Markup {
    let parts = text.split('`').enumerate();
    html! {
        @for (position, part) in parts {
            @if position % 2 == 1 { code { (part) } } @else { (without_links(part)) }
        }
    }
}

/// `[text](address)` becomes `text`: the addresses are of files beside the page that it is taken from.
fn without_links(text: &str) -> String {
    let mut parts = text.split("](");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some(begin) = plain.rfind('[') {
            plain.remove(begin);
        }
        plain.push_str(part.split_once(')').map_or(part, |(_, rest)| rest));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_shown_as_text_and_code() {
        for (cell, want) in [
            ("plain", "plain"),
            ("use `a<b>` now", "use <code>a&lt;b&gt;</code> now"),
            ("see [policies](store-policy.md) and [runbooks](r.md#x).", "see policies and runbooks."),
            ("a [b] <script>", "a [b] &lt;script&gt;"),
        ] {
            assert_eq!(markdown(cell).into_string(), want);
        }
    }
}
