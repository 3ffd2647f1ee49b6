//! Who is let in, with what, and what every answer is sent with.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

use super::visitor::{Answer, TOKEN, Visitor};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use std::sync::Arc;

const PATHS: [&str; 9] = [
    "/console",
    "/console/",
    "/console/declarations",
    "/console/declarations/blue/shop/db",
    "/console/keys?key=app/db",
    "/console/stores",
    "/console/failures",
    "/console/jobs",
    "/console/nowhere",
];

async fn log_in(visitor: &Visitor, form: &str) -> Answer {
    let request = Request::post("/console/login").header("content-type", "application/x-www-form-urlencoded");
    visitor.send(request.body(Body::from(form.to_owned())).unwrap()).await
}

#[tokio::test]
async fn nobody_sees_a_page_without_the_token() {
    let visitor = Visitor::new();
    visitor.declare("blue/shop/db", "app/db");
    for path in PATHS {
        for shown in [
            None,
            Some(("authorization", "Bearer fedcba9876543210fedcba9876543210".to_owned())),
            Some(("authorization", format!("Basic {TOKEN}"))),
            Some(("cookie", format!("pawl_console={TOKEN}"))),
            Some(("cookie", "pawl_console=99999999999.00".to_owned())),
        ] {
            let request = Request::get(path);
            let request = match &shown {
                Some((name, value)) => request.header(*name, value),
                None => request,
            };
            let answer = visitor.ask(request).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path} {shown:?}");
            assert!(answer.text.contains("type=\"password\""), "{path}");
            assert!(!answer.text.contains("shop") && !answer.text.contains("<nav"), "{path} tells something");
            super::html::check(path, &answer.text);
        }
        // An address holds no token where the server has one of its own.
        let answer = visitor.ask(Request::get(format!("/console/login?token={TOKEN}"))).await;
        assert_eq!((answer.status, answer.headers.get("set-cookie")), (StatusCode::OK, None));
    }
    assert_eq!(visitor.world.calls().ledger_reads, 0, "nothing is asked for them");
}

#[tokio::test]
async fn who_shows_the_token_has_a_session_until_he_leaves_or_it_ends() {
    let visitor = Visitor::new();
    for (form, status) in [
        ("token=".to_owned(), StatusCode::UNAUTHORIZED),
        (String::new(), StatusCode::UNAUTHORIZED),
        (format!("token={}", &TOKEN[1..]), StatusCode::UNAUTHORIZED),
        (format!("other={TOKEN}"), StatusCode::UNAUTHORIZED),
        (format!("token={}", "x".repeat(10_000)), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let answer = log_in(&visitor, &form).await;
        assert_eq!((answer.status, answer.headers.get("set-cookie")), (status, None), "{}", form.len());
        super::html::check("login", &answer.text);
    }
    let answer = log_in(&visitor, &format!("token={TOKEN}")).await;
    assert_eq!(
        (answer.status, &answer.headers["location"]),
        (StatusCode::SEE_OTHER, &"/console".parse().unwrap())
    );
    let set = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.contains("HttpOnly; SameSite=Strict"), "{set}");
    let cookie = set.split(';').next().unwrap();
    let seen = async || visitor.ask(Request::get("/console").header("cookie", cookie)).await.status;
    assert_eq!(seen().await, StatusCode::OK);
    visitor.world.advance(std::time::Duration::from_secs(12 * 3600));
    assert_eq!(seen().await, StatusCode::UNAUTHORIZED, "it has ended");

    let answer = visitor.ask(Request::post("/console/logout")).await;
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(answer.status == StatusCode::SEE_OTHER && set.contains("Max-Age=0"), "{set}");
}

/// A browser says whose page sends a form; who is no browser says nothing, and has no cookies that somebody could borrow.
#[tokio::test]
async fn forms_of_other_sites_change_no_session() {
    let visitor = Visitor::new();
    for (whose, welcome) in [
        (None, true),
        (Some("same-origin"), true),
        (Some("none"), true),
        (Some("same-site"), false),
        (Some("cross-site"), false),
    ] {
        for (path, form) in [("/console/login", format!("token={TOKEN}")), ("/console/logout", String::new())]
        {
            let request = Request::post(path);
            let request =
                whose.iter().fold(request, |request, whose| request.header("sec-fetch-site", *whose));
            let answer = visitor.send(request.body(Body::from(form)).unwrap()).await;
            let want = if welcome { StatusCode::SEE_OTHER } else { StatusCode::FORBIDDEN };
            assert_eq!(answer.status, want, "{path} {whose:?}");
            assert_eq!(answer.headers.contains_key("set-cookie"), welcome, "{path} {whose:?}");
        }
    }
}

#[tokio::test]
async fn the_cookie_stays_with_tls_where_the_first_proxy_speaks_it() {
    let visitor = Visitor::new();
    for (proto, secure) in [("https", true), ("HTTPS", true), ("https, http", true), ("http, https", false)] {
        let request = Request::post("/console/login").header("x-forwarded-proto", proto);
        let answer = visitor.send(request.body(Body::from(format!("token={TOKEN}"))).unwrap()).await;
        let set = answer.headers["set-cookie"].to_str().unwrap();
        assert_eq!(set.ends_with("; Secure"), secure, "{proto}: {set}");
    }
}

#[tokio::test]
async fn the_address_that_a_process_prints_lets_in() {
    let visitor = Visitor::new();
    let (door, token) = pawl_console::Door::of_process();
    let (_, other) = pawl_console::Door::of_process();
    assert!(token.len() == 64 && token != other);
    let pipeline = visitor.pipeline();
    let desk: pawl_console::Desk = Arc::new(|_| Box::pin(async { Ok(pawl_console::Queue::default()) }));
    let visitor = Visitor { routes: pawl_console::routes(pipeline, desk, door), ..visitor };
    let login = async |token: &str| visitor.ask(Request::get(format!("/console/login?token={token}"))).await;
    assert_eq!(login(&other).await.status, StatusCode::UNAUTHORIZED);
    let answer = login(&token).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/console", "the token does not stay in the address");
    assert!(answer.headers.contains_key("set-cookie"));
}

#[tokio::test]
async fn every_answer_is_kept_from_frames_caches_and_scripts() {
    let visitor = Visitor::new();
    for path in PATHS.into_iter().chain(["/console/login", "/console/style.css", "/console/icon.svg"]) {
        for (name, value) in [("authorization", format!("Bearer {TOKEN}")), ("accept", "*/*".to_owned())] {
            let answer = visitor.ask(Request::get(path).header(name, value)).await;
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
            assert!(
                !policy.contains("script") && !policy.contains("unsafe") && !policy.contains("http"),
                "{policy}"
            );
            for (name, value) in [
                ("x-frame-options", "DENY"),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(answer.headers[name], value, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn pages_are_there_to_be_got_and_nothing_else() {
    let visitor = Visitor::new();
    for path in PATHS.into_iter().filter(|path| !["/console/", "/console/nowhere"].contains(path)) {
        let ask = async |method: &str| {
            let request = Request::builder().method(method).uri(path);
            visitor.ask(request.header("authorization", format!("Bearer {TOKEN}"))).await
        };
        let head = ask("HEAD").await;
        assert_eq!((head.status, head.text.as_str()), (ask("GET").await.status, ""), "{path}");
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            assert_eq!(ask(method).await.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
    for path in ["/console/login", "/console/logout"] {
        let answer = visitor.ask(Request::delete(path)).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}
