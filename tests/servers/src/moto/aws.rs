use super::Moto;
use crate::{Error, Result};
use serde_json::Value;
use std::time::Duration;

/// The calls that a test makes in the place of AWS or of its users, by plain HTTP against moto.
///
/// Every call names its region, which decides where moto keeps the thing. Clones share the server. Safe to use from several tokio runtimes:
/// no connection is kept between calls.
#[derive(Clone, Debug)]
pub struct Aws {
    endpoint: String,
    http: reqwest::Client,
}

impl Aws {
    /// The base URL, for an SDK's `endpoint_url`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Any operation of a service with a JSON protocol, as `call("us-east-1", Service::SSM, "LabelParameterVersion", &body)`.
    ///
    /// # Errors
    /// [`Error::Refused`] with AWS's error body, [`Error::Unreachable`] when the server is gone.
    pub async fn call(&self, region: &str, service: Service, operation: &str, body: &Value) -> Result<Value> {
        let answer = self
            .http
            .post(&self.endpoint)
            .header("authorization", authorization(region, service.scope))
            .header("content-type", service.content_type)
            .header("x-amz-target", format!("{}.{operation}", service.target))
            .body(body.to_string())
            .send()
            .await;
        let text = body_of(operation, answer).await?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text)
            .map_err(|_| Error::Incomplete { call: operation.to_owned(), field: "a JSON body" })
    }

    pub(super) fn at(endpoint: String) -> Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            // Long, for a machine that compiles besides may keep moto waiting for half a minute.
            .timeout(Duration::from_secs(120))
            .build()
            .map_err(Error::unreachable("the HTTP client"))?;
        Ok(Self { endpoint, http })
    }

    pub(super) async fn post_plain(&self, path: &str) -> Result<()> {
        let answer = self.http.post(format!("{}{path}", self.endpoint)).send().await;
        body_of(path, answer).await.map(drop)
    }
}

/// How one AWS service names itself on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The service's name in a signature's credential scope.
    scope: &'static str,
    /// What stands before the operation in `x-amz-target`.
    target: &'static str,
    content_type: &'static str,
}

impl Service {
    /// DynamoDB.
    pub const DYNAMODB: Self = Self::new("dynamodb", "DynamoDB_20120810", JSON_1_0);
    /// EventBridge.
    pub const EVENTS: Self = Self::new("events", "AWSEvents", JSON_1_1);
    /// Secrets Manager.
    pub const SECRETS_MANAGER: Self = Self::new("secretsmanager", "secretsmanager", JSON_1_1);
    /// SQS.
    pub const SQS: Self = Self::new("sqs", "AmazonSQS", JSON_1_0);
    /// Systems Manager, of which Parameter Store is a part.
    pub const SSM: Self = Self::new("ssm", "AmazonSSM", JSON_1_1);

    const fn new(scope: &'static str, target: &'static str, content_type: &'static str) -> Self {
        Self { scope, target, content_type }
    }
}

/// The ARN of something in moto's account.
pub(super) fn arn(service: &str, region: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{region}:{}:{resource}", Moto::ACCOUNT)
}

/// A field that the operation promises to answer with.
pub(super) fn text(answer: &Value, operation: &str, field: &'static str) -> Result<String> {
    answer[field]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::Incomplete { call: operation.to_owned(), field })
}

const JSON_1_0: &str = "application/x-amz-json-1.0";
const JSON_1_1: &str = "application/x-amz-json-1.1";

/// moto checks no signature but takes region and service from the credential scope.
fn authorization(region: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

async fn body_of(call: &str, answer: reqwest::Result<reqwest::Response>) -> Result<String> {
    let answer = answer.map_err(Error::unreachable(call))?;
    let status = answer.status();
    let body = answer.text().await.map_err(Error::unreachable(call))?;
    if status.is_success() {
        Ok(body)
    } else {
        Err(Error::Refused { call: call.to_owned(), status: status.as_u16(), body })
    }
}
