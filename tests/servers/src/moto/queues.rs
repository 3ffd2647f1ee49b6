use super::aws::{Aws, Service, arn, text};
use crate::Result;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};

/// A queue, as its users address it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// For SDKs' `queue_url`.
    pub url: String,
    /// For event sources, rules and redrive policies.
    pub arn: String,
    /// Where it is.
    pub region: String,
}

/// A received message: invisible to others until the queue's visibility timeout has passed, gone after [`Aws::delete_message`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Message {
    /// Names the message itself.
    pub message_id: String,
    /// Names this one reception.
    pub receipt_handle: String,
    /// What was sent.
    pub body: String,
    /// The MD5 of the body in hexadecimal digits.
    #[serde(rename = "MD5OfBody")]
    pub md5_of_body: String,
    /// System attributes: `ApproximateReceiveCount`, `SentTimestamp` and so on.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// The sender's own attributes, in the form of the SQS API.
    #[serde(default)]
    pub message_attributes: Map<String, Value>,
}

impl Aws {
    /// CreateQueue with attributes as SQS names them, such as `("VisibilityTimeout", "1")` or `("RedrivePolicy", "{..}")`.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when there is a queue of this name with other attributes, or an attribute is unknown.
    pub async fn create_queue(&self, region: &str, name: &str, attributes: &[(&str, &str)]) -> Result<Queue> {
        let attributes: BTreeMap<_, _> = attributes.iter().copied().collect();
        let body = json!({ "QueueName": name, "Attributes": attributes });
        let answer = self.call(region, Service::SQS, "CreateQueue", &body).await?;
        Ok(Queue {
            url: text(&answer, "CreateQueue", "QueueUrl")?,
            arn: arn("sqs", region, name),
            region: region.to_owned(),
        })
    }

    /// SendMessage. Returns the message's id.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when the queue does not take it.
    pub async fn send_message(&self, queue: &Queue, body: &str) -> Result<String> {
        let body = json!({ "QueueUrl": queue.url, "MessageBody": body });
        let answer = self.call(&queue.region, Service::SQS, "SendMessage", &body).await?;
        text(&answer, "SendMessage", "MessageId")
    }

    /// ReceiveMessage: at most `limit` (1 to 10) messages, waiting up to `wait` (whole seconds, at most 20) for the first.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when there is no such queue.
    pub async fn receive(&self, queue: &Queue, limit: u8, wait: Duration) -> Result<Vec<Message>> {
        let body = json!({
            "QueueUrl": queue.url,
            "MaxNumberOfMessages": limit,
            "WaitTimeSeconds": wait.as_secs(),
            "MessageSystemAttributeNames": ["All"],
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        });
        let mut answer = self.call(&queue.region, Service::SQS, "ReceiveMessage", &body).await?;
        let messages = match answer["Messages"].take() {
            Value::Null => return Ok(Vec::new()),
            messages => messages,
        };
        serde_json::from_value(messages).map_err(|_| crate::Error::Incomplete {
            call: "ReceiveMessage".to_owned(),
            field: "Messages in the known form",
        })
    }

    /// DeleteMessage.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when the receipt handle is not this queue's.
    pub async fn delete_message(&self, queue: &Queue, receipt_handle: &str) -> Result<()> {
        let body = json!({ "QueueUrl": queue.url, "ReceiptHandle": receipt_handle });
        self.call(&queue.region, Service::SQS, "DeleteMessage", &body).await.map(drop)
    }

    /// How many messages the queue holds, whether visible, delayed or being worked on.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) when there is no such queue.
    pub async fn queue_depth(&self, queue: &Queue) -> Result<u64> {
        let body = json!({ "QueueUrl": queue.url, "AttributeNames": ["All"] });
        let answer = self.call(&queue.region, Service::SQS, "GetQueueAttributes", &body).await?;
        let count = |field: &str| {
            answer["Attributes"][field].as_str().and_then(|text| text.parse::<u64>().ok()).unwrap_or_default()
        };
        Ok([
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        .map(count)
        .iter()
        .sum())
    }
}
