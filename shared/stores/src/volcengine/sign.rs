//! The signature of a request. Source: Volcengine's SDK for Go, which signs as AWS does, by names of its own.

use crate::kit::{Call, sealed, text};
use aws_lc_rs::{digest, hmac};
use jiff::Timestamp;
use pawl_domain::SecretValue;
use pawl_ports::Error;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

/// An access key, and the region that it signs for.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) key_id: String,
    pub(super) secret: SecretValue,
    pub(super) token: Option<SecretValue>,
    pub(super) region: String,
}

const ALGORITHM: &str = "HMAC-SHA256";
const JSON: &str = "application/json; charset=utf-8";
const DATE: HeaderName = HeaderName::from_static("x-date");
const DIGEST: HeaderName = HeaderName::from_static("x-content-sha256");
const TOKEN: HeaderName = HeaderName::from_static("x-security-token");

impl Signer {
    /// The headers of a `POST` of this body, its signature among them.
    ///
    /// # Errors
    /// `Invalid` when the access key has signs that no header may hold.
    pub(super) fn sign(
        &self,
        url: &Url,
        body: &[u8],
        now: Timestamp,
        call: &Call<'_>,
    ) -> Result<HeaderMap, Error> {
        let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let body = sha256(body);
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut lines =
            vec![("content-type", JSON), ("host", &host), ("x-content-sha256", &body), ("x-date", &date)];
        let mut headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(JSON)),
            (DATE, text(&date, "the date", call)?),
            (DIGEST, text(&body, "the digest", call)?),
        ]);
        if let Some(token) = &self.token {
            headers.insert(TOKEN, sealed(token, call)?);
            lines.push(("x-security-token", token.expose_str().unwrap_or_default().trim()));
        }
        let names = lines.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let signed = SecretValue::new(format!(
            "POST\n{}\n{}\n{}\n{names}\n{body}",
            url.path(),
            url.query().unwrap_or_default(),
            lines.iter().map(|(name, value)| format!("{name}:{value}\n")).collect::<String>(),
        ));
        let day = date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/kms/request", self.region);
        let what = format!("{ALGORITHM}\n{date}\n{scope}\n{}", sha256(signed.expose()));
        let mut key = hmac::Key::new(hmac::HMAC_SHA256, self.secret.expose());
        for part in [day, &self.region, "kms", "request"] {
            key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
        }
        let signature = hex::encode(hmac::sign(&key, what.as_bytes()));
        let id = &self.key_id;
        let header =
            format!("{ALGORITHM} Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
        headers.insert(AUTHORIZATION, sealed(&SecretValue::new(header), call)?);
        Ok(headers)
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::Server;
    use pawl_domain::{Provider, Step};

    /// The signatures were made by Volcengine's SDK for Go, version 1.0.
    #[test]
    fn requests_are_signed_as_the_sdk_does() {
        let server = Server { provider: Provider::Volcengine, address: "cn-beijing", field: "region" };
        let call = Call { step: Step::Fetch, server, action: "GetSecretValue", subject: "db" };
        let url = "https://open.volcengineapi.com/?Action=GetSecretValue&Version=2021-02-18".parse().unwrap();
        let now = "2024-08-10T11:34:59Z".parse().unwrap();
        for (token, names, signature) in [
            (
                None,
                "content-type;host;x-content-sha256;x-date",
                "d127b5e7fdff2edc73ff5148bc33e7be434ee54aec92ce7291332b74e34823e7",
            ),
            (
                Some("STS"),
                "content-type;host;x-content-sha256;x-date;x-security-token",
                "1a8bd066af27b8a0473788b14ec9bb4c8834871769818cb43d956b15d1b1e81f",
            ),
        ] {
            let signer = Signer {
                key_id: "AKLT".to_owned(),
                secret: SecretValue::new("c2VjcmV0"),
                token: token.map(SecretValue::new),
                region: "cn-beijing".to_owned(),
            };
            let headers = signer.sign(&url, br#"{"SecretName":"db"}"#, now, &call).unwrap();
            let want = format!(
                "HMAC-SHA256 Credential=AKLT/20240810/cn-beijing/kms/request, SignedHeaders={names}, Signature={signature}"
            );
            assert_eq!(headers[AUTHORIZATION], want);
            assert_eq!(headers[DATE], "20240810T113459Z");
            assert!(!format!("{headers:?}").contains(signature), "Debug shows no signature");
        }
    }
}
