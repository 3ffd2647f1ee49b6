use super::{Answered, Login, Method, Result};
use crate::vault::{call::field, json::Json, kv::Ask, reply::Refusal};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use std::collections::BTreeMap;

impl Method {
    /// The `iam` type: a signed request to STS, which the real server would send. Here only its shape is checked, and which role it is for.
    pub(super) fn aws_login(&self, ask: &Ask<'_>) -> Result {
        let name = field(ask.data, "role");
        let role = self.roles.get(name);
        let role = role.ok_or_else(|| Refusal::said(format!("entry for role {name} not found")))?;
        if field(ask.data, "iam_http_request_method") != "POST" {
            return Err(Refusal::said("invalid iam_http_request_method; currently only 'POST' is supported"));
        }
        let decoded = |name: &str| {
            let bytes = BASE64_STANDARD.decode(field(ask.data, name)).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| !text.is_empty());
            text.ok_or_else(|| Refusal::said(format!("failed to base64 decode {name}")))
        };
        let [url, body, headers] =
            [decoded("iam_request_url")?, decoded("iam_request_body")?, decoded("iam_request_headers")?];
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        if !host.starts_with("sts.") && !host.starts_with("127.0.0.1") {
            return Err(Refusal::said(format!("request URL {url:?} is not one of STS")));
        }
        if !body.contains("Action=GetCallerIdentity") || !body.contains("Version=2011-06-15") {
            return Err(Refusal::said("request body is not a GetCallerIdentity request"));
        }
        let headers =
            headers_of(&headers).ok_or_else(|| Refusal::said("error parsing iam_request_headers"))?;
        let access_key = self.signer(&headers).map_err(Refusal::said)?;
        let metadata = [("auth_type", "iam"), ("role", name), ("access_key", &access_key)];
        Ok(Answered::login(Login {
            name: Some(access_key.clone()),
            metadata: metadata.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            role: role.token(),
            alias: access_key.clone(),
        }))
    }

    /// The access key of an `Authorization` header of signature version 4 that signs what it must.
    fn signer(&self, headers: &BTreeMap<String, String>) -> std::result::Result<String, String> {
        let header = |name: &str| headers.get(name).map(String::as_str).unwrap_or_default();
        let authorization = header("authorization").strip_prefix("AWS4-HMAC-SHA256 ");
        let authorization = authorization.ok_or("missing or malformed Authorization header")?;
        let fields: BTreeMap<&str, &str> =
            authorization.split(',').filter_map(|field| field.trim().split_once('=')).collect();
        let of = |name: &str| fields.get(name).copied().unwrap_or_default();
        let credential: Vec<&str> = of("Credential").split('/').collect();
        let [access_key, date, _, "sts", "aws4_request"] = credential[..] else {
            return Err("malformed credential scope".to_owned());
        };
        if !header("x-amz-date").starts_with(date) || date.len() != 8 {
            return Err("X-Amz-Date does not belong to the credential scope".to_owned());
        }
        if of("Signature").len() != 64 {
            return Err("malformed signature".to_owned());
        }
        let server = field(&self.config, "iam_server_id_header_value");
        if !server.is_empty() && header(SERVER_ID) != server {
            return Err(format!("error validating {SERVER_ID} header: expected {server:?}"));
        }
        let signed: Vec<&str> = of("SignedHeaders").split(';').collect();
        let must = ["host", "x-amz-date"].into_iter().chain((!server.is_empty()).then_some(SERVER_ID));
        match must.into_iter().find(|name| !signed.contains(name)) {
            Some(missing) => Err(format!("header {missing} is not signed")),
            None => Ok(access_key.to_owned()),
        }
    }
}

const SERVER_ID: &str = "x-vault-aws-iam-server-id";

/// Headers as an object, with one text or a list of texts each. Names in lower case.
fn headers_of(text: &str) -> Option<BTreeMap<String, String>> {
    let parsed = Json::parse(text)?;
    let one = |value: &Json| match value {
        Json::Array(values) => values.first().and_then(Json::as_str).map(str::to_owned),
        value => value.as_str().map(str::to_owned),
    };
    parsed.as_object()?.iter().map(|(name, value)| Some((name.to_ascii_lowercase(), one(value)?))).collect()
}
