//! `serviceaccounts/<name>/token`.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::status::{Answer, Cause, Failure};
use crate::store::{At as _, text};

/// Lifetime in seconds when none is asked for.
const DEFAULT_LIFETIME: i64 = 3600;
const SHORTEST_LIFETIME: i64 = 600;

/// The audience of tokens for which none is asked.
const OWN_AUDIENCE: &str = "https://kubernetes.default.svc";

/// Answers a TokenRequest with a token of the form of a JWT. Its signature is random: nobody can verify it.
///
/// # Errors
/// 422 for a lifetime that is too short.
pub(crate) fn issue(account: &Value, request: &Value, now: Timestamp) -> Answer<Value> {
    let lifetime = request.at("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(DEFAULT_LIFETIME);
    if lifetime < SHORTEST_LIFETIME {
        let why = "may not specify a duration less than 10 minutes";
        let cause = Cause::invalid("spec.expirationSeconds", &lifetime.to_string(), why);
        return Err(Failure::invalid("authentication.k8s.io", "TokenRequest", "", &[cause]));
    }
    let audiences = match request.at("/spec/audiences") {
        Some(Value::Array(audiences)) if !audiences.is_empty() => json!(audiences),
        _ => json!([OWN_AUDIENCE]),
    };
    let expires = now.saturating_add(SignedDuration::from_secs(lifetime)).unwrap_or(Timestamp::MAX);
    let (namespace, name) = (text(account, "/metadata/namespace"), text(account, "/metadata/name"));
    let claims = json!({
        "aud": audiences,
        "exp": expires.as_second(),
        "iat": now.as_second(),
        "nbf": now.as_second(),
        "iss": OWN_AUDIENCE,
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": text(account, "/metadata/uid")},
        },
    });
    Ok(json!({
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": null},
        "spec": {"audiences": audiences, "expirationSeconds": lifetime, "boundObjectRef": null},
        "status": {
            "token": jwt(&claims),
            "expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        },
    }))
}

fn jwt(claims: &Value) -> String {
    let header = json!({"alg": "RS256", "kid": "devcluster"});
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let signature: [u8; 32] = rand::random();
    format!(
        "{}.{}.{}",
        encode(header.to_string().as_bytes()),
        encode(claims.to_string().as_bytes()),
        encode(&signature)
    )
}
