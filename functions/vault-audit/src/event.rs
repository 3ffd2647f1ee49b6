//! What Lambda calls the function with, as far as it is looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_runtime::function_url::Request;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// An event of one of the senders that can carry audit records.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Event {
    /// A batch of SQS or Kinesis.
    Batch {
        /// Its messages.
        #[serde(rename = "Records")]
        records: Vec<Message>,
    },
    /// A request to a function URL or an HTTP API.
    Http(Request),
    /// A batch of CloudWatch Logs; what is in it is read with the envelope.
    Logs {
        /// Only whether it is there.
        #[serde(rename = "awslogs")]
        _awslogs: IgnoredAny,
    },
}

/// One message of a batch.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Message {
    /// Of Kinesis.
    Kinesis {
        /// What was put into the stream, and where it stands in it.
        kinesis: Kinesis,
    },
    /// Of SQS.
    #[serde(rename_all = "camelCase")]
    Sqs {
        /// Names the message.
        message_id: String,
        /// What was sent.
        body: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kinesis {
    data: String,
    sequence_number: String,
}

impl Message {
    /// What names it in the answer, so that it comes again.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Kinesis { kinesis } => &kinesis.sequence_number,
            Self::Sqs { message_id, .. } => message_id,
        }
    }

    /// What its sender sent; `None` if it is not in the form that it has to be in.
    pub(crate) fn content(&self) -> Option<Vec<u8>> {
        match self {
            Self::Kinesis { kinesis } => STANDARD.decode(&kinesis.data).ok(),
            Self::Sqs { body, .. } => Some(body.clone().into_bytes()),
        }
    }
}
