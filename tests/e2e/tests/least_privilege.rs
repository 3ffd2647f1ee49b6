//! The functions have the rights that they need and no others: what they ask of AWS, beside the policies of the template.
//!
//! moto checks no policy, so that the meter in front of it writes down who asks what. Each function signs with a key of its own.

use pawl_devcluster::{Fault, Rule};
use pawl_e2e::{Functions, REGION, Result, Rights, Stage, events, until};
use pawl_servers::Service;
use serde_json::json;
use std::collections::BTreeSet;

const MANIFESTS: &str = include_str!("../data/rights.yaml");

/// What functions may do and none does in this test, and why they may.
const UNUSED: [(&str, &str); 16] = [
    ("dynamodb:BatchWriteItem", "no declaration here reads so many keys that it is put in steps"),
    ("dynamodb:ConditionCheckItem", "as above"),
    ("dynamodb:UpdateItem", "as above"),
    ("eks:DescribeCluster", "no cluster here is of EKS"),
    ("events:PutEvents", "nobody here waits for receipts"),
    ("kms:Decrypt", "other services ask KMS in the name of the function"),
    ("logs:CreateLogStream", "Lambda writes the log in the name of the function"),
    ("logs:PutLogEvents", "as above"),
    ("s3:GetObject", "no folder of manifests is followed here"),
    ("s3:ListBucket", "as above"),
    ("secretsmanager:BatchGetSecretValue", "fewer keys are wanted at once here than a batch is worth"),
    ("sqs:DeleteMessage", "Lambda takes from the queue in the name of the function"),
    ("sqs:GetQueueAttributes", "as above"),
    ("sqs:ReceiveMessage", "as above"),
    ("xray:PutTelemetryRecords", "nothing is traced here"),
    ("xray:PutTraceSegments", "as above"),
];

#[tokio::test]
async fn functions_ask_what_their_roles_allow_and_no_right_is_for_nothing() -> Result<()> {
    let rights = Rights::of_template()?;
    let stage = Stage::start(&["blue"]).await?;
    let cluster = &stage.clusters()[0];
    cluster.put(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }))?;
    let aws = stage.aws();
    aws.create_secret(REGION, "prod/db", "one").await?;
    aws.create_secret(REGION, "prod/other", "another").await?;
    aws.put_parameter(REGION, "/prod/db", "one").await?;
    aws.put_parameter(REGION, "/prod/other", "another").await?;
    let tag = json!({ "SecretId": "prod/db", "Tags": [{ "Key": "team", "Value": "shop" }] });
    aws.call(REGION, Service::SECRETS_MANAGER, "TagResource", &tag).await?;
    let tag = json!({ "ResourceType": "Parameter", "ResourceId": "/prod/db", "Tags": [{ "Key": "team", "Value": "shop" }] });
    aws.call(REGION, Service::SSM, "AddTagsToResource", &tag).await?;
    let functions = Functions::deploy(&stage).await?;
    let clusters = std::fs::read_to_string(stage.path("clusters.yaml")).unwrap_or_default();
    functions.declare(&stage, &clusters).await?;

    let indexed = functions.index(MANIFESTS, &["blue"]).await?;
    assert_eq!((&indexed["changed"], &indexed["failed"]), (&json!(5), &json!([])), "{indexed}");
    let holds = |secret: &str, key: &str, value: &str| {
        cluster.secret_value("shop", secret, key).as_deref() == Some(value.as_bytes())
    };
    let all = [
        ("secrets", "value"),
        ("tagged", "prod-db"),
        ("by-role", "value"),
        ("parameters", "value"),
        ("found-parameters", "-prod-db"),
    ];
    until("the first writing", async || {
        all.iter().all(|(secret, key)| holds(secret, key, "one")).then_some(())
    })
    .await?;
    functions.idle(&stage).await?;

    // An event, of which a write fails once, so that it becomes a job; and what nobody told, which the sweep finds.
    let version = aws.put_secret_value(REGION, "prod/db", "two").await?;
    cluster.faults().add(Rule::new(Fault::unavailable()).method("PATCH").times(8));
    aws.put_events(REGION, &[events::label_updated(REGION, "prod/db", &version)]).await?;
    until("the writing after the event", async || holds("secrets", "value", "two").then_some(())).await?;
    assert!(functions.to_deliver.invocations() > 0, "no job was made");
    functions.idle(&stage).await?;
    aws.put_secret_value(REGION, "prod/db", "three").await?;
    aws.put_parameter(REGION, "/prod/db", "three").await?;
    let swept = functions.lambda.invoke("sweep", &json!({ "all": true })).await?;
    assert_eq!(swept["failed"], 0, "{swept}");
    until("what the sweep writes", async || {
        all.iter().all(|(secret, key)| holds(secret, key, "three")).then_some(())
    })
    .await?;
    let nothing =
        json!({ "manifests": "", "set": "default", "clusters": ["blue"], "prune": true, "pruneMost": true });
    let removed = functions.lambda.invoke("index", &nothing).await?;
    assert_eq!(removed["removed"], 5, "{removed}");
    functions.idle(&stage).await?;

    let asked = stage.meter().asked();
    assert_eq!(rights.denied(&asked), [""; 0]);
    let unused = rights.unused(&["sync", "deliver", "sweep", "index"], &asked);
    let known: BTreeSet<String> = UNUSED.iter().map(|(action, _)| (*action).to_owned()).collect();
    assert_eq!(unused, known, "rights that nobody used, and those that a reason is given for");
    Ok(())
}
