//! What becomes of messages: nothing is lost, nothing comes back that was done.

use crate::adapters::at::{REGION, config, fresh, moto};
use pawl_aws::{Queue, SqsJobs};
use pawl_domain::{Kind, Step};
use pawl_ports::{Job, Jobs as _};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

#[tokio::test]
async fn a_message_comes_again_until_it_is_deleted() {
    let moto = moto().await;
    let created = moto.create_queue(REGION, &fresh("events"), &[("VisibilityTimeout", "600")]).await.unwrap();
    let queue = Queue::new(&config(moto.endpoint()), &created.url);
    let id = moto.send_message(&created, "hello").await.unwrap();

    let first = receive_one(&queue).await;
    assert_eq!((first.id.as_str(), first.body.as_str(), first.receive_count), (id.as_str(), "hello", 1));
    assert_eq!(queue.receive(10, Duration::ZERO).await.unwrap(), [], "it is invisible while somebody has it");

    queue.release(&first.receipt, Duration::ZERO).await.unwrap();
    let second = receive_one(&queue).await;
    assert_eq!((second.id.as_str(), second.receive_count), (id.as_str(), 2));

    queue.delete(&second.receipt).await.unwrap();
    assert_eq!(moto.queue_depth(&created).await.unwrap(), 0, "what is deleted is gone");
}

#[tokio::test]
async fn a_dropped_receive_loses_nothing() {
    let moto = moto().await;
    let created = moto.create_queue(REGION, &fresh("events"), &[("VisibilityTimeout", "1")]).await.unwrap();
    let queue = Queue::new(&config(moto.endpoint()), &created.url);
    moto.send_message(&created, "hello").await.unwrap();
    // Polled once, the request is on its way or not; then nobody waits for it any more.
    let dropped = tokio::time::timeout(Duration::from_millis(1), queue.receive(10, Duration::ZERO)).await;
    drop(dropped);
    assert_eq!(receive_one(&queue).await.body, "hello");
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_not_found() {
    let endpoint = moto().await.endpoint();
    let queue = Queue::new(&config(endpoint), &format!("{endpoint}/123456789012/missing"));
    let error = queue.receive(1, Duration::ZERO).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Lookup, Kind::NotFound), "{error}");
    assert!(error.message().contains("missing"), "{error}");
}

#[tokio::test]
async fn jobs_that_sqs_did_not_take_are_sent_again() {
    let server = MockServer::start().await;
    // The first request: all but every third entry. Later ones: all.
    let takes_most = |request: &Request| {
        let entries = ids(request);
        let (refused, taken): (Vec<_>, Vec<_>) =
            entries.iter().enumerate().partition(|(index, _)| index % 3 == 0);
        let taken: Vec<_> = taken.iter().map(|(_, id)| sent(id)).collect();
        let refused: Vec<_> = refused
            .iter()
            .map(|(_, id)| json!({ "Id": id, "SenderFault": false, "Code": "InternalError" }))
            .collect();
        ResponseTemplate::new(200).set_body_json(json!({ "Successful": taken, "Failed": refused }))
    };
    let takes_all = |request: &Request| {
        let taken: Vec<_> = ids(request).iter().map(|id| sent(id)).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "Successful": taken }))
    };
    let sends = || Mock::given(header("x-amz-target", "AmazonSQS.SendMessageBatch"));
    sends().respond_with(takes_most).up_to_n_times(1).mount(&server).await;
    sends().respond_with(takes_all).mount(&server).await;

    let jobs: Vec<Job> = (0..10).map(job).collect();
    SqsJobs::new(queue_at(&server)).enqueue(&jobs).await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let bodies: Vec<Vec<Job>> = requests.iter().map(bodies).collect();
    assert_eq!(bodies[0], jobs);
    assert_eq!(bodies[1], [0, 3, 6, 9].map(job), "only what was not taken is sent again");
    assert_eq!(bodies.len(), 2);
}

#[tokio::test]
async fn each_job_says_whose_it_is_so_that_the_queue_is_fair() {
    let server = MockServer::start().await;
    let takes_all = |request: &Request| {
        let taken: Vec<_> = ids(request).iter().map(|id| sent(id)).collect();
        ResponseTemplate::new(200).set_body_json(json!({ "Successful": taken }))
    };
    Mock::given(header("x-amz-target", "AmazonSQS.SendMessageBatch"))
        .respond_with(takes_all)
        .mount(&server)
        .await;
    let at = "2026-11-22T10:00:00Z".parse().unwrap();
    let of = |namespace: &str, count: usize| -> Vec<pawl_domain::DeclarationId> {
        (0..count).map(|index| format!("blue/{namespace}/d{index}").parse().unwrap()).collect()
    };
    let work = [of("evil", 300), of("shop", 2), of("till", 1)].concat();
    SqsJobs::new(queue_at(&server)).enqueue(&Job::chunks(&work, None, at)).await.unwrap();
    let sent = entries(&server.received_requests().await.unwrap()[0]);
    let groups: Vec<_> = sent.iter().map(|entry| entry["MessageGroupId"].as_str()).collect();
    assert_eq!(groups, [None, Some("evil/blue"), Some("evil/blue")], "what is of several is of nobody");
}

#[tokio::test]
async fn jobs_that_sqs_will_never_take_are_an_error() {
    let server = MockServer::start().await;
    let refuses = |request: &Request| {
        let refused: Vec<_> = ids(request)
            .iter()
            .map(|id| json!({ "Id": id, "SenderFault": true, "Code": "InvalidMessageContents" }))
            .collect();
        ResponseTemplate::new(200).set_body_json(json!({ "Successful": [], "Failed": refused }))
    };
    Mock::given(header("x-amz-target", "AmazonSQS.SendMessageBatch"))
        .respond_with(refuses)
        .mount(&server)
        .await;
    let error = SqsJobs::new(queue_at(&server)).enqueue(&[job(1)]).await.unwrap_err();
    assert_eq!((error.step, error.kind), (Step::Enqueue, Kind::Invalid), "{error}");
    assert!(error.message().contains("InvalidMessageContents"), "{error}");
}

async fn receive_one(queue: &Queue) -> pawl_aws::queue::Message {
    for _ in 0..10 {
        if let Some(message) = queue.receive(1, Duration::from_secs(2)).await.unwrap().pop() {
            return message;
        }
    }
    panic!("no message came");
}

fn queue_at(server: &MockServer) -> Queue {
    Queue::new(&config(&server.uri()), &format!("{}/123456789012/jobs", server.uri()))
}

fn job(index: usize) -> Job {
    let declarations = vec![format!("blue/shop/d{index}").parse().unwrap()];
    Job { declarations, change: None, at: "2026-11-22T10:00:00Z".parse().unwrap() }
}

fn entries(request: &Request) -> Vec<Value> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["Entries"].as_array().unwrap().clone()
}

fn ids(request: &Request) -> Vec<String> {
    entries(request).iter().map(|entry| entry["Id"].as_str().unwrap().to_owned()).collect()
}

fn bodies(request: &Request) -> Vec<Job> {
    let body = |entry: &Value| Job::from_wire(entry["MessageBody"].as_str().unwrap()).unwrap();
    entries(request).iter().map(body).collect()
}

fn sent(id: &str) -> Value {
    json!({ "Id": id, "MessageId": format!("m-{id}"), "MD5OfMessageBody": "00000000000000000000000000000000" })
}
