//! Connections, on a scripted server.

use pawl_domain::grant::{Origin, Reach};
use pawl_domain::{Complaint, Kind, Provider, Rule, Step};
use pawl_ports::Error;
use pawl_stores::kit::{Ask, Bounds, Call, Link, Material, PlainHttp, Reply, Server, Whole};
use reqwest::Method;
use reqwest::header::HeaderMap;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn bounds() -> Bounds {
    Bounds {
        attempt_timeout: Duration::from_millis(300),
        deadline: Duration::from_millis(1000),
        first_pause: Duration::from_millis(1),
        last_pause: Duration::from_millis(20),
        ..Bounds::default()
    }
}

fn call(address: &str) -> Call<'_> {
    let server = Server { provider: Provider::Fake, address, field: "url" };
    Call { step: Step::Fetch, server, action: "read", subject: "a" }
}

async fn open(address: &str, reach: &Reach, plain: PlainHttp) -> Result<Link, Error> {
    Link::open(&call(address), Material::default(), &bounds(), reach, plain).await
}

/// The answer for a path below the address, asked again at every status from 500 on.
async fn send(address: &str, parts: &[&str]) -> Result<Reply, Error> {
    let link = open(address, &Reach::Anywhere, PlainHttp::Refused(None)).await.unwrap();
    let ask = || {
        Ok(Ask {
            method: Method::GET,
            path: parts.to_vec(),
            query: vec![("filter[a]", "b&c")],
            headers: HeaderMap::new(),
            body: None,
            largest: 64,
        })
    };
    link.send(&call(address), &ask, &|reply| reply.status.as_u16() >= 500).await
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(template).mount(&server).await;
    server
}

#[tokio::test]
async fn each_part_of_a_path_is_encoded_by_itself() {
    let server = answering(ResponseTemplate::new(200)).await;
    let parts = ["group/project", "a b", "x?y#z%25", "ü"];
    send(&format!("{}/below/", server.uri()), &parts).await.unwrap();
    let asked = server.received_requests().await.unwrap()[0].url.clone();
    assert_eq!(asked.path(), "/below/group%2Fproject/a%20b/x%3Fy%23z%2525/%C3%BC");
    assert_eq!(asked.query(), Some("filter%5Ba%5D=b%26c"));
    for part in ["", ".", ".."] {
        let error = send(&server.uri(), &["a", part]).await.err().unwrap();
        assert_eq!(error.kind, Kind::Invalid, "{part:?} would lead elsewhere");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_address_that_is_written_out_leads_to_the_links_own_server() {
    let (server, other) =
        (answering(ResponseTemplate::new(200)).await, answering(ResponseTemplate::new(200)).await);
    let (own, port) = (server.uri(), server.address().port());
    let link = open(&own, &Reach::Anywhere, PlainHttp::Refused(None)).await.unwrap();
    let send = async |url: String| {
        let ask = || {
            let (method, url) = (Method::GET, url.parse().unwrap());
            Ok(Whole { method, url, headers: HeaderMap::new(), body: None, largest: 64 })
        };
        link.send_whole(&call(&own), &ask, &|_: &Reply| false).await.map(|reply| reply.status.as_u16())
    };
    assert_eq!(send(format!("{own}/a%2Fb?c=d+e")).await.unwrap(), 200);
    let asked = server.received_requests().await.unwrap()[0].url.clone();
    assert_eq!((asked.path(), asked.query()), ("/a%2Fb", Some("c=d+e")));
    for elsewhere in [
        format!("{}/a", other.uri()),
        format!("http://localhost:{port}/a"),
        format!("https://127.0.0.1:{port}/a"),
        format!("http://me:pw@127.0.0.1:{port}/a"),
    ] {
        let error = send(elsewhere.clone()).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{elsewhere}");
        assert!(!error.message().contains(&elsewhere), "{error}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
    assert_eq!(other.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn answers_are_given_back_whatever_they_say_and_asked_for_again_where_that_may_help() {
    for (template, asked) in [
        (ResponseTemplate::new(200), 1),
        (ResponseTemplate::new(404), 1),
        (ResponseTemplate::new(503), 3),
        // Longer than the longest pause.
        (ResponseTemplate::new(503).insert_header("retry-after", "9"), 1),
    ] {
        let server = answering(template).await;
        let reply = send(&server.uri(), &["a"]).await.unwrap();
        assert_eq!(server.received_requests().await.unwrap().len(), asked, "{}", reply.status);
        let error = reply.failure(call("x").error(Kind::Throttled, "throttled"));
        assert_eq!(error.retry_after().map(|rest| rest.as_secs()), reply.rest.map(|rest| rest.as_secs()));
    }
}

#[tokio::test]
async fn no_answer_is_waited_for_or_read_without_end() {
    let silent = answering(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).await;
    let begun = Instant::now();
    let error = send(&silent.uri(), &["a"]).await.err().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!((error.kind, error.message().ends_with("no answer in time")), (Kind::Unreachable, true));
    let long = answering(ResponseTemplate::new(200).set_body_string("x".repeat(65))).await;
    let error = send(&long.uri(), &["a"]).await.err().unwrap();
    assert!(error.kind == Kind::Invalid && error.message().ends_with("longer than 64 bytes"), "{error}");
}

#[tokio::test]
async fn redirects_stay_on_the_servers_own_origin() {
    let elsewhere = answering(ResponseTemplate::new(200)).await;
    let server = MockServer::start().await;
    for (from, to) in [("/out", format!("{}/b", elsewhere.uri())), ("/in", "/b".to_owned())] {
        let found = ResponseTemplate::new(302).insert_header("location", to.as_str());
        Mock::given(path(from)).respond_with(found).mount(&server).await;
    }
    Mock::given(path("/b")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    assert_eq!(send(&server.uri(), &["in"]).await.unwrap().status, 200);
    assert_eq!(send(&server.uri(), &["out"]).await.unwrap().status, 302);
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn addresses_are_looked_at_before_anything_is_sent() {
    let server = answering(ResponseTemplate::new(200)).await;
    let guarded = Reach::Guarded(BTreeSet::new());
    let refused = open(&server.uri(), &guarded, PlainHttp::Allowed).await.err().unwrap();
    assert_eq!((refused.kind, refused.complaint()), (Kind::Refused, Complaint::Refused(Rule::Address)));
    // A name, which only the resolver can tell of.
    let named = format!("http://localhost:{}", server.address().port());
    let link = open(&named, &guarded, PlainHttp::Refused(None)).await.unwrap();
    let ask = || {
        let (headers, path, query) = (HeaderMap::new(), vec!["a"], Vec::new());
        Ok(Ask { method: Method::GET, path, query, headers, body: None, largest: 64 })
    };
    let refused = link.send(&call(&named), &ask, &|_| true).await.err().unwrap();
    assert_eq!(refused.kind, Kind::Refused, "{refused}");
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn another_machine_is_asked_with_tls_and_without_a_password() {
    for (address, plain, usable) in [
        ("https://store.example.com", PlainHttp::Refused(None), true),
        ("http://store.example.com", PlainHttp::Allowed, true),
        ("http://127.0.0.1:1", PlainHttp::Refused(None), true),
        ("http://store.example.com", PlainHttp::Refused(Some("SETTING")), false),
        ("https://me:pw@store.example.com", PlainHttp::Allowed, false),
        ("ftp://store.example.com", PlainHttp::Allowed, false),
        ("store.example.com", PlainHttp::Allowed, false),
    ] {
        let opened = open(address, &Reach::Anywhere, plain).await;
        assert_eq!(
            opened.as_ref().err().map(|error| error.kind),
            (!usable).then_some(Kind::Invalid),
            "{address}"
        );
    }
    let listed =
        Bounds { plain_http: [Origin::of("http://Connect.svc:8080").unwrap()].into(), ..Bounds::default() };
    for (address, usable) in [
        ("http://connect.svc:8080/v1", true),
        ("http://connect.svc", false),
        ("http://other.svc:8080", false),
    ] {
        let opened =
            Link::open(&call(address), Material::default(), &listed, &Reach::Anywhere, PlainHttp::Listed)
                .await;
        assert_eq!(opened.is_ok(), usable, "{address}");
    }
    let plain = PlainHttp::Refused(Some("SETTING"));
    let error = open("http://store.example.com", &Reach::Anywhere, plain).await.err().unwrap();
    assert!(error.message().ends_with("write https, or let the operator set SETTING=true"), "{error}");
}
