//! The services that trade proofs for tokens.

use super::{ACCOUNT, Asked, failure};
use crate::rest::{Answer, decoded, form, json_answer};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Who is trusted, and what was given out.
#[derive(Debug)]
pub(super) struct Tokens {
    address: String,
    /// Public key and file of the service account's key; nothing where none can be made.
    key: Option<(Vec<u8>, Value)>,
    keys: u32,
    trusted: BTreeSet<(String, String)>,
    /// The service accounts of Google's that may be stood for.
    accounts: BTreeSet<String>,
    /// Good for reading, and for standing for a service account.
    given: BTreeSet<String>,
    count: u64,
    /// What the last proof to each service held.
    pub(super) shown: BTreeMap<String, Value>,
}

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const AWS4: &str = "urn:ietf:params:aws:token-type:aws4_request";

impl Tokens {
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            key: new_key(address, 1),
            keys: 1,
            trusted: BTreeSet::new(),
            accounts: BTreeSet::new(),
            given: BTreeSet::new(),
            count: 0,
            shown: BTreeMap::new(),
        }
    }

    pub(super) fn key_file(&self) -> Value {
        self.key.as_ref().map(|(_, file)| file.clone()).unwrap_or_default()
    }

    pub(super) fn rotate(&mut self) {
        self.keys += 1;
        self.key = new_key(&self.address, self.keys);
        self.given.clear();
    }

    pub(super) fn trust(&mut self, audience: &str, token: &str) {
        self.trusted.insert((audience.to_owned(), token.to_owned()));
    }

    pub(super) fn may_be(&mut self, email: &str) {
        self.accounts.insert(email.to_owned());
    }

    pub(super) fn forget(&mut self) {
        self.given.clear();
    }

    /// Whether a request has a token that was given out.
    pub(super) fn knows(&self, asked: &Asked) -> bool {
        let token = asked.authorization.as_deref().and_then(|text| text.strip_prefix("Bearer "));
        token.is_some_and(|token| self.given.contains(token))
    }

    /// `oauth2.googleapis.com/token`.
    pub(super) fn of_statement(&mut self, asked: &Asked) -> Answer {
        let refused =
            |what: &str| json_answer(400, &json!({ "error": "invalid_grant", "error_description": what }));
        let Some(sent) = sent_form(asked) else { return refused("Missing required parameter: grant_type") };
        if sent.get("grant_type").map(String::as_str) != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
            return json_answer(400, &json!({ "error": "unsupported_grant_type" }));
        }
        let assertion = sent.get("assertion").cloned().unwrap_or_default();
        let parts: Vec<&str> = assertion.split('.').collect();
        let [head, claims, signature] = parts[..] else { return refused("Bad Request") };
        let read = |part: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let (Some(header), Some(told)) = (read(head), read(claims)) else { return refused("Bad Request") };
        let Some((public, file)) = &self.key else { return refused("Invalid JWT Signature.") };
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public);
        let signed = key.verify(format!("{head}.{claims}").as_bytes(), &signature).is_ok();
        if !signed || header["kid"] != file["private_key_id"] || header["alg"] != "RS256" {
            return refused("Invalid JWT Signature.");
        }
        let times = (told["iat"].as_i64(), told["exp"].as_i64());
        let fits = told["iss"] == ACCOUNT
            && told["aud"] == format!("{}/token", self.address)
            && told["scope"] == SCOPE
            && matches!(times, (Some(iat), Some(exp)) if exp - iat == 3600);
        if !fits {
            return refused("Invalid JWT: Token must be a short-lived token and in a reasonable timeframe.");
        }
        self.shown.insert("token".to_owned(), told);
        self.given_out(3599)
    }

    /// `sts.googleapis.com/v1/token`.
    pub(super) fn exchange(&mut self, asked: &Asked) -> Answer {
        let refused =
            |what: &str| json_answer(400, &json!({ "error": "invalid_request", "error_description": what }));
        let Some(sent) = sent_form(asked) else { return refused("Invalid value for \"grant_type\".") };
        let field = |name: &str| sent.get(name).map(String::as_str).unwrap_or_default();
        if (field("grant_type"), field("requested_token_type"), field("scope"))
            != (EXCHANGE, ACCESS_TOKEN, SCOPE)
        {
            return refused("Invalid value for \"grant_type\".");
        }
        let (audience, kind, subject) =
            (field("audience").to_owned(), field("subject_token_type"), field("subject_token"));
        let who = match kind {
            AWS4 => match signer(subject, &audience) {
                Some(who) => who,
                None => return refused("Invalid subject token."),
            },
            JWT => subject.to_owned(),
            _ => return refused("Invalid value for \"subject_token_type\"."),
        };
        if !self.trusted.contains(&(audience.clone(), who.clone())) {
            return json_answer(
                400,
                &json!({ "error": "invalid_grant", "error_description": "The audience in ID Token does not match." }),
            );
        }
        let client = asked.authorization.clone();
        let shown = json!({ "audience": audience, "subject": who, "kind": kind, "client": client });
        self.shown.insert("exchange".to_owned(), shown);
        self.given_out(3600)
    }

    /// `securetoken.googleapis.com/v1/identitybindingtoken`.
    pub(super) fn bind(&mut self, asked: &Asked) -> Answer {
        let sent: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
        let is_json = asked.content_type.as_deref() == Some("application/json");
        let fits = [
            ("grant_type", EXCHANGE),
            ("subject_token_type", JWT),
            ("requested_token_type", ACCESS_TOKEN),
            ("scope", SCOPE),
        ];
        let known = self.trusted.contains(&(text("audience"), text("subject_token")));
        if !is_json || fits.iter().any(|(name, value)| text(name) != *value) || !known {
            return failure(400, "INVALID_ARGUMENT", "Identity Pool does not exist.");
        }
        self.shown.insert("bind".to_owned(), sent.clone());
        self.given_out(3600)
    }

    /// `iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/<email>:generateAccessToken`.
    pub(super) fn generate(&mut self, asked: &Asked) -> Answer {
        if !self.knows(asked) {
            return failure(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
        }
        let path = decoded(&asked.path);
        let email = path
            .strip_prefix("/v1/projects/-/serviceAccounts/")
            .and_then(|rest| rest.strip_suffix(":generateAccessToken"))
            .unwrap_or_default()
            .to_owned();
        let sent: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        if sent["scope"] != json!([SCOPE]) {
            return failure(400, "INVALID_ARGUMENT", "Request contains an invalid argument.");
        }
        if !self.accounts.contains(&email) {
            let what =
                "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
            return failure(403, "PERMISSION_DENIED", what);
        }
        self.shown.insert("generate".to_owned(), json!({ "email": email, "lifetime": sent["lifetime"] }));
        let token = self.token();
        json_answer(200, &json!({ "accessToken": token, "expireTime": "2100-01-01T00:00:00Z" }))
    }

    /// Gives out a token for a configuration, as JSON to whoever has the header `x-format`, else as text.
    pub(super) fn subject(&mut self, asked: &Asked) -> Answer {
        let asks_json = asked.headers.get("x-format").is_some_and(|format| format == "json");
        match asks_json {
            true => json_answer(200, &json!({ "id_token": "subject-json" })),
            false => {
                let mut answer = json_answer(200, &Value::Null);
                *answer.body_mut() = "subject-text".into();
                answer
            }
        }
    }

    fn given_out(&mut self, seconds: i64) -> Answer {
        let token = self.token();
        json_answer(200, &json!({ "access_token": token, "expires_in": seconds, "token_type": "Bearer" }))
    }

    fn token(&mut self) -> String {
        self.count += 1;
        let token = format!("ya29.canary-{}", self.count);
        self.given.insert(token.clone());
        token
    }
}

/// Services of OAuth take forms.
fn sent_form(asked: &Asked) -> Option<BTreeMap<String, String>> {
    let is_form = asked.content_type.as_deref() == Some("application/x-www-form-urlencoded");
    is_form.then(|| form(&String::from_utf8_lossy(&asked.body)))
}

/// Who signed a question to AWS that is for this receiver: what stands in its `Authorization`.
fn signer(subject: &str, audience: &str) -> Option<String> {
    let request: Value = serde_json::from_str(&decoded(&subject.replace('+', " "))).ok()?;
    let header = |name: &str| {
        let headers = request["headers"].as_array()?;
        let named = |each: &&Value| each["key"].as_str().is_some_and(|key| key.eq_ignore_ascii_case(name));
        headers.iter().find(named)?["value"].as_str().map(str::to_owned)
    };
    let (host, _) = request["url"].as_str()?.strip_prefix("https://")?.split_once('/')?;
    let query = request["url"].as_str()?.ends_with("?Action=GetCallerIdentity&Version=2011-06-15");
    let fits = request["method"] == "POST"
        && query
        && header("host")? == host
        && header("x-goog-cloud-target-resource")? == audience;
    fits.then(|| header("authorization")).flatten()
}

fn new_key(address: &str, number: u32) -> Option<(Vec<u8>, Value)> {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    let body = STANDARD.encode(der.as_ref());
    let file = json!({
        "type": "service_account",
        "project_id": super::PROJECT,
        "private_key_id": format!("key-{number}"),
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"),
        "client_email": ACCOUNT,
        "client_id": "1",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": format!("{address}/token"),
        "universe_domain": "googleapis.com",
    });
    Some((pair.public_key().as_ref().to_vec(), file))
}
