//! What moto never does: DynamoDB that is slow, or does only half.

use crate::adapters::at::config;
use pawl_aws::Table;
use pawl_domain::{Kind, Step};
use pawl_ports::Registry;
use pawl_world::build::{id, index_keys};
use pawl_world::declaration;
use serde_json::{Value, json};
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

#[tokio::test]
async fn keys_that_were_left_undone_are_asked_again() {
    let server = MockServer::start().await;
    let reads = || Mock::given(header("x-amz-target", "DynamoDB_20120810.BatchGetItem"));
    // First one key of three is answered and the others are not; then all.
    reads().respond_with(|request: &Request| answered(request, 1)).up_to_n_times(1).mount(&server).await;
    reads().respond_with(|request: &Request| answered(request, 100)).mount(&server).await;
    let ids = ["blue/shop/a", "blue/shop/b", "blue/shop/c"].map(id);
    let found = Table::new(&config(&server.uri()), "pawl").declarations(&ids).await.unwrap();
    assert_eq!(found.into_iter().map(|found| found.id).collect::<Vec<_>>(), ids);
    let asked: Vec<usize> = server.received_requests().await.unwrap().iter().map(|r| keys(r).len()).collect();
    assert_eq!(asked, [3, 2], "only what was left undone is asked again");
}

#[tokio::test]
async fn keys_that_are_never_answered_end_as_throttled() {
    let server = MockServer::start().await;
    Mock::given(header("x-amz-target", "DynamoDB_20120810.BatchGetItem"))
        .respond_with(|request: &Request| answered(request, 0))
        .mount(&server)
        .await;
    let error =
        Table::new(&config(&server.uri()), "pawl").declarations(&[id("blue/shop/a")]).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Lookup, Kind::Throttled), "{error}");
}

#[tokio::test]
async fn a_throttled_query_is_throttled() {
    let server = MockServer::start().await;
    let body = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException" });
    let answer = ResponseTemplate::new(400).set_body_json(body);
    Mock::given(header("x-amz-target", "DynamoDB_20120810.Query")).respond_with(answer).mount(&server).await;
    let error =
        Table::new(&config(&server.uri()), "pawl").candidates(&index_keys(["app/db"])).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Lookup, Kind::Throttled), "{error}");
    assert!(error.message().contains("pawl"), "it names the table: {error}");
    assert!(server.received_requests().await.unwrap().len() > 1, "it was tried more than once");
}

#[tokio::test]
async fn a_table_that_nobody_answers_for_is_unreachable() {
    let table = Table::new(&config("http://127.0.0.1:9"), "pawl");
    let error = table.candidates(&index_keys(["app/db"])).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Lookup, Kind::Unreachable), "{error}");
}

fn keys(request: &Request) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["RequestItems"]["pawl"]["Keys"].as_array().unwrap().clone()
}

/// Answers the first keys of a request with declarations, and leaves the others undone.
fn answered(request: &Request, count: usize) -> ResponseTemplate {
    let keys = keys(request);
    let (done, left) = keys.split_at(count.min(keys.len()));
    let item = |key: &Value| {
        let id = key["sk"]["S"].as_str().unwrap().replace('!', "/");
        let document = pawl_documents::write(&declaration(&id).reads("app/db").build());
        json!({ "pk": key["pk"], "sk": key["sk"], "layout": { "N": "1" }, "doc": { "S": document } })
    };
    let items: Vec<_> = done.iter().map(item).collect();
    let undone = if left.is_empty() { json!({}) } else { json!({ "pawl": { "Keys": left } }) };
    ResponseTemplate::new(200)
        .set_body_json(json!({ "Responses": { "pawl": items }, "UnprocessedKeys": undone }))
}
