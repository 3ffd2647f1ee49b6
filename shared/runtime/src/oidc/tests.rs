//! An issuer for tests: it signs, and shows its keys on a port of its own.

use super::{Expected, Sender, Verifier};
use jiff::Timestamp;
use pawl_servers::Signer;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const AUDIENCE: &str = "https://pawl.example.com";
pub(crate) const APP: &str = "4962773b-9cdb-44cf-a8bf-237846a00ab7";
pub(crate) const OTHER_APP: &str = "54316b56-3481-47f9-8f30-0300f5542a7b";

/// What an issuer shows, and how often it was asked for it. Nothing is shown as a failure.
type Shown = Arc<Mutex<(Option<String>, usize)>>;

pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) pair: Signer,
    shown: Shown,
}

impl Issuer {
    /// Shows one key, `one`.
    pub(crate) async fn start() -> Self {
        let pair = pair();
        let shown: Shown = Arc::new(Mutex::new((Some(set("one", &pair)), 0)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let state = Arc::clone(&shown);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let shown = {
                    let mut state = state.lock().unwrap();
                    state.1 += 1;
                    state.0.clone()
                };
                let (status, body) = shown.map_or(("503 No", String::new()), |body| ("200 OK", body));
                let head = format!("content-length: {}\r\nconnection: close", body.len());
                let _ =
                    stream.write_all(format!("HTTP/1.1 {status}\r\n{head}\r\n\r\n{body}").as_bytes()).await;
            }
        });
        Self { url, pair, shown }
    }

    pub(crate) fn show(&self, body: Option<String>) {
        self.shown.lock().unwrap().0 = body;
    }

    pub(crate) fn asked(&self) -> usize {
        self.shown.lock().unwrap().1
    }

    /// A header with a token of these claims, signed with `one`.
    pub(crate) fn bearer(&self, claims: &Value) -> String {
        self.bearer_of(&self.pair, "one", claims)
    }

    /// The same of another key. Times that are missing are those of [`NOW`].
    pub(crate) fn bearer_of(&self, pair: &Signer, id: &str, claims: &Value) -> String {
        let mut all = json!({ "iat": NOW, "exp": NOW + 3600 });
        for (claim, value) in claims.as_object().unwrap() {
            all[claim] = value.clone();
        }
        format!("Bearer {}", signed(pair, &header(id), &all))
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOW + second).unwrap()
}

pub(crate) fn pair() -> Signer {
    Signer::generate().unwrap()
}

pub(crate) fn set(id: &str, pair: &Signer) -> String {
    json!({ "keys": [
        { "kid": "of-a-curve", "kty": "EC", "crv": "P-256", "x": "", "y": "" },
        pair.key(id),
    ] })
    .to_string()
}

pub(crate) fn signed(pair: &Signer, header: &Value, claims: &Value) -> String {
    pair.token(header, claims).unwrap()
}

pub(crate) fn header(id: &str) -> Value {
    json!({ "alg": "RS256", "kid": id, "typ": "JWT" })
}

/// As Entra ID writes them for an application, in version 1.0.
pub(crate) fn claims() -> Value {
    json!({
        "iss": "https://sts.windows.net/t/", "aud": AUDIENCE, "appid": APP, "tid": "t", "ver": "1.0",
        "roles": ["AzureEventGridSecureWebhookSubscriber"], "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
    })
}

pub(crate) fn expected() -> Expected {
    let issuers = ["https://sts.windows.net/t/", "https://login.microsoftonline.com/t/v2.0"];
    Expected {
        issuers: issuers.map(str::to_owned).to_vec(),
        audience: AUDIENCE.to_owned(),
        sender: Sender::Apps(vec![OTHER_APP.to_owned(), APP.to_owned()]),
    }
}

pub(crate) fn verifier(url: &str) -> Verifier {
    Verifier::new(expected(), url)
}
