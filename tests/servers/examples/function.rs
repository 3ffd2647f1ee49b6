//! A Lambda function for the emulator's own test. It answers with what it was invoked with, and on demand fails, dies, or reports
//! the messages of its batch whose body is `bad`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let event = event.payload;
    if let Some(records) = event["Records"].as_array() {
        let bad = records.iter().filter(|record| record["body"] == "bad");
        let failures: Vec<_> = bad.map(|record| json!({ "itemIdentifier": record["messageId"] })).collect();
        return Ok(json!({ "batchItemFailures": failures }));
    }
    match event["do"].as_str() {
        Some("fail") => Err("told to fail".into()),
        Some("die") => std::process::exit(7),
        _ => Ok(event),
    }
}
