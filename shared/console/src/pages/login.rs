//! Where the token is asked for.

use crate::shell::Page;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use maud::html;

/// The form, with what was wrong with the last try.
pub(crate) fn page(now: Timestamp, problem: Option<&str>, status: StatusCode) -> Response {
    let body = html! {
        @if let Some(problem) = problem { p.alert role="alert" { (problem) } }
        form.login method="post" action="/console/login" {
            label for="token" { "Token" }
            input #token name="token" type="password" autocomplete="current-password" required;
            button type="submit" { "Log in" }
        }
        p.quiet {
            "The token is what " code { "PAWL_CONSOLE_TOKEN" } " of the server says. A session lasts twelve hours. Where "
            code { "pawl console" } " printed an address, open that address."
        }
    };
    Page { title: "Log in", section: None, again: None, now, body }.answer(status)
}
