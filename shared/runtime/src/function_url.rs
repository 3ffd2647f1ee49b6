//! Requests to a function URL or an HTTP API, and answers to them, in the form in which Lambda hands them over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A request. Source: Lambda's documentation of function URLs, payload format 2.0.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    request_context: Context,
    #[serde(default)]
    raw_path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
struct Context {
    http: Http,
    #[serde(default)]
    authorizer: Option<Authorizer>,
}

#[derive(Deserialize)]
struct Http {
    #[serde(default)]
    method: String,
}

/// What Lambda found out about the caller before it called the function. Callers cannot write it.
#[derive(Deserialize)]
struct Authorizer {
    #[serde(default)]
    iam: Option<IgnoredAny>,
}

impl Request {
    /// The method, in capitals.
    pub fn method(&self) -> &str {
        &self.request_context.http.method
    }

    /// The path, as it was sent.
    pub fn path(&self) -> &str {
        &self.raw_path
    }

    /// The body as it was sent; `None` if Lambda's encoding of it cannot be undone.
    pub fn body(&self) -> Option<Vec<u8>> {
        let body = self.body.as_deref().unwrap_or_default();
        if self.is_base64_encoded { STANDARD.decode(body).ok() } else { Some(body.as_bytes().to_vec()) }
    }

    /// Whether the caller proved to IAM who it is.
    pub fn is_known_to_iam(&self) -> bool {
        self.request_context.authorizer.as_ref().is_some_and(|authorizer| authorizer.iam.is_some())
    }

    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// An answer in JSON.
pub fn answer(status: u16, body: &Value) -> Value {
    json!({ "statusCode": status, "headers": { "content-type": "application/json" }, "body": body.to_string() })
}

/// An answer that says what is wrong. After 503 the request should come again.
pub fn problem(status: u16, message: &str) -> Value {
    let mut answer = answer(status, &json!({ "error": message }));
    if status == 503 {
        answer["headers"]["retry-after"] = json!("5");
    }
    answer
}
