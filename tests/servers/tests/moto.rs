//! moto answers the calls that tests make in AWS's place, as AWS would.

use pawl_servers::{Error, Moto, Service};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn secrets_have_versions_and_regions() {
    let moto = Moto::start().await.unwrap();
    let first = moto.create_secret("eu-west-1", "prod/db", "one").await.unwrap();
    assert!(
        first.arn.starts_with("arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-"),
        "{}",
        first.arn
    );

    let second = moto.put_secret_value("eu-west-1", &first.arn, "two").await.unwrap();
    assert_eq!(second.arn, first.arn);
    assert_ne!(second.version, first.version);
    let third = moto.update_secret("eu-west-1", "prod/db", "three").await.unwrap();
    moto.stage_secret_value("eu-west-1", "prod/db", "four", &["AWSPENDING"]).await.unwrap();
    assert_eq!(moto.secret_value("eu-west-1", "prod/db").await.unwrap(), "three");

    let described = moto
        .call("eu-west-1", Service::SECRETS_MANAGER, "DescribeSecret", &json!({ "SecretId": "prod/db" }))
        .await
        .unwrap();
    let stages = &described["VersionIdsToStages"];
    assert_eq!(
        [&stages[&third.version], &stages[&second.version]],
        [&json!(["AWSCURRENT"]), &json!(["AWSPREVIOUS"])]
    );

    let elsewhere = moto.secret_value("us-east-1", "prod/db").await.unwrap_err();
    assert!(
        matches!(&elsewhere, Error::Refused { status: 404 | 400, body, .. } if body.contains("ResourceNotFoundException")),
        "{elsewhere}"
    );

    moto.delete_secret("eu-west-1", "prod/db", true).await.unwrap();
    moto.secret_value("eu-west-1", "prod/db").await.unwrap_err();
}

#[tokio::test]
async fn parameters_count_their_versions_until_a_reset() {
    let moto = Moto::start().await.unwrap();
    assert_eq!(moto.put_parameter("us-east-1", "/prod/db", "one").await.unwrap(), 1);
    assert_eq!(moto.put_parameter("us-east-1", "/prod/db", "two").await.unwrap(), 2);
    moto.delete_parameter("us-east-1", "/prod/db").await.unwrap();
    moto.put_parameter("us-east-1", "/prod/db", "three").await.unwrap();
    moto.reset().await.unwrap();
    moto.delete_parameter("us-east-1", "/prod/db").await.unwrap_err();
}

#[tokio::test]
async fn an_event_goes_through_a_rule_into_a_queue() {
    let moto = Moto::start().await.unwrap();
    let queue = moto.create_queue("us-east-1", "events", &[("VisibilityTimeout", "30")]).await.unwrap();
    assert_eq!(queue.url, format!("{}/{}/events", moto.endpoint(), Moto::ACCOUNT));
    moto.put_rule_to_queue("secrets", &json!({ "source": ["aws.secretsmanager"] }), &queue).await.unwrap();

    let event = json!({
        "source": "aws.secretsmanager",
        "detail-type": "Secret Label Updated",
        "resources": ["arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-a1b2c3"],
        "detail": { "name": "prod/db", "labelUpdated": "AWSCURRENT", "versionId": "v2" },
    });
    let other = json!({ "source": "aws.ssm", "detail-type": "Parameter Store Change", "detail": {} });
    moto.put_events("us-east-1", &[other, event.clone()]).await.unwrap();

    let messages = moto.receive(&queue, 10, Duration::from_secs(5)).await.unwrap();
    let [message] = &messages[..] else { panic!("one message, not {}", messages.len()) };
    let delivered: Value = serde_json::from_str(&message.body).unwrap();
    for field in ["source", "detail-type", "resources", "detail"] {
        assert_eq!(delivered[field], event[field], "{field}");
    }
    assert_eq!(message.attributes["ApproximateReceiveCount"], "1");
    assert_eq!(moto.queue_depth(&queue).await.unwrap(), 1);
    moto.delete_message(&queue, &message.receipt_handle).await.unwrap();
    assert_eq!(moto.queue_depth(&queue).await.unwrap(), 0);
}
