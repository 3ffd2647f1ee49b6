//! Entra ID: tokens for one client of one tenant.

use crate::rest::{Answer, form, json_answer};
use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, header};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The tenant.
pub const TENANT: &str = "11111111-2222-3333-4444-555555555555";
/// The client.
pub const CLIENT: &str = "99999999-8888-7777-6666-555555555555";
/// The client's secret, with letters that a form must escape.
pub const SECRET: &str = "8Q~ab+c/d=e&f g";

/// What proves the client.
#[derive(Clone, Debug)]
pub enum Proof {
    /// A secret.
    Secret(String),
    /// Statements that this RSA key (PKCS#1) signs; each must name the certificate by this SHA-256.
    Certificate {
        /// The public key.
        key: Vec<u8>,
        /// The certificate's.
        sha256: Vec<u8>,
    },
    /// The token of a service account, exactly this one.
    Federated(String),
}

#[derive(Debug)]
pub(super) struct Entra {
    pub(super) proof: Proof,
    /// What was given out, each with what it is for.
    pub(super) tokens: BTreeMap<String, String>,
    pub(super) life: u32,
}

impl Default for Entra {
    fn default() -> Self {
        Self { proof: Proof::Secret(SECRET.to_owned()), tokens: BTreeMap::new(), life: 3599 }
    }
}

impl Entra {
    pub(super) fn answer(&mut self, request: &Request<Bytes>, address: &str, resource: &str) -> Answer {
        let parts: Vec<&str> = request.uri().path().trim_start_matches('/').split('/').collect();
        let [tenant, "oauth2", "v2.0", "token"] = parts[..] else { return json_answer(404, &json!({})) };
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if request.method() != Method::POST || kind != Some("application/x-www-form-urlencoded") {
            return refused(
                400,
                "invalid_request",
                900_144,
                "The request body must contain the parameter 'grant_type'",
            );
        }
        if tenant != TENANT {
            return refused(400, "invalid_request", 90_002, "Tenant 'hunter2' not found.");
        }
        let sent = form(&String::from_utf8_lossy(request.body()));
        let of = |name: &str| sent.get(name).map(String::as_str).unwrap_or_default();
        if of("grant_type") != "client_credentials" {
            return refused(
                400,
                "unsupported_grant_type",
                70_003,
                "The app requested an unsupported grant type",
            );
        }
        if of("client_id") != CLIENT {
            return refused(
                400,
                "unauthorized_client",
                700_016,
                "Application with identifier 'hunter2' was not found",
            );
        }
        if !is_scope(of("scope"), resource) {
            return refused(
                400,
                "invalid_scope",
                70_011,
                "The provided value for scope 'hunter2' is not valid",
            );
        }
        let is_assertion =
            of("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        match &self.proof {
            Proof::Secret(secret) if of("client_secret") == secret => {}
            Proof::Secret(_) => {
                return refused(401, "invalid_client", 7_000_215, "Invalid client secret provided: hunter2");
            }
            Proof::Federated(token) if is_assertion && of("client_assertion") == token => {}
            Proof::Federated(_) => {
                return refused(
                    401,
                    "invalid_client",
                    700_213,
                    "No matching federated identity record found",
                );
            }
            Proof::Certificate { key, sha256 } => {
                let audience = format!("{address}/{TENANT}/oauth2/v2.0/token");
                if !(is_assertion && is_signed(of("client_assertion"), key, sha256, &audience)) {
                    return refused(
                        401,
                        "invalid_client",
                        700_027,
                        "The certificate with identifier is not registered",
                    );
                }
            }
        }
        let token = format!("token-{}", hex::encode(rand::random::<[u8; 8]>()));
        self.tokens.insert(token.clone(), resource.to_owned());
        let answer = json!({
            "token_type": "Bearer", "expires_in": self.life, "ext_expires_in": self.life, "access_token": token,
        });
        json_answer(200, &answer)
    }
}

/// Whether a token is asked for this resource and no other. Microsoft's own libraries ask for an identity's scopes beside it, of
/// which nothing comes for an application.
fn is_scope(scope: &str, resource: &str) -> bool {
    let wanted = format!("{resource}/.default");
    let others = ["openid", "profile", "offline_access"];
    let mut scopes = scope.split(' ');
    scopes.clone().any(|scope| scope == wanted)
        && scopes.all(|scope| scope == wanted || others.contains(&scope))
}

/// Whether this is a statement as the platform's documentation wants it: PS256, the certificate by its SHA-256, ten minutes.
fn is_signed(statement: &str, key: &[u8], sha256: &[u8], audience: &str) -> bool {
    let parts: Vec<&str> = statement.split('.').collect();
    let [head, body, signature] = parts[..] else { return false };
    let read =
        |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let (Some(header), Some(claims), Ok(signature)) =
        (read(head), read(body), URL_SAFE_NO_PAD.decode(signature))
    else {
        return false;
    };
    let time = |name: &str| claims[name].as_i64().unwrap_or_default();
    header["alg"] == "PS256"
        && header["x5t#S256"] == json!(URL_SAFE_NO_PAD.encode(sha256))
        && claims["aud"] == audience
        && claims["iss"] == CLIENT
        && claims["sub"] == CLIENT
        && claims["jti"].as_str().is_some_and(|id| !id.is_empty())
        && (1..=600).contains(&(time("exp") - time("nbf")))
        && UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key)
            .verify(format!("{head}.{body}").as_bytes(), &signature)
            .is_ok()
}

/// As Entra ID words a refusal. What it says may quote what was sent.
fn refused(status: u16, error: &str, code: u32, what: &str) -> Answer {
    let description = format!("AADSTS{code}: {what}. Trace ID: 0 Correlation ID: 0");
    json_answer(status, &json!({ "error": error, "error_description": description, "error_codes": [code] }))
}
