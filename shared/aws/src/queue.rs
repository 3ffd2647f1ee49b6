//! An SQS queue as Pawl uses it: for jobs, and, under `pawl serve`, for the events of stores.
//!
//! Nothing is lost here: a message that was received stays invisible for the queue's visibility timeout and comes back
//! unless it is deleted, whatever happens to whoever received it. To drop [`Queue::receive`] is therefore harmless.

mod dead;

pub use dead::Depth;

use crate::error::Call;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::MessageSystemAttributeName;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use pawl_domain::{Kind, Step};
use pawl_ports::Error;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// A queue by its URL. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Queue {
    client: Client,
    url: Arc<str>,
}

impl Queue {
    /// The most messages that one receive gives.
    pub const MOST_MESSAGES: usize = 10;
    /// The longest that one receive waits.
    pub const LONGEST_WAIT: Duration = Duration::from_secs(20);

    /// The queue at this URL, which names its region where it is one of AWS's.
    pub fn new(base: &SdkConfig, url: &str) -> Self {
        let mut config = aws_sdk_sqs::config::Builder::from(base);
        if let Some(region) = region_of(url) {
            config = config.region(aws_config::Region::new(region.to_owned()));
        }
        // Waiting for a message is no failure, so the limits that the base has for answers do not fit here.
        let limits = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(3))
            .operation_attempt_timeout(Self::LONGEST_WAIT + GRACE)
            .operation_timeout(Self::LONGEST_WAIT + GRACE + GRACE)
            .disable_read_timeout();
        Self { client: Client::from_conf(config.timeout_config(limits.build()).build()), url: url.into() }
    }

    /// Up to `max` messages (at most [`Queue::MOST_MESSAGES`]), as soon as there is one; none after `wait`, in whole
    /// seconds and at most [`Queue::LONGEST_WAIT`].
    ///
    /// # Errors
    /// Of step `Lookup`. `NotFound` when there is no such queue, `Denied` when the identity may not receive.
    pub async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Message>, Error> {
        let wait = wait.min(Self::LONGEST_WAIT);
        let request = self
            .client
            .receive_message()
            .queue_url(&*self.url)
            .max_number_of_messages(i32::try_from(max.clamp(1, Self::MOST_MESSAGES)).unwrap_or(1))
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(0))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let answer = self.call(Step::Lookup, "sqs:ReceiveMessage", wait + GRACE, request.send()).await?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(Message::of).collect())
    }

    /// Acknowledges a message: it does not come again.
    ///
    /// # Errors
    /// Of step `Lookup`; the message may then come again.
    pub async fn delete(&self, receipt: &str) -> Result<(), Error> {
        let request = self.client.delete_message().queue_url(&*self.url).receipt_handle(receipt);
        self.call(Step::Lookup, "sqs:DeleteMessage", GRACE, request.send()).await.map(drop)
    }

    /// Makes a message visible again after `pause`, in whole seconds and at most twelve hours, counted from now.
    ///
    /// # Errors
    /// Of step `Lookup`; the message then comes again after the queue's own visibility timeout.
    pub async fn release(&self, receipt: &str, pause: Duration) -> Result<(), Error> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&*self.url)
            .receipt_handle(receipt)
            .visibility_timeout(i32::try_from(pause.min(LONGEST_PAUSE).as_secs()).unwrap_or(0));
        self.call(Step::Lookup, "sqs:ChangeMessageVisibility", GRACE, request.send()).await.map(drop)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Awaits a request to this queue, bounded in time.
    pub(crate) fn call<'c, T, E>(
        &'c self,
        step: Step,
        action: &'static str,
        limit: Duration,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'c,
    ) -> impl Future<Output = Result<T, Error>> + Send + 'c
    where
        T: 'c,
        E: StdError + ProvideErrorMetadata + 'static,
    {
        // Boxed before it is held, as in `Table::call`.
        let request = Box::pin(request);
        async move {
            let region = self.client.config().region().map_or_else(String::new, ToString::to_string);
            let subject = self.name();
            let call = Call { step, service: "sqs", region: &region, action, subject };
            match tokio::time::timeout(limit, request).await {
                Ok(answer) => answer.map_err(|error| call.failed(&error)),
                Err(_) => {
                    let message =
                        format!("sqs in {region}: {subject}: no answer in time; check network and endpoint");
                    Err(Error::new(step, Kind::Unreachable, message))
                }
            }
        }
    }

    /// The queue's name, the last part of its URL.
    pub(crate) fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }
}

/// How long an answer may take beyond what was asked to be waited for.
pub(crate) const GRACE: Duration = Duration::from_secs(10);
/// SQS's limit.
const LONGEST_PAUSE: Duration = Duration::from_hours(12);

/// A received message.
#[derive(Clone, Eq, PartialEq)]
pub struct Message {
    /// Names the message itself, however often it comes.
    pub id: String,
    /// Names this reception; [`Queue::delete`] and [`Queue::release`] want it.
    pub receipt: String,
    /// What was sent.
    pub body: String,
    /// How often it has been received, this time included.
    pub receive_count: u32,
}

impl Message {
    fn of(message: aws_sdk_sqs::types::Message) -> Option<Self> {
        let count = message.attributes.as_ref();
        let count = count.and_then(|found| found.get(&MessageSystemAttributeName::ApproximateReceiveCount));
        Some(Self {
            id: message.message_id?,
            receipt: message.receipt_handle?,
            body: message.body.unwrap_or_default(),
            receive_count: count.and_then(|text| text.parse().ok()).unwrap_or(1),
        })
    }
}

/// Without the body: what senders write is not for logs.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, receipt: _, body, receive_count } = self;
        f.debug_struct("Message")
            .field("id", id)
            .field("bytes", &body.len())
            .field("receive_count", receive_count)
            .finish_non_exhaustive()
    }
}

/// The region in `https://sqs.<region>.<domain>/..`.
fn region_of(url: &str) -> Option<&str> {
    let (region, domain) = url.strip_prefix("https://sqs.")?.split_once('.')?;
    domain.starts_with("amazonaws.").then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_read_from_urls_of_aws_only() {
        for (url, want) in [
            ("https://sqs.eu-central-1.amazonaws.com/123456789012/jobs", Some("eu-central-1")),
            ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/jobs", Some("cn-north-1")),
            ("http://127.0.0.1:5000/123456789012/jobs", None),
            ("https://sqs.example.com/1/jobs", None),
        ] {
            assert_eq!(region_of(url), want, "{url}");
        }
    }

    #[test]
    fn debug_of_a_message_does_not_output_its_body() {
        let message =
            Message { id: "1".into(), receipt: "r".into(), body: "hunter2".into(), receive_count: 2 };
        assert_eq!(format!("{message:?}"), "Message { id: \"1\", bytes: 7, receive_count: 2, .. }");
    }
}
