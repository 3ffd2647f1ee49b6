//! The function `intake` as it is deployed: its token comes from Secrets Manager, and what it lets in arrives on the bus.

use pawl_e2e::examples::password;
use pawl_e2e::{REGION, Result, Stage, binary, shows, until};
use pawl_servers::LambdaEmulator;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn what_event_grid_shows_the_token_for_arrives_on_the_bus() -> Result<()> {
    let stage = Stage::start(&[]).await?;
    let (aws, token) = (stage.aws(), password());
    let secret = aws.create_secret(REGION, "pawl/event-grid", &token).await?;
    let queue = aws.create_queue(REGION, "events", &[]).await?;
    let pattern = json!({ "source": ["pawl.dev"], "detail-type": ["Change"] });
    aws.put_rule_to_queue("changes", &pattern, &queue).await?;
    let mut environment = stage.environment();
    for (name, value) in [
        ("PAWL_BUS", "default"),
        ("PAWL_AZURE_EVENT_TOKEN_SECRET", &secret.arn),
        ("PAWL_OWN_SECRETS_ROLE", ""),
        // Nobody pushes as long as nobody is named, as in the template.
        ("PAWL_PUBSUB_AUDIENCE", ""),
        ("PAWL_PUBSUB_ACCOUNT", ""),
    ] {
        environment.push((name.to_owned(), value.to_owned()));
    }
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    let lambda = LambdaEmulator::start(&[("intake", binary("pawl-intake")?)], &environment).await?;

    let event = include_str!("../../../events/azure/secret-new-version.json");
    let wrong = password();
    for (path, shown, body, want) in [
        ("/v1/azure/events", &wrong, event, 401),
        ("/v1/google/pubsub", &token, event, 404),
        ("/v1/azure/events", &token, "[", 400),
        ("/v1/azure/events", &token, event, 200),
    ] {
        let answer = lambda.invoke("intake", &request(path, shown, body)).await?;
        assert_eq!(answer["statusCode"], want, "{path}: {answer}");
    }
    let arrived = async || aws.receive(&queue, 10, Duration::ZERO).await.ok().filter(|told| !told.is_empty());
    let (arrived, _) = until("the arrival of the change", arrived).await?;
    let told: Vec<Value> = arrived.iter().filter_map(|told| serde_json::from_str(&told.body).ok()).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["detail"]["provider"], "azurekv", "{told:?}");

    let log = lambda.log("intake");
    assert!(log.contains("event dropped"), "the log was not found: {log}");
    assert!(!shows(&log, &token) && !shows(&log, &wrong), "a token is in the log");
    Ok(())
}

/// A request as a function URL hands it over.
fn request(path: &str, token: &str, body: &str) -> Value {
    json!({
        "version": "2.0", "rawPath": path, "headers": { "x-pawl-token": token }, "body": body,
        "isBase64Encoded": false, "requestContext": { "http": { "method": "POST", "path": path } },
    })
}
