//! What an operator sees of a queue: its length, and its dead-letter queue, where SQS puts what was received too often.

use super::{GRACE, Message, Queue};
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use pawl_domain::{Kind, Step};
use pawl_ports::Error;
use serde::Deserialize;
use std::time::Duration;

/// How many messages a queue holds, as far as SQS knows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Depth {
    /// To be had now.
    pub ready: u64,
    /// Put back until later, or with somebody: SQS does not tell these apart.
    pub in_flight: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RedrivePolicy {
    dead_letter_target_arn: String,
}

impl Queue {
    /// The queue at this URL, in the same region.
    #[must_use]
    pub fn at(&self, url: &str) -> Self {
        Self { client: self.client.clone(), url: url.into() }
    }

    /// The queue that this one's redrive policy names; `None` where it has no such policy.
    ///
    /// # Errors
    /// Of step `Lookup`; `Denied` when the identity may not read the queue's attributes.
    pub async fn dead_letters(&self) -> Result<Option<Self>, Error> {
        let request = self
            .client
            .get_queue_attributes()
            .queue_url(&*self.url)
            .attribute_names(QueueAttributeName::RedrivePolicy);
        let answer = self.call(Step::Lookup, "sqs:GetQueueAttributes", GRACE, request.send()).await?;
        let Some(policy) =
            answer.attributes.and_then(|mut all| all.remove(&QueueAttributeName::RedrivePolicy))
        else {
            return Ok(None);
        };
        let policy: RedrivePolicy = serde_json::from_str(&policy)
            .map_err(|_| self.odd("its redrive policy names no dead-letter queue"))?;
        // arn:<partition>:sqs:<region>:<account>:<name>
        let parts: Vec<&str> = policy.dead_letter_target_arn.split(':').collect();
        let [_, _, "sqs", _, account, name] = parts[..] else {
            return Err(self.odd("its redrive policy names no dead-letter queue"));
        };
        let request = self.client.get_queue_url().queue_name(name).queue_owner_aws_account_id(account);
        let answer = self.call(Step::Lookup, "sqs:GetQueueUrl", GRACE, request.send()).await?;
        let url = answer.queue_url.ok_or_else(|| self.odd("its dead-letter queue has no URL"))?;
        Ok(Some(self.at(&url)))
    }

    /// How many messages there are.
    ///
    /// # Errors
    /// As for [`Queue::dead_letters`].
    pub async fn depth(&self) -> Result<Depth, Error> {
        let request = self
            .client
            .get_queue_attributes()
            .queue_url(&*self.url)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesDelayed)
            .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible);
        let answer = self.call(Step::Lookup, "sqs:GetQueueAttributes", GRACE, request.send()).await?;
        let attributes = answer.attributes.unwrap_or_default();
        let count = |name| attributes.get(&name).and_then(|text| text.parse().ok()).unwrap_or(0_u64);
        Ok(Depth {
            ready: count(QueueAttributeName::ApproximateNumberOfMessages),
            in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesDelayed)
                + count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        })
    }

    /// Up to [`Queue::MOST_MESSAGES`] messages that nobody else gets for `hold`, without waiting for any. Each look
    /// counts as a reception: only for queues that have no redrive policy, as dead-letter queues.
    ///
    /// # Errors
    /// As for [`Queue::receive`].
    pub async fn hold(&self, hold: Duration) -> Result<Vec<Message>, Error> {
        let request = self
            .client
            .receive_message()
            .queue_url(&*self.url)
            .max_number_of_messages(i32::try_from(Self::MOST_MESSAGES).unwrap_or(1))
            .visibility_timeout(i32::try_from(hold.as_secs()).unwrap_or(0))
            // A little waiting makes SQS ask all of its servers, and not only some.
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let answer = self.call(Step::Lookup, "sqs:ReceiveMessage", GRACE, request.send()).await?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(Message::of).collect())
    }

    /// Sends one message.
    ///
    /// # Errors
    /// Of step `Enqueue`.
    pub async fn send(&self, body: &str) -> Result<(), Error> {
        let request = self.client.send_message().queue_url(&*self.url).message_body(body);
        self.call(Step::Enqueue, "sqs:SendMessage", GRACE, request.send()).await.map(drop)
    }

    fn odd(&self, what: &str) -> Error {
        Error::new(Step::Lookup, Kind::Invalid, format!("sqs: {}: {what}", self.name()))
    }
}
