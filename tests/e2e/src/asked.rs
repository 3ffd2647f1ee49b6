//! What IAM would be asked of a call to AWS: who calls, which action, and what of a table or which queue it is about.

use axum::http::HeaderMap;
use serde_json::Value;
use std::collections::BTreeSet;

/// A right that a call needs.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Asked {
    /// The access key that signed the call. Under the Lambda emulator a function's own is its name.
    pub caller: String,
    /// The action, as policies write it: `dynamodb:GetItem`.
    pub action: String,
    /// The name of the queue, of calls to SQS.
    pub queue: Option<String>,
    /// What policies call `dynamodb:LeadingKeys`: the first parts of the keys that are written, of calls to DynamoDB.
    pub leading: BTreeSet<String>,
}

impl Asked {
    /// The rights that a signed call needs; none where nobody signed it, as to trade a token.
    ///
    /// Sources: AWS's service authorization reference; in transactions each item needs the right of its own kind.
    pub(crate) fn of(headers: &HeaderMap, operation: &str, body: &[u8]) -> Vec<Self> {
        let Some((caller, service)) = signer(headers) else { return Vec::new() };
        let is_tagged = operation == "AssumeRole" && body.windows(12).any(|part| part == b"&Tags.member");
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let queue = body["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).map(str::to_owned);
        let asked = |operation: &str, about: &Value| Self {
            caller: caller.clone(),
            action: format!("{service}:{operation}"),
            queue: queue.clone(),
            leading: leading(about),
        };
        match operation {
            "TransactWriteItems" => of_items(&body)
                .map(|(kind, item)| match kind {
                    "Put" | "Update" | "Delete" => asked(&format!("{kind}Item"), item),
                    _ => asked("ConditionCheckItem", item),
                })
                .collect(),
            "TransactGetItems" => vec![asked("GetItem", &Value::Null)],
            "BatchGetSecretValue" => {
                vec![asked(operation, &Value::Null), asked("GetSecretValue", &Value::Null)]
            }
            "SendMessageBatch" | "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => {
                vec![asked(operation.trim_end_matches("Batch"), &Value::Null)]
            }
            _ if is_tagged => vec![asked(operation, &body), asked("TagSession", &body)],
            _ => vec![asked(operation, &body)],
        }
    }
}

/// The access key and the service that a signature is for.
fn signer(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get("authorization")?.to_str().ok()?;
    let (_, credential) = header.split_once("Credential=")?;
    let mut parts = credential.split(',').next()?.split('/');
    Some((parts.next()?.to_owned(), parts.nth(2)?.to_owned()))
}

fn of_items(body: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let items = body["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
    items.map(|(kind, item)| (kind.as_str(), item))
}

/// Every `pk` in what is written.
fn leading(about: &Value) -> BTreeSet<String> {
    match about {
        Value::Object(members) => {
            let own = members.get("pk").and_then(|key| key["S"].as_str()).map(str::to_owned);
            own.into_iter().chain(members.values().flat_map(leading)).collect()
        }
        Value::Array(elements) => elements.iter().flat_map(leading).collect(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(operation: &str, body: &Value) -> Vec<(String, String, Vec<String>)> {
        let credential = "AWS4-HMAC-SHA256 Credential=sync/20260102/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";
        let headers =
            HeaderMap::from_iter([(axum::http::header::AUTHORIZATION, credential.parse().unwrap())]);
        let asked = Asked::of(&headers, operation, body.to_string().as_bytes());
        asked.into_iter().map(|it| (it.caller, it.action, it.leading.into_iter().collect())).collect()
    }

    #[test]
    fn a_transaction_needs_the_right_of_each_item() {
        let one = |kind: &str, members: Value| json!({ kind: members });
        let body = json!({ "TransactItems": [
            one("Put", json!({ "Item": { "pk": { "S": "clusters" }, "sk": { "S": "blue" } } })),
            one("ConditionCheck", json!({ "Key": { "pk": { "S": "sets" } } })),
        ] });
        let want =
            |action: &str, key: &str| ("sync".to_owned(), format!("dynamodb:{action}"), vec![key.to_owned()]);
        assert_eq!(
            of("TransactWriteItems", &body),
            [want("PutItem", "clusters"), want("ConditionCheckItem", "sets")]
        );
    }

    #[test]
    fn a_call_that_nobody_signed_needs_no_right() {
        assert_eq!(Asked::of(&HeaderMap::new(), "AssumeRoleWithWebIdentity", b"Action=x"), []);
    }
}
