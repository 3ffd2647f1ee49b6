//! The ports' contract suites on moto, and on another DynamoDB where one is named.

use crate::adapters::at::{REGION, config, fresh, fresh_table, fresh_table_elsewhere, moto};
use crate::adapters::table::items;
use aws_sdk_dynamodb::types::AttributeValue;
use pawl_aws::{Queue, SqsJobs, Table};
use pawl_ports::{DocumentKind, Job};
use pawl_world::contract;
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};

#[tokio::test]
async fn the_table_is_a_registry() {
    contract::registry::suite(fresh_table).await;
}

#[tokio::test]
async fn the_table_is_a_ledger() {
    contract::ledger::suite(fresh_table).await;
}

#[tokio::test]
async fn the_table_keeps_push_secrets() {
    contract::pushes::suite(fresh_table).await;
    contract::pushes::damaged(&fresh_table().await, async |table, id, record| {
        let id = id.to_string().replace('/', "!");
        let (pk, sk) = if record {
            (format!("push-record#{id}"), "record".to_owned())
        } else {
            ("pushes".to_owned(), id)
        };
        let is_meant = |key: &HashMap<String, AttributeValue>| {
            key["pk"].as_s().unwrap() == &pk && key["sk"].as_s().unwrap() == &sk
        };
        damage(table, |text| text.replacen('{', "[", 1), is_meant).await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_read_hurts_nobody() {
    damaged_documents(fresh_table).await;
}

#[tokio::test]
#[ignore = "PAWL_TEST_DYNAMODB_ENDPOINT must name a DynamoDB beside moto"]
async fn the_table_is_a_registry_elsewhere() {
    contract::registry::suite(fresh_table_elsewhere).await;
}

#[tokio::test]
#[ignore = "PAWL_TEST_DYNAMODB_ENDPOINT must name a DynamoDB beside moto"]
async fn the_table_is_a_ledger_elsewhere() {
    contract::ledger::suite(fresh_table_elsewhere).await;
}

#[tokio::test]
#[ignore = "PAWL_TEST_DYNAMODB_ENDPOINT must name a DynamoDB beside moto"]
async fn what_cannot_be_read_hurts_nobody_elsewhere() {
    damaged_documents(fresh_table_elsewhere).await;
}

async fn damaged_documents(make: impl AsyncFn() -> Table) {
    contract::damaged::registry(&make, async |table, kind, id, turn| {
        let sk = match kind {
            DocumentKind::Cluster | DocumentKind::Pattern | DocumentKind::Policy => id.to_owned(),
            DocumentKind::Declaration => id.replace('/', "!"),
            // The stores of the suite are applied and belong to no namespace.
            DocumentKind::Store => id.replace("ClusterSecretStore ", "!!"),
            DocumentKind::Push | DocumentKind::PushRecord | DocumentKind::Record => {
                unreachable!("a registry has none")
            }
        };
        damage(table, turn, |key| key["sk"].as_s().unwrap() == &sk).await;
    })
    .await;
    contract::damaged::ledger(&make, async |table, id, turn| {
        let pk = format!("record#{}", id.to_string().replace('/', "!"));
        damage(table, turn, |key| key["pk"].as_s().unwrap() == &pk).await;
    })
    .await;
}

#[tokio::test]
async fn a_table_of_an_earlier_version_is_read_on() {
    let table = fresh_table().await;
    let lines = std::fs::read_to_string(contract::earlier::fixtures().join("dynamodb.jsonl")).unwrap();
    for line in lines.lines() {
        let item: HashMap<String, Value> = serde_json::from_str(line).unwrap();
        let item = item.into_iter().map(|(name, value)| (name, attribute(&value))).collect();
        table.client().put_item().table_name(table.name()).set_item(Some(item)).send().await.unwrap();
    }
    contract::earlier::version_zero(&table).await;
}

/// An attribute as DynamoDB's own JSON has it.
fn attribute(value: &Value) -> AttributeValue {
    let texts = |value: &Value| {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    match value.as_object().unwrap().iter().next().unwrap() {
        (kind, Value::String(text)) if kind == "S" => AttributeValue::S(text.clone()),
        (kind, Value::String(text)) if kind == "N" => AttributeValue::N(text.clone()),
        (kind, Value::Bool(on)) if kind == "BOOL" => AttributeValue::Bool(*on),
        (kind, set) if kind == "SS" => AttributeValue::Ss(texts(set)),
        (kind, _) => panic!("the fixture has no {kind}"),
    }
}

/// Replaces the document of the one item of which this is true by what the function makes of it.
async fn damage(
    table: &Table,
    turn: fn(&str) -> String,
    is_meant: impl Fn(&HashMap<String, AttributeValue>) -> bool,
) {
    let meant: Vec<_> =
        items(table).await.into_iter().filter(|item| item.contains_key("doc") && is_meant(item)).collect();
    let [item] = &meant[..] else { panic!("{} items are meant", meant.len()) };
    let mut item = item.clone();
    let text = turn(item["doc"].as_s().unwrap());
    item.insert("doc".to_owned(), AttributeValue::S(text));
    table.client().put_item().table_name(table.name()).set_item(Some(item)).send().await.unwrap();
}

#[tokio::test]
async fn the_queue_takes_jobs() {
    contract::jobs::suite(async || Jobs::new().await, Jobs::receive).await;
}

/// A queue from both ends.
struct Jobs {
    queue: Queue,
    jobs: SqsJobs,
}

impl Jobs {
    async fn new() -> Self {
        let moto = moto().await;
        let created = moto.create_queue(REGION, &fresh("jobs"), &[]).await.unwrap();
        let queue = Queue::new(&config(moto.endpoint()), &created.url);
        Self { jobs: SqsJobs::new(queue.clone()), queue }
    }

    async fn receive(&self, count: usize) -> Vec<Job> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut jobs = Vec::new();
        while jobs.len() < count && Instant::now() < deadline {
            for message in self.queue.receive(Queue::MOST_MESSAGES, Duration::from_secs(1)).await.unwrap() {
                jobs.push(Job::from_wire(&message.body).unwrap());
                self.queue.delete(&message.receipt).await.unwrap();
            }
        }
        jobs
    }
}

impl pawl_ports::Jobs for Jobs {
    async fn enqueue(&self, jobs: &[Job]) -> Result<(), pawl_ports::Error> {
        self.jobs.enqueue(jobs).await
    }
}
