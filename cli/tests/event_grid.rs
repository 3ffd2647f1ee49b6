//! Events of Azure's Event Grid at a running server: its questions are answered, and its events taken from who shows the token.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use crate::server::Server;
use std::path::Path;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const WRONG: &str = "0123456789abcdef0123456789abcdeF";
const EVENTS: &str = "/v1/azure/events";
const ORIGIN: &str = "WebHook-Request-Origin: eventgrid.azure.net";

fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events/azure").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn event_grid_is_answered_and_taken_where_it_shows_the_token() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[("PAWL_AZURE_EVENT_TOKEN", TOKEN)]);
    let (right, wrong) = (format!("x-pawl-token: {TOKEN}"), format!("x-pawl-token: {WRONG}"));
    for (name, shown, status, said) in [
        (
            "validation.json",
            Some(&right),
            200,
            r#"{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}"#,
        ),
        ("validation.json", None, 401, "x-pawl-token does not hold the token"),
        ("validation.json", Some(&wrong), 401, "x-pawl-token does not hold the token"),
        ("secret-new-version.json", Some(&right), 200, r#""changes":1"#),
        ("cloud-event.json", Some(&right), 200, r#""changes":1"#),
        ("certificate-new-version.json", Some(&right), 200, r#""changes":3"#),
        ("access-policy.json", Some(&right), 200, r#""changes":0"#),
        ("unknown-type.json", Some(&right), 400, "unknown event"),
        ("secret-new-version.json", None, 401, "x-pawl-token does not hold the token"),
        ("secret-new-version.json", Some(&wrong), 401, "x-pawl-token does not hold the token"),
    ] {
        let shown: Vec<&str> = shown.into_iter().map(String::as_str).collect();
        let (answered, _, body) = server.ask("POST", EVENTS, &shown, &sample(name));
        assert_eq!(answered, status, "{name} {shown:?}: {body}");
        assert!(body.contains(said), "{name} {shown:?}: {body}");
    }
    for (headers, status) in [
        (&[ORIGIN][..], 200),
        (&[ORIGIN, &right], 200),
        (&[ORIGIN, &wrong], 401),
        (&["WebHook-Request-Origin: eventgrid.example.com"], 405),
        (&[], 405),
    ] {
        let (answered, head, _) = server.ask("OPTIONS", EVENTS, headers, "");
        assert_eq!(answered, status, "{headers:?}: {head}");
        let allowed = "webhook-allowed-origin: eventgrid.azure.net";
        assert_eq!(
            head.contains(allowed) && head.contains("webhook-allowed-rate: *"),
            status == 200,
            "{head}"
        );
    }
}

/// Event Grid writes the one in batches and the other otherwise; who passes events on writes what it likes.
#[test]
fn the_schema_is_told_by_the_body_and_not_by_its_type() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[("PAWL_AZURE_EVENT_TOKEN", TOKEN)]);
    let right = format!("x-pawl-token: {TOKEN}");
    for (kind, name, changes) in [
        ("application/json; charset=utf-8", "secret-new-version.json", 1),
        ("application/cloudevents+json; charset=utf-8", "cloud-event.json", 1),
        ("application/cloudevents-batch+json; charset=utf-8", "cloud-events.json", 2),
        ("application/octet-stream", "event-grid-object.json", 1),
        ("text/plain", "service-bus-message.json", 1),
        ("application/json", "event-hub-messages.json", 3),
    ] {
        let (status, _, body) =
            server.ask("POST", EVENTS, &[&right, &format!("content-type: {kind}")], &sample(name));
        assert_eq!(status, 200, "{kind} {name}: {body}");
        assert!(body.contains(&format!("\"changes\":{changes}")), "{kind} {name}: {body}");
    }
}

#[test]
fn tokens_of_entra_are_looked_at_and_keys_that_cannot_be_had_are_no_refusal() {
    let directory = tempfile::tempdir().unwrap();
    let tenant = "11111111-2222-3333-4444-555555555555";
    let entra = [
        ("PAWL_AZURE_EVENT_TENANT", tenant),
        ("PAWL_AZURE_EVENT_AUDIENCE", "api://pawl"),
        // Nobody listens there.
        ("PAWL_AZURE_EVENT_AUTHORITY", "http://127.0.0.1:1"),
        ("PAWL_AZURE_EVENT_SENDERS", "4962773b-9cdb-44cf-a8bf-237846a00ab7"),
    ];
    let server = Server::start(directory.path(), &entra);
    // {"alg":"RS256","kid":"one"}
    let shown = "authorization: Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6Im9uZSJ9.e30.AAAA";
    for (headers, status, said) in [
        (&[][..], 401, "the request has no bearer token"),
        (&["x-pawl-token: 0123456789abcdef0123456789abcdef"], 401, "the request has no bearer token"),
        (&["authorization: Bearer nonsense"], 401, "none that the issuer signed"),
        (&[shown], 503, "the keys of Entra ID could not be had"),
    ] {
        let (answered, _, body) = server.ask("POST", EVENTS, headers, &sample("cloud-event.json"));
        assert_eq!(answered, status, "{headers:?}: {body}");
        assert!(body.contains(said), "{headers:?}: {body}");
    }
    assert_eq!(server.ask("OPTIONS", EVENTS, &[ORIGIN], "").0, 200, "it may show a token, and need not");
    assert_eq!(server.ask("OPTIONS", EVENTS, &[ORIGIN, "authorization: Bearer nonsense"], "").0, 401);
}

#[test]
fn without_a_token_nobody_is_answered() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[]);
    let (status, _, body) = server.ask("POST", EVENTS, &[], &sample("validation.json"));
    assert_eq!(status, 404, "{body}");
    assert!(body.contains("set PAWL_AZURE_EVENT_TOKEN"), "{body}");
    let (status, head, _) = server.ask("OPTIONS", EVENTS, &[ORIGIN], "");
    assert_eq!(status, 404);
    assert!(!head.contains("webhook-allowed"), "{head}");
}
