//! The signature of a request. Source: Oracle's reference of request signatures, version 1, which is the draft "Signing HTTP
//! Messages" of Cavage and others.

use crate::kit::sign_rs256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use pawl_domain::SecretValue;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};

/// A key, and what Oracle calls it.
#[derive(Debug)]
pub(super) struct Signer {
    key_id: String,
    key: SecretValue,
}

/// Of a body of nothing, SHA-256 in base64.
const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
const DIGEST: HeaderName = HeaderName::from_static("x-content-sha256");
const JSON: &str = "application/json";

impl Signer {
    /// With a key in PEM.
    ///
    /// # Errors
    /// Why it cannot sign.
    pub(super) fn new(key_id: String, key: String) -> Result<Self, String> {
        let key = SecretValue::new(key);
        let signer = Self { key_id, key };
        signer.signature("").map(|_| ())?;
        Ok(signer)
    }

    /// The headers of a request without a body, its signature among them.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn sign(&self, method: &Method, url: &Url, now: Timestamp) -> Result<HeaderMap, String> {
        let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
        let date = date.map_err(|_| "the clock has no date")?;
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let target = format!(
            "{} {}?{}",
            method.as_str().to_ascii_lowercase(),
            url.path(),
            url.query().unwrap_or_default()
        );
        let mut signed = vec![("date", date.as_str()), ("(request-target)", &target), ("host", &host)];
        let mut headers = HeaderMap::new();
        if method == Method::POST {
            signed.extend([("content-length", "0"), ("content-type", JSON), ("x-content-sha256", EMPTY)]);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
            headers.insert(DIGEST, HeaderValue::from_static(EMPTY));
        }
        let lines: Vec<String> = signed.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let proof = format!(
            "Signature version=\"1\",headers=\"{}\",keyId=\"{}\",algorithm=\"rsa-sha256\",signature=\"{}\"",
            names.join(" "),
            self.key_id,
            self.signature(&lines.join("\n"))?,
        );
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| "user, tenancy or fingerprint are none".to_owned())
        };
        headers.insert(DATE, value(&date)?);
        let mut proof = value(&proof)?;
        proof.set_sensitive(true);
        headers.insert(AUTHORIZATION, proof);
        Ok(headers)
    }

    fn signature(&self, text: &str) -> Result<String, String> {
        let signature = sign_rs256(self.key.expose_str().unwrap_or_default(), text.as_bytes());
        signature
            .map(|signature| STANDARD.encode(signature))
            .map_err(|unsigned| format!("{unsigned}; make another key"))
    }
}
