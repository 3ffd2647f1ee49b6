//! A double of an API that somebody wrote for themselves: keys with values as JSON behind a token, or whatever it is told to
//! answer. It keeps what it was asked, to the last header.

use crate::error::Result;
pub use crate::rest::Asked;
use crate::rest::{Answer, Answers, Served, answer, with_headers};
use http::Request;
use hyper::body::Bytes;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::sync::MutexGuard;

/// The token that it takes, in `Authorization: Bearer <token>`.
pub const TOKEN: &str = "api-double";

/// An API on a port of its own. `GET /keys/<key>` answers `{"value": …}`. Dropping it closes the port.
#[derive(Debug)]
pub struct Api {
    served: Served<State>,
}

#[derive(Debug, Default)]
struct State {
    token: String,
    values: BTreeMap<String, String>,
    asked: Vec<Asked>,
    /// Answers in place of the next ones.
    scripted: VecDeque<Scripted>,
}

#[derive(Debug)]
struct Scripted {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Api {
    /// Starts with nothing in it.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start() -> Result<Self> {
        let state = State { token: TOKEN.to_owned(), ..State::default() };
        Ok(Self { served: Served::start(|_| state).await? })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        self.served.address()
    }

    /// Makes a key, or gives it another value.
    pub fn set(&self, key: &str, value: &str) {
        self.state().values.insert(key.to_owned(), value.to_owned());
    }

    /// Deletes a key.
    pub fn unset(&self, key: &str) {
        self.state().values.remove(key);
    }

    /// Takes another token from now on, and none but that.
    pub fn rotate(&self, token: &str) {
        token.clone_into(&mut self.state().token);
    }

    /// Answers the next request so, whatever it is.
    pub fn answer(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.state().scripted.push_back(Scripted { status, headers, body: body.to_owned() });
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state().asked)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.served.state()
    }
}

impl Answers for State {
    fn answer(&mut self, request: &Request<Bytes>) -> Answer {
        let asked = Asked::of(request);
        self.asked.push(asked.clone());
        if let Some(Scripted { status, headers, body }) = self.scripted.pop_front() {
            return with_headers(answer(status, body), &headers);
        }
        if asked.headers.get("authorization") != Some(&format!("Bearer {}", self.token)) {
            return answer(401, json!({ "error": "unauthorized: hunter2" }).to_string());
        }
        let value = asked.uri.strip_prefix("/keys/").and_then(|key| self.values.get(key));
        match (asked.method.as_str(), value) {
            ("GET", Some(value)) => answer(200, json!({ "value": value }).to_string()),
            ("GET", None) => answer(404, json!({ "error": "no such key: hunter2" }).to_string()),
            _ => answer(405, json!({ "error": "not allowed: hunter2" }).to_string()),
        }
    }
}
