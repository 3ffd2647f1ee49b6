//! Pub/Sub, as far as one pull subscription is read.
//!
//! Source: Google's API reference of `projects.subscriptions`, version 1. A pull is answered at once, also where there is
//! nothing: how long Pub/Sub waits it does not promise.

use super::{Asked, failure};
use crate::rest::{Answer, json_answer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// The messages of the subscription, in the order in which they were published.
#[derive(Debug, Default)]
pub(super) struct Subscription {
    messages: Vec<Message>,
    published: u64,
    deliveries: u64,
    /// Whether deliveries are counted, as with a dead-letter policy.
    pub(super) counts: bool,
    /// What holds and postponements were asked for, in seconds.
    pub(super) deadlines: Vec<u64>,
}

#[derive(Debug)]
struct Message {
    attributes: Map<String, Value>,
    data: Vec<u8>,
    number: u64,
    /// How often it was delivered.
    deliveries: u64,
    /// Names its last delivery, while that is neither acknowledged nor over.
    receipt: Option<String>,
}

impl Subscription {
    pub(super) fn publish(&mut self, attributes: &[(&str, &str)], data: &[u8]) {
        self.published += 1;
        let attributes = attributes.iter().map(|&(name, value)| (name.to_owned(), json!(value))).collect();
        let (data, number) = (data.to_vec(), self.published);
        self.messages.push(Message { attributes, data, number, deliveries: 0, receipt: None });
    }

    pub(super) fn end_deadlines(&mut self) {
        for message in &mut self.messages {
            message.receipt = None;
        }
    }

    pub(super) fn left(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn answer(&mut self, asked: &Asked) -> Answer {
        let place = asked.path.strip_prefix(&format!("/v1/{}:", super::SUBSCRIPTION));
        let Some(method) = place else {
            return failure(404, "NOT_FOUND", "Resource not found (resource=pawl).");
        };
        let sent: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        match method {
            "pull" => self.pull(&sent),
            "acknowledge" => match receipts(&sent) {
                Some(receipts) => {
                    self.messages.retain(|message| !message.is_held_by(&receipts));
                    json_answer(200, &json!({}))
                }
                None => lacking("ack_ids"),
            },
            "modifyAckDeadline" => self.modify(&sent),
            _ => super::page(),
        }
    }

    fn pull(&mut self, sent: &Value) -> Answer {
        let Some(most) = sent["maxMessages"].as_u64().filter(|&most| most > 0) else {
            return lacking("max_messages");
        };
        let (counts, mut received) = (self.counts, Vec::new());
        let free = self.messages.iter_mut().filter(|message| message.receipt.is_none());
        for message in free.take(usize::try_from(most).unwrap_or(usize::MAX)) {
            self.deliveries += 1;
            message.deliveries += 1;
            message.receipt = Some(format!("ack-{}", self.deliveries));
            let mut delivered = json!({ "ackId": message.receipt, "message": message.shown() });
            if counts {
                delivered["deliveryAttempt"] = json!(message.deliveries);
            }
            received.push(delivered);
        }
        // Google leaves out what is empty.
        let body = if received.is_empty() { json!({}) } else { json!({ "receivedMessages": received }) };
        json_answer(200, &body)
    }

    fn modify(&mut self, sent: &Value) -> Answer {
        let Some(receipts) = receipts(sent) else { return lacking("ack_ids") };
        let Some(seconds) = sent["ackDeadlineSeconds"].as_u64().filter(|&seconds| seconds <= 600) else {
            let what = "The ack deadline is out of range: [0, 600].";
            return failure(400, "INVALID_ARGUMENT", what);
        };
        self.deadlines.push(seconds);
        for message in self.messages.iter_mut().filter(|message| message.is_held_by(&receipts)) {
            if seconds == 0 {
                message.receipt = None;
            }
        }
        json_answer(200, &json!({}))
    }
}

impl Message {
    fn is_held_by(&self, receipts: &[&str]) -> bool {
        self.receipt.as_deref().is_some_and(|receipt| receipts.contains(&receipt))
    }

    fn shown(&self) -> Value {
        let mut shown = json!({
            "messageId": self.number.to_string(),
            "publishTime": format!("2026-01-01T00:{:02}:{:02}.123Z", self.number / 60, self.number % 60),
        });
        if !self.attributes.is_empty() {
            shown["attributes"] = Value::Object(self.attributes.clone());
        }
        if !self.data.is_empty() {
            shown["data"] = json!(STANDARD.encode(&self.data));
        }
        shown
    }
}

/// What is acknowledged or held; nothing where there is none.
fn receipts(sent: &Value) -> Option<Vec<&str>> {
    let receipts: Vec<&str> = sent["ackIds"].as_array()?.iter().filter_map(Value::as_str).collect();
    (!receipts.is_empty()).then_some(receipts)
}

fn lacking(field: &str) -> Answer {
    failure(
        400,
        "INVALID_ARGUMENT",
        &format!("You have not specified a valid value for {field} in the request."),
    )
}
