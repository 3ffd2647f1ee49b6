use super::LambdaEmulator;
use crate::{Aws, Message, Queue};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinHandle, time::sleep};

/// Lambda's SQS event source with `ReportBatchItemFailures`: takes messages from a queue of moto, invokes a function with them, and deletes
/// those that it dealt with. The others come back when the queue's visibility timeout has passed, as in AWS. Dropping it ends the polling.
///
/// One poller has one batch under way; start several for concurrency.
#[derive(Debug)]
pub struct SqsPoller {
    counts: Arc<Counts>,
    task: JoinHandle<()>,
}

impl SqsPoller {
    /// Begins to poll, on the tokio runtime of the caller. `batch_size` is 1 to 10.
    #[must_use]
    pub fn start(
        aws: Aws,
        queue: Queue,
        emulator: Arc<LambdaEmulator>,
        function: &str,
        batch_size: u8,
    ) -> Self {
        let counts = Arc::<Counts>::default();
        let source = Source {
            aws,
            queue,
            emulator,
            function: function.to_owned(),
            batch_size,
            counts: Arc::clone(&counts),
        };
        Self { counts, task: tokio::spawn(source.poll()) }
    }

    /// Invocations that have ended, well or not.
    #[must_use]
    pub fn invocations(&self) -> u64 {
        self.counts.invocations.load(Ordering::SeqCst)
    }

    /// Messages that the function dealt with and that have been deleted.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        self.counts.deleted.load(Ordering::SeqCst)
    }
}

impl Drop for SqsPoller {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Debug, Default)]
struct Counts {
    invocations: AtomicU64,
    deleted: AtomicU64,
}

struct Source {
    aws: Aws,
    queue: Queue,
    emulator: Arc<LambdaEmulator>,
    function: String,
    batch_size: u8,
    counts: Arc<Counts>,
}

impl Source {
    async fn poll(self) {
        loop {
            match self.aws.receive(&self.queue, self.batch_size, Duration::from_secs(1)).await {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => self.deliver(&messages).await,
                // The queue or the server is away; a test that takes it away on purpose brings it back.
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn deliver(&self, messages: &[Message]) {
        let answer = self.emulator.invoke(&self.function, &envelope(messages, &self.queue)).await;
        self.counts.invocations.fetch_add(1, Ordering::SeqCst);
        let Ok(answer) = answer else { return };
        let failed = failed(&answer, messages);
        for message in messages.iter().filter(|message| !failed.contains(message.message_id.as_str())) {
            if self.aws.delete_message(&self.queue, &message.receipt_handle).await.is_ok() {
                self.counts.deleted.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

/// The event in which Lambda hands over messages (AWS Lambda developer guide, "Using Lambda with Amazon SQS").
fn envelope(messages: &[Message], queue: &Queue) -> Value {
    let record = |message: &Message| {
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": message.attributes,
            "messageAttributes": message.message_attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<serde_json::Map<_, _>>(),
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": queue.arn,
            "awsRegion": queue.region,
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

/// SQS's API and Lambda's event spell an attribute differently.
fn attribute(value: &Value) -> Value {
    json!({
        "stringValue": value["StringValue"],
        "binaryValue": value["BinaryValue"],
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    })
}

/// The messages of the batch that come back. An answer that names anything else than messages of the batch fails the whole of it.
fn failed<'a>(answer: &Value, messages: &'a [Message]) -> BTreeSet<&'a str> {
    let all = || messages.iter().map(|message| message.message_id.as_str());
    let failures = match answer {
        Value::Null => return BTreeSet::new(),
        Value::String(text) if text.is_empty() => return BTreeSet::new(),
        Value::Object(fields) => fields.get("batchItemFailures").unwrap_or(&Value::Null),
        _ => return all().collect(),
    };
    let named = match failures {
        Value::Null => return BTreeSet::new(),
        Value::Array(items) => items.iter().map(|item| all().find(|id| item["itemIdentifier"] == *id)),
        _ => return all().collect(),
    };
    named.collect::<Option<_>>().unwrap_or_else(|| all().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_function_reports_comes_back() {
        let messages = [message("a"), message("b"), message("c")];
        let cases = [
            (json!(null), vec![]),
            (json!(""), vec![]),
            (json!({}), vec![]),
            (json!({ "batchItemFailures": null }), vec![]),
            (json!({ "batchItemFailures": [] }), vec![]),
            (json!({ "batchItemFailures": [{ "itemIdentifier": "b" }] }), vec!["b"]),
            (
                json!({ "batchItemFailures": [{ "itemIdentifier": "c" }, { "itemIdentifier": "a" }] }),
                vec!["a", "c"],
            ),
            (
                json!({ "batchItemFailures": [{ "itemIdentifier": "a" }, { "itemIdentifier": "z" }] }),
                vec!["a", "b", "c"],
            ),
            (json!({ "batchItemFailures": [{ "itemIdentifier": "" }] }), vec!["a", "b", "c"]),
            (json!({ "batchItemFailures": [{ "itemIdentifier": null }] }), vec!["a", "b", "c"]),
            (json!({ "batchItemFailures": [{ "id": "a" }] }), vec!["a", "b", "c"]),
            (json!({ "batchItemFailures": "a" }), vec!["a", "b", "c"]),
            (json!("done"), vec!["a", "b", "c"]),
        ];
        for (answer, expected) in cases {
            assert_eq!(failed(&answer, &messages).into_iter().collect::<Vec<_>>(), expected, "{answer}");
        }
    }

    #[test]
    fn the_envelope_is_the_one_of_lambda() {
        let queue = Queue {
            url: "http://127.0.0.1/q".into(),
            arn: "arn:aws:sqs:eu-west-1:123456789012:q".into(),
            region: "eu-west-1".into(),
        };
        let mut message = message("a");
        message.attributes.insert("ApproximateReceiveCount".into(), "2".into());
        message.message_attributes.insert("kind".into(), json!({ "StringValue": "s", "DataType": "String" }));
        let expected = json!({ "Records": [{
            "messageId": "a",
            "receiptHandle": "handle-a",
            "body": "body-a",
            "attributes": { "ApproximateReceiveCount": "2" },
            "messageAttributes": { "kind": {
                "stringValue": "s", "binaryValue": null, "stringListValues": [], "binaryListValues": [], "dataType": "String",
            } },
            "md5OfBody": "md5-a",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:q",
            "awsRegion": "eu-west-1",
        }] });
        assert_eq!(envelope(&[message], &queue), expected);
    }

    fn message(id: &str) -> Message {
        Message {
            message_id: id.into(),
            receipt_handle: format!("handle-{id}"),
            body: format!("body-{id}"),
            md5_of_body: format!("md5-{id}"),
            attributes: Default::default(),
            message_attributes: Default::default(),
        }
    }
}
