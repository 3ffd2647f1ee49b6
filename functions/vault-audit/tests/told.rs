//! What each sender is told, and what arrives on the bus.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::Timestamp;
use pawl_domain::SecretValue;
use pawl_runtime::{EventBus, config};
use pawl_vault_audit::{Site, handle};
use serde_json::{Value, json};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const TOKEN: &str = "0123456789abcdef";
const CONTROL: &str = r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL MESSAGE"}]}"#;

#[tokio::test]
async fn a_batch_of_cloudwatch_logs_becomes_changes_on_the_bus() {
    let bus = Bus::taking().await;
    let site = bus.site();
    handle(&site, logs(&[1, 2, 2]), now()).await.unwrap();
    assert_eq!(bus.told().await, [ids(&[1, 2])]);
    let change = &bus.details().await[0];
    assert_eq!(change["kind"], "Change");
    assert_eq!(change["keys"], json!(["secret/app/db"]));
    assert_eq!(change["version"], "3");
    handle(&site, packed(CONTROL), now()).await.unwrap();
    assert_eq!(bus.told().await.len(), 1, "a test of the destination tells nothing");
}

#[tokio::test]
async fn cloudwatch_logs_sends_again_what_did_not_reach_the_bus() {
    let bus = Bus::refusing_once().await;
    let site = bus.site();
    handle(&site, logs(&[1, 2]), now()).await.unwrap_err();
    handle(&site, logs(&[1, 2]), now()).await.unwrap();
    assert_eq!(bus.told().await, [ids(&[1, 2]), ids(&[1, 2])], "nothing was taken for told");
    handle(&site, logs(&[1, 2]), now()).await.unwrap();
    assert_eq!(bus.told().await.len(), 2, "now it was told");
}

#[tokio::test]
async fn of_a_batch_of_messages_those_with_changes_come_again() {
    let read = record(9).replace("update", "read");
    let sqs = json!({ "Records": [
        { "messageId": "a", "eventSource": "aws:sqs", "body": read },
        { "messageId": "b", "eventSource": "aws:sqs", "body": format!("{}\n{}", record(1), record(2)) },
        { "messageId": "c", "eventSource": "aws:sqs", "body": "[" },
        { "messageId": "d", "eventSource": "aws:sqs", "body": record(3) },
    ]});
    let data = |text: &str| base64(text.as_bytes());
    let kinesis = json!({ "Records": [
        { "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "a", "data": data(&read) } },
        { "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "b", "data": data(&(record(1) + "\n" + &record(2))) } },
        { "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "c", "data": "%" } },
        { "eventSource": "aws:kinesis", "kinesis": { "sequenceNumber": "d", "data": data(&record(3)) } },
    ]});
    for event in [sqs, kinesis] {
        let bus = Bus::refusing_once().await;
        let site = bus.site();
        let failures = json!([{ "itemIdentifier": "b" }, { "itemIdentifier": "d" }]);
        let answer = handle(&site, event.clone(), now()).await.unwrap();
        assert_eq!(answer["batchItemFailures"], failures);
        let answer = handle(&site, event, now()).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
        assert_eq!(bus.told().await, [ids(&[1, 2, 3]), ids(&[1, 2, 3])]);
    }
}

#[tokio::test]
async fn requests_are_let_in_by_token_and_answered() {
    let bus = Bus::taking().await;
    let site = bus.site();
    let good = json!({ "X-Pawl-Token": TOKEN });
    let lines = format!("{}\n{}\nnonsense\n", record(1), record(2));
    for (headers, body, encoded, want) in [
        (json!({}), record(1), false, 401),
        (json!({ "x-pawl-token": "0123456789abcdeF" }), record(1), false, 401),
        (good.clone(), "nonsense".to_owned(), false, 400),
        (good.clone(), "[".to_owned(), false, 400),
        (good.clone(), "%".to_owned(), true, 400),
        (good.clone(), String::new(), false, 200),
        (good.clone(), base64(lines.as_bytes()), true, 200),
    ] {
        let answer = handle(&site, request(&headers, &body, encoded), now()).await.unwrap();
        assert_eq!(answer["statusCode"], want, "{headers} {body} {answer}");
    }
    assert_eq!(bus.told().await, [ids(&[1, 2])]);

    let closed = Site::new(bus.bus(), &config::Audit::default());
    let answer = handle(&closed, request(&good, &record(3), false), now()).await.unwrap();
    assert_eq!(answer["statusCode"], 401, "without token and key nobody is let in");
}

#[tokio::test]
async fn who_proved_to_iam_who_it_is_needs_no_token() {
    let bus = Bus::taking().await;
    let mut event = request(&json!({}), &record(1), false);
    for (iam, by_iam, want) in [(false, true, 401), (true, false, 401), (true, true, 200)] {
        let site = Site::new(bus.bus(), &config::Audit { iam, ..config::Audit::default() });
        let caller = json!({ "iam": { "accountId": "123456789012", "callerId": "AIDA" } });
        event["requestContext"]["authorizer"] = if by_iam { caller } else { json!({ "lambda": {} }) };
        let answer = handle(&site, event.clone(), now()).await.unwrap();
        assert_eq!(answer["statusCode"], want, "{iam} {by_iam} {answer}");
    }
    assert_eq!(bus.told().await, [ids(&[1])]);
}

#[tokio::test]
async fn a_request_that_did_not_reach_the_bus_is_to_be_sent_again() {
    let bus = Bus::refusing_once().await;
    let site = bus.site();
    let event = request(&json!({ "x-pawl-token": TOKEN }), &record(1), false);
    for want in [503, 200] {
        let answer = handle(&site, event.clone(), now()).await.unwrap();
        assert_eq!(answer["statusCode"], want, "{answer}");
    }
    assert_eq!(bus.told().await, [ids(&[1]), ids(&[1])]);
}

#[tokio::test]
async fn an_event_of_nobody_known_is_an_error() {
    let bus = Bus::taking().await;
    for event in [json!({}), json!(null), json!({ "Records": [{}] }), json!({ "detail": {} })] {
        handle(&bus.site(), event.clone(), now()).await.unwrap_err();
    }
    assert!(bus.told().await.is_empty());
}

struct Bus(MockServer);

impl Bus {
    async fn taking() -> Self {
        let server = MockServer::start().await;
        let takes = |request: &Request| {
            let taken: Vec<_> = details(request).iter().map(|_| json!({ "EventId": "e" })).collect();
            ResponseTemplate::new(200).set_body_json(json!({ "FailedEntryCount": 0, "Entries": taken }))
        };
        Mock::given(method("POST")).respond_with(takes).mount(&server).await;
        Self(server)
    }

    /// The first request may not put events; later ones may.
    async fn refusing_once() -> Self {
        let bus = Self::taking().await;
        let refusal = json!({ "__type": "AccessDeniedException", "message": "no" });
        let refusal = ResponseTemplate::new(400).set_body_json(refusal);
        Mock::given(method("POST"))
            .respond_with(refusal)
            .up_to_n_times(1)
            .with_priority(1)
            .mount(&bus.0)
            .await;
        bus
    }

    fn bus(&self) -> EventBus {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-central-1"))
            .endpoint_url(self.0.uri())
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .build();
        EventBus::new(&config, "pawl")
    }

    fn site(&self) -> Site {
        let token = Some(SecretValue::new(TOKEN));
        Site::new(self.bus(), &config::Audit { token, ..config::Audit::default() })
    }

    /// The ids of the changes of each request.
    async fn told(&self) -> Vec<Vec<String>> {
        let ids = |request: &Request| {
            details(request).iter().map(|detail| detail["id"].as_str().unwrap().to_owned()).collect()
        };
        self.0.received_requests().await.unwrap().iter().map(ids).collect()
    }

    async fn details(&self) -> Vec<Value> {
        self.0.received_requests().await.unwrap().iter().flat_map(details).collect()
    }
}

fn details(request: &Request) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let detail = |entry: &Value| serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    body["Entries"].as_array().unwrap().iter().map(detail).collect()
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn ids(numbers: &[u32]) -> Vec<String> {
    numbers.iter().copied().map(id).collect()
}

fn record(number: u32) -> String {
    json!({
        "time": "2026-11-22T10:00:00Z", "type": "response",
        "request": {
            "id": id(number), "operation": "update", "mount_point": "secret/", "mount_type": "kv",
            "mount_class": "secret", "namespace": { "id": "root" }, "path": "secret/data/app/db",
        },
        "response": { "mount_type": "kv", "data": { "version": 3 } },
    })
    .to_string()
}

fn logs(numbers: &[u32]) -> Value {
    let events: Vec<Value> = numbers.iter().map(|number| json!({ "message": record(*number) })).collect();
    packed(&json!({ "messageType": "DATA_MESSAGE", "logEvents": events }).to_string())
}

/// As Lambda is called by a subscription, but for the compression, which the parser's own tests see to.
fn packed(batch: &str) -> Value {
    json!({ "awslogs": { "data": base64(batch.as_bytes()) } })
}

fn request(headers: &Value, body: &str, encoded: bool) -> Value {
    json!({
        "version": "2.0", "rawPath": "/", "headers": headers, "body": body, "isBase64Encoded": encoded,
        "requestContext": { "http": { "method": "POST", "path": "/" } },
    })
}

fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}
