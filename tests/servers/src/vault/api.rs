use crate::{Error, Result};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// A client of any server that speaks Vault's API, as the test's own hand: real servers and the double alike.
#[derive(Debug, Clone)]
pub struct VaultApi {
    address: String,
    token: String,
    namespace: String,
    http: reqwest::Client,
}

impl VaultApi {
    /// A client for an address such as `http://127.0.0.1:8200`, with a token.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when no client can be made.
    pub fn new(address: &str, token: &str) -> Result<Self> {
        Self::trusting(address, token, None)
    }

    /// A client that also trusts a certificate authority, PEM.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when no client can be made, as of a broken certificate.
    pub fn trusting(address: &str, token: &str, ca_pem: Option<&str>) -> Result<Self> {
        Self::build(address, token, ca_pem, None)
    }

    pub(super) fn build(
        address: &str,
        token: &str,
        ca_pem: Option<&str>,
        identity: Option<&str>,
    ) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30));
        if let Some(pem) = ca_pem {
            let certificate = reqwest::Certificate::from_pem(pem.as_bytes());
            let certificate = certificate.map_err(Error::unreachable("reading the certificate authority"))?;
            builder = builder.tls_certs_merge([certificate]);
        }
        if let Some(pem) = identity {
            let identity = reqwest::Identity::from_pem(pem.as_bytes());
            builder =
                builder.identity(identity.map_err(Error::unreachable("reading the client's certificate"))?);
        }
        let http = builder.build().map_err(Error::unreachable("making a client"))?;
        Ok(Self {
            address: address.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            namespace: String::new(),
            http,
        })
    }

    /// The same with another token; with an empty one it sends none.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// The same in a namespace, by header.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// The base URL.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// One call to `/v1/<path>`: its status and its body, null when there is none. `LIST` is a method like others, and a `PATCH` is a merge
    /// patch.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when it does not get through, [`Error::Incomplete`] when the body is not JSON.
    pub async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value)> {
        self.send(method, path, body.map(Value::to_string).as_deref(), &[]).await
    }

    /// As [`VaultApi::call`], with a body that is sent as it stands and with further headers.
    ///
    /// # Errors
    /// As [`VaultApi::call`].
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Result<(u16, Value)> {
        let call = format!("{method} {path}");
        let missing = |field| Error::Incomplete { call: call.clone(), field };
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| missing("an HTTP method"))?;
        let kind = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        let mut request = self.http.request(method, format!("{}/v1/{path}", self.address));
        for (name, value) in [("x-vault-token", &self.token), ("x-vault-namespace", &self.namespace)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", kind).body(body.to_owned());
        }
        let answer = request.send().await.map_err(Error::unreachable(&call))?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(Error::unreachable(&call))?;
        match text.trim() {
            "" => Ok((status, Value::Null)),
            text => Ok((status, serde_json::from_str(text).map_err(|_| missing("a JSON body"))?)),
        }
    }

    /// One call that must succeed: its body.
    ///
    /// # Errors
    /// As [`VaultApi::call`], and [`Error::Refused`] with a status of 300 and more.
    pub async fn must(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, answer) = self.call(method, path, body).await?;
        match status {
            0..300 => Ok(answer),
            _ => Err(Error::Refused { call: format!("{method} {path}"), status, body: answer.to_string() }),
        }
    }

    /// Mounts a key/value engine of version 1 or 2. Returns when it can be used: a real server still prepares a version 2 mount for a
    /// moment after it said yes.
    ///
    /// # Errors
    /// As [`VaultApi::must`], also when it cannot be used within ten seconds.
    pub async fn mount_kv(&self, mount: &str, version: u8) -> Result<()> {
        let body = json!({ "type": "kv", "options": { "version": version.to_string() } });
        self.must("POST", &format!("sys/mounts/{mount}"), Some(&body)).await?;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let (status, answer) = self.call("LIST", &format!("{mount}/metadata/"), None).await?;
            if status == 404 || version != 2 {
                return Ok(());
            }
            if tokio::time::Instant::now() > deadline {
                let call = format!("LIST {mount}/metadata/");
                return Err(Error::Refused { call, status, body: answer.to_string() });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
