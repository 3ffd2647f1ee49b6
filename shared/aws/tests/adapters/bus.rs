//! The event bus: what EventBridge did not take is put again, and what is left over is an error.

use crate::adapters::at::{REGION, config, fresh, moto};
use pawl_aws::EventBus;
use pawl_domain::{Kind, Step};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

#[tokio::test]
async fn changes_arrive_where_the_rule_of_the_bus_sends_them() {
    let moto = moto().await;
    let queue = moto.create_queue(REGION, &fresh("events"), &[]).await.unwrap();
    let pattern = json!({ "source": ["pawl.dev"], "detail-type": ["Change"] });
    moto.put_rule_to_queue(&fresh("rule"), &pattern, &queue).await.unwrap();
    let bus = EventBus::new(&config(moto.endpoint()), "default");
    bus.put("Change", &details(12)).await.unwrap();
    let mut arrived = BTreeSet::new();
    while arrived.len() < 12 {
        let messages = moto.receive(&queue, 10, Duration::from_secs(5)).await.unwrap();
        assert!(!messages.is_empty(), "only {arrived:?} arrived");
        for message in messages {
            let event: Value = serde_json::from_str(&message.body).unwrap();
            assert_eq!((&event["source"], &event["detail-type"]), (&json!("pawl.dev"), &json!("Change")));
            arrived.insert(event["detail"]["number"].as_u64().unwrap());
        }
    }
    assert_eq!(arrived, (0..12).collect());
}

#[tokio::test]
async fn no_request_has_more_than_ten_entries() {
    let server = MockServer::start().await;
    puts().respond_with(|request: &Request| answer(request, |_| None)).mount(&server).await;
    EventBus::new(&config(&server.uri()), "pawl").put("Change", &details(25)).await.unwrap();
    let mut sizes: Vec<usize> = received(&server).await.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10]);
    let request = &server.received_requests().await.unwrap()[0];
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let entry = &body["Entries"][0];
    let told = (&entry["EventBusName"], &entry["Source"], &entry["DetailType"]);
    assert_eq!(told, (&json!("pawl"), &json!("pawl.dev"), &json!("Change")));
}

#[tokio::test]
async fn only_what_was_not_taken_is_put_again() {
    let server = MockServer::start().await;
    let some = |number: u64| match number % 3 {
        0 => Some("ThrottlingException"),
        1 => Some("InternalFailure"),
        _ => None,
    };
    puts().respond_with(move |request: &Request| answer(request, some)).up_to_n_times(1).mount(&server).await;
    puts().respond_with(|request: &Request| answer(request, |_| None)).mount(&server).await;
    EventBus::new(&config(&server.uri()), "pawl").put("Change", &details(6)).await.unwrap();
    assert_eq!(received(&server).await, [vec![0, 1, 2, 3, 4, 5], vec![0, 1, 3, 4]]);
}

#[tokio::test]
async fn what_is_throttled_to_the_end_is_an_error_that_may_pass() {
    let server = MockServer::start().await;
    let one = |number| (number == 1).then_some("ThrottlingException");
    puts().respond_with(move |request: &Request| answer(request, one)).mount(&server).await;
    let error = EventBus::new(&config(&server.uri()), "pawl").put("Change", &details(3)).await.unwrap_err();
    assert_eq!(
        (error.step, error.kind, error.is_retryable()),
        (Step::Enqueue, Kind::Throttled, true),
        "{error}"
    );
    assert!(error.message().contains("pawl"), "it names the bus: {error}");
    let requests = received(&server).await;
    assert_eq!(requests[0], [0, 1, 2]);
    assert_eq!(requests[1..], vec![vec![1]; 5], "six attempts, and then no more");
}

#[tokio::test]
async fn what_is_never_taken_is_an_error_and_keeps_nothing_else_back() {
    let server = MockServer::start().await;
    let first = |number| match number {
        1 => Some("MalformedDetail"),
        2 => Some("ThrottlingException"),
        _ => None,
    };
    puts()
        .respond_with(move |request: &Request| answer(request, first))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    puts().respond_with(|request: &Request| answer(request, |_| None)).mount(&server).await;
    let error = EventBus::new(&config(&server.uri()), "pawl").put("Change", &details(12)).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Enqueue, Kind::Invalid), "{error}");
    assert!(error.message().contains("MalformedDetail"), "{error}");
    let told: BTreeSet<u64> = received(&server).await.into_iter().flatten().collect();
    assert_eq!(told, (0..12).collect(), "the others were put");
}

#[tokio::test]
async fn a_whole_request_may_be_refused_or_throttled() {
    for (code, kind, attempts) in
        [("AccessDeniedException", Kind::Denied, 1), ("ThrottlingException", Kind::Throttled, 3)]
    {
        let server = MockServer::start().await;
        let refusal = ResponseTemplate::new(400).set_body_json(json!({ "__type": code, "message": "no" }));
        puts().respond_with(refusal).mount(&server).await;
        let error =
            EventBus::new(&config(&server.uri()), "pawl").put("Change", &details(1)).await.unwrap_err();
        assert_eq!((error.step, error.kind), (Step::Enqueue, kind), "{error}");
        assert_eq!(received(&server).await.len(), attempts, "{code}");
    }
}

#[tokio::test]
async fn an_answer_without_its_results_is_not_taken_for_success() {
    let server = MockServer::start().await;
    let nothing = json!({ "FailedEntryCount": 0, "Entries": [] });
    puts().respond_with(ResponseTemplate::new(200).set_body_json(nothing)).mount(&server).await;
    let error = EventBus::new(&config(&server.uri()), "pawl").put("Change", &details(1)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

fn puts() -> wiremock::MockBuilder {
    Mock::given(header("x-amz-target", "AWSEvents.PutEvents"))
}

fn details(count: u64) -> Vec<String> {
    (0..count).map(|number| json!({ "number": number }).to_string()).collect()
}

fn numbers(request: &Request) -> Vec<u64> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let number = |entry: &Value| {
        let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        detail["number"].as_u64().unwrap()
    };
    body["Entries"].as_array().unwrap().iter().map(number).collect()
}

async fn received(server: &MockServer) -> Vec<Vec<u64>> {
    server.received_requests().await.unwrap().iter().map(numbers).collect()
}

/// Takes every entry but those that `code` has a refusal for.
fn answer(request: &Request, code: impl Fn(u64) -> Option<&'static str>) -> ResponseTemplate {
    let result = |number| match code(number) {
        Some(code) => json!({ "ErrorCode": code, "ErrorMessage": "no" }),
        None => json!({ "EventId": format!("e-{number}") }),
    };
    let results: Vec<Value> = numbers(request).into_iter().map(result).collect();
    let failed = results.iter().filter(|result| result["ErrorCode"].is_string()).count();
    ResponseTemplate::new(200).set_body_json(json!({ "FailedEntryCount": failed, "Entries": results }))
}
