//! What the contract cannot say of the ledger in DynamoDB.

use crate::adapters::at::{config, fresh_table};
use crate::adapters::table::damage;
use aws_sdk_dynamodb::types::AttributeValue;
use pawl_aws::Table;
use pawl_domain::record::{Generated, History, Owed, State};
use pawl_domain::{Kind, Outcome, Record};
use pawl_ports::{Ledger, Revision};
use pawl_world::build::{at, id};
use serde_json::{Value, json};
use wiremock::matchers::header;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

#[tokio::test]
async fn a_record_that_cannot_be_read_counts_as_none() {
    let table = fresh_table().await;
    let id = id("blue/shop/db");
    let failed = Record { state: State::Pending, ..settled() };
    table.put(&id, &failed, None).await.unwrap();
    damage(&table, "record", "layout", AttributeValue::N("2".into())).await;
    assert_eq!(table.entries(std::slice::from_ref(&id)).await.unwrap(), []);
    table.put(&id, &settled(), None).await.unwrap();
    assert_eq!(
        table.unsettled(None, 10).await.unwrap(),
        [],
        "the listing follows the record that replaced it"
    );
    assert_eq!(table.entries(&[id]).await.unwrap()[0].record, settled());
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_no_conflict() {
    let server = MockServer::start().await;
    let puts = || Mock::given(header("x-amz-target", "DynamoDB_20120810.PutItem"));
    // DynamoDB wrote the record and its answer never came; the SDK sends it again and finds its own record.
    puts().respond_with(ResponseTemplate::new(500)).up_to_n_times(1).mount(&server).await;
    let stands = |request: &Request| {
        let sent: Value = serde_json::from_slice(&request.body).unwrap();
        refusal(&sent["Item"])
    };
    puts().respond_with(stands).mount(&server).await;
    let table = Table::new(&config(&server.uri()), "pawl");
    let revision = table.put(&id("blue/shop/db"), &settled(), Some(Revision(7))).await.unwrap();
    assert_eq!(revision, Revision(8));
}

#[tokio::test]
async fn another_writers_record_is_a_conflict() {
    let server = MockServer::start().await;
    let other = json!({ "rev": { "N": "8" }, "unsettled": { "BOOL": false }, "doc": { "S": "{}" } });
    let puts = Mock::given(header("x-amz-target", "DynamoDB_20120810.PutItem"));
    puts.respond_with(refusal(&other)).mount(&server).await;
    let table = Table::new(&config(&server.uri()), "pawl");
    let error = table.put(&id("blue/shop/db"), &settled(), Some(Revision(7))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict, "{error}");
}

fn refusal(item: &Value) -> ResponseTemplate {
    ResponseTemplate::new(400).set_body_json(json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "Message": "The conditional request failed",
        "Item": item,
    }))
}

fn settled() -> Record {
    Record {
        declaration: String::new(),
        versions: vec![],
        digest: None,
        inputs: None,
        target: None,
        at: at(0),
        refreshed: None,
        state: State::Settled(Outcome::Unchanged),
        unsettled_since: None,
        not_before: None,
        drifted: false,
        owed: Owed::default(),
        told: None,
        begun: None,
        history: History::default(),
        generated: Generated::default(),
    }
}
