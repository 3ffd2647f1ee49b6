//! What Lambda calls the function with, as far as it is looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    #[serde(rename = "requestContext")]
    context: Context,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct Context {
    #[serde(rename = "http")]
    _http: IgnoredAny,
    #[serde(default)]
    authorizer: Option<Authorizer>,
}

/// What Lambda found out about the caller before it called the function. Callers cannot write it.
#[derive(Deserialize)]
struct Authorizer {
    #[serde(default)]
    iam: Option<IgnoredAny>,
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

impl Request {
    /// The body as it was sent; `None` if Lambda's encoding of it cannot be undone.
    pub(crate) fn body(&self) -> Option<Vec<u8>> {
        let body = self.body.as_deref().unwrap_or_default();
        if self.is_base64_encoded { STANDARD.decode(body).ok() } else { Some(body.as_bytes().to_vec()) }
    }

    /// Whether the caller proved to IAM who it is.
    pub(crate) fn is_known_to_iam(&self) -> bool {
        self.context.authorizer.as_ref().is_some_and(|authorizer| authorizer.iam.is_some())
    }

    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}
