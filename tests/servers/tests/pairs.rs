//! The double that is made of pairs.

#![expect(clippy::expect_used, reason = "the helpers of a test fail as the test does")]

use pawl_servers::pairs::{Ask, Fault, Pairs, Reply};
use serde_json::json;

const PAIRS: &str = r#"
{"ask": {"path": "/keys/a b", "headers": {"authorization": "Bearer t"}}, "reply": {"status": 200, "body": "one"}}
{"ask": {"path": "/keys", "query": {"filter": "*"}}, "reply": {"status": 200, "body": []}}
{"ask": {"path": "/keys", "query": {"filter": "name eq \"a\""}}, "reply": {"status": 200, "headers": {"etag": "1"}, "body": ["a"]}}
{"ask": {"method": "POST", "path": "/login", "body": {"id": {"key": "k"}}}, "reply": {"status": 200, "body": {"token": "t"}}}
"#;

async fn start() -> Pairs {
    Pairs::start(PAIRS, Reply::of(404, json!("unknown path")), Reply::of(401, json!("who?")))
        .await
        .expect("a double")
}

async fn get(pairs: &Pairs, path: &str, token: &str) -> (u16, String) {
    let ask = reqwest::Client::new().get(format!("{}{path}", pairs.address())).bearer_auth(token);
    let reply = ask.send().await.expect("an answer");
    (reply.status().as_u16(), reply.text().await.expect("all of it"))
}

#[tokio::test]
async fn what_was_written_down_is_answered_the_most_exact_first() {
    let pairs = start().await;
    for (path, token, want) in [
        ("/keys/a%20b", "t", (200, "one")),
        ("/keys/a%20b", "other", (401, "who?")),
        ("/keys?filter=name+eq+%22a%22", "", (200, r#"["a"]"#)),
        ("/keys?filter=name+eq+%22b%22", "", (200, "[]")),
    ] {
        assert_eq!(get(&pairs, path, token).await, (want.0, want.1.to_owned()), "{path}");
    }
    assert_eq!(pairs.asked().len(), 4);
    pairs.put(Ask::get("/keys/a b").header("authorization", "Bearer t"), Reply::of(200, json!("two")));
    assert_eq!(get(&pairs, "/keys/a%20b", "t").await.1, "two");
    let post = |body: &'static str| {
        let ask = reqwest::Client::new().post(format!("{}/login", pairs.address())).body(body);
        async { ask.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(post(r#"{"more": 1, "id": {"key": "k", "of": "x"}}"#).await, 200);
    assert_eq!(post(r#"{"id": {"key": "l"}}"#).await, 404);
    assert_eq!(pairs.strays().len(), 1);
}

#[tokio::test]
#[should_panic(expected = "nobody wrote down")]
async fn what_nobody_wrote_down_fails_the_test() {
    let pairs = start().await;
    for path in ["/keys", "/keys?filter=a&more=b", "/other"] {
        assert_eq!(get(&pairs, path, "t").await, (404, "unknown path".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn calls_go_wrong_where_it_was_asked_for() {
    let pairs = start().await;
    let url = format!("{}/keys?filter=b", pairs.address());
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_millis(100)).build().unwrap();
    pairs.fault(1, Fault::Answer(Reply::of(429, json!(null)).header("retry-after", "7")));
    pairs.fault(2, Fault::Cut);
    pairs.fault(3, Fault::Silent);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 200);
    assert_eq!(client.get(&url).send().await.unwrap().headers()["retry-after"], "7");
    assert!(client.get(&url).send().await.unwrap().bytes().await.is_err());
    assert!(client.get(&url).send().await.unwrap_err().is_timeout());
    assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "[]");
}
