use super::{
    aws::{Aws, Service},
    queues::Queue,
};
use crate::{Error, Result};
use serde_json::{Value, json};

impl Aws {
    /// PutRule and PutTargets: events on the default bus of `queue`'s region that match `pattern` go to the queue.
    ///
    /// # Errors
    /// [`Error::Refused`] when the pattern is not one.
    pub async fn put_rule_to_queue(&self, rule: &str, pattern: &Value, queue: &Queue) -> Result<()> {
        let body = json!({ "Name": rule, "EventPattern": pattern.to_string(), "State": "ENABLED" });
        self.call(&queue.region, Service::EVENTS, "PutRule", &body).await?;
        let body = json!({ "Rule": rule, "Targets": [{ "Id": "queue", "Arn": queue.arn }] });
        let answer = self.call(&queue.region, Service::EVENTS, "PutTargets", &body).await?;
        none_failed("PutTargets", answer)
    }

    /// PutEvents on the default bus, each event given whole, as EventBridge delivers it and as the samples in `events/` have it.
    ///
    /// moto, unlike AWS, takes sources that begin with `aws.`. What it delivers has an id of its own and lacks `account`.
    ///
    /// # Errors
    /// [`Error::Refused`] when an event is not taken.
    pub async fn put_events(&self, region: &str, events: &[Value]) -> Result<()> {
        let entries: Vec<Value> = events.iter().map(entry).collect();
        let answer = self.call(region, Service::EVENTS, "PutEvents", &json!({ "Entries": entries })).await?;
        none_failed("PutEvents", answer)
    }
}

fn entry(event: &Value) -> Value {
    let mut entry = json!({ "Source": event["source"], "DetailType": event["detail-type"], "Detail": event["detail"].to_string() });
    if event["resources"].is_array() {
        entry["Resources"] = event["resources"].clone();
    }
    entry
}

/// Both calls answer 200 even when nothing was taken.
fn none_failed(call: &str, answer: Value) -> Result<()> {
    match answer["FailedEntryCount"].as_u64() {
        Some(0) => Ok(()),
        _ => Err(Error::Refused { call: call.to_owned(), status: 200, body: answer.to_string() }),
    }
}
