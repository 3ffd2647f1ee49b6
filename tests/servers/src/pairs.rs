//! A double of any API, made of pairs: a request, and what it is answered.
//!
//! The pairs are JSON, one a line; a test may add others while it runs:
//!
//! ```json
//! {"ask": {"path": "/v1/vaults", "query": {"filter": "title eq \"a\""}, "headers": {"authorization": "Bearer t"}},
//!  "reply": {"status": 200, "headers": {"etag": "\"1\""}, "body": [{"id": "1"}]}}
//! ```
//!
//! Path, method and query must be those of the request, where `*` stands for any text. Of headers and body, what is wanted must
//! be there, and more may be. A request that is wanted but for its headers is refused; one that nobody wrote down is answered
//! as the real server answers an unknown path, and fails the test when the double is dropped.

use crate::error::{Error, Result};
pub use crate::rest::Asked;
use crate::rest::{Answer, Answers, Fate, Served, answer, decoded, form, with_headers};
use http::Request;
use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::MutexGuard;

/// What is asked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// The path, without percent signs.
    pub path: String,
    /// The query, whole.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Headers that must be there, in small letters.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What must be in the body: members of an object, or a part of the text.
    #[serde(default)]
    pub body: Value,
}

/// What is answered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body: a text as it is, anything else as JSON.
    #[serde(default)]
    pub body: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    ask: Ask,
    reply: Reply,
}

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is answered so, whatever it asks.
    Answer(Reply),
    /// The answer breaks off in the middle.
    Cut,
    /// No answer comes.
    Silent,
}

/// The double, on a port of its own. Dropping it closes the port, and fails the test if it was asked what nobody wrote down.
#[derive(Debug)]
pub struct Pairs {
    served: Served<State>,
}

#[derive(Debug)]
struct State {
    pairs: Vec<Pair>,
    strange: Reply,
    refused: Reply,
    faults: BTreeMap<usize, Fault>,
    asked: Vec<Asked>,
    calls: usize,
    strays: Vec<Asked>,
}

impl Pairs {
    /// Starts with these pairs. `strange` is the real server's answer to an unknown path, `refused` to a wrong token.
    ///
    /// # Errors
    /// When the text is no list of pairs, or no port can be listened on.
    pub async fn start(text: &str, strange: Reply, refused: Reply) -> Result<Self> {
        let pairs =
            serde_json::Deserializer::from_str(text).into_iter().collect::<std::result::Result<_, _>>();
        let pairs = pairs.map_err(|error| Error::io("reading pairs")(error.into()))?;
        let (faults, asked, strays) = (BTreeMap::new(), Vec::new(), Vec::new());
        let state = State { pairs, strange, refused, faults, asked, calls: 0, strays };
        Ok(Self { served: Served::start(|_| state).await? })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        self.served.address()
    }

    /// Answers this from now on so, in place of what the same was answered before.
    pub fn put(&self, ask: Ask, reply: Reply) {
        let mut state = self.state();
        state.pairs.retain(|pair| pair.ask != ask);
        state.pairs.push(Pair { ask, reply });
    }

    /// Lets this go wrong with a call: 0 is the next one, 1 the one behind it.
    pub fn fault(&self, call: usize, fault: Fault) {
        let mut state = self.state();
        let call = state.calls + call;
        state.faults.insert(call, fault);
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state().asked)
    }

    /// What was asked that nobody wrote down. Whoever takes it has expected it: it fails no test.
    pub fn strays(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state().strays)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.served.state()
    }
}

impl Drop for Pairs {
    fn drop(&mut self) {
        let strays = self.strays();
        assert!(
            strays.is_empty() || std::thread::panicking(),
            "nobody wrote down what it is asked: {strays:?}"
        );
    }
}

impl Ask {
    /// `GET` of this path.
    pub fn get(path: &str) -> Self {
        let (query, headers) = (BTreeMap::new(), BTreeMap::new());
        Self { method: get(), path: path.to_owned(), query, headers, body: Value::Null }
    }

    /// `POST` to this path of a body that has this in it.
    pub fn post(path: &str, body: Value) -> Self {
        Self { method: "POST".to_owned(), body, ..Self::get(path) }
    }

    /// The same with this in its query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same with this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// How exactly it says what it wants, where it is asked so but for its headers: less with each `*`.
    fn matches(&self, asked: &Asked) -> Option<usize> {
        let (path, query) = asked.uri.split_once('?').unwrap_or((&asked.uri, ""));
        let (path, query) = (decoded(path), form(query));
        let is_query = self.query.len() == query.len()
            && self.query.iter().all(|(name, want)| query.get(name).is_some_and(|value| glob(want, value)));
        let is_body = match &self.body {
            Value::Null => true,
            Value::String(part) => asked.body.contains(part.as_str()),
            want => serde_json::from_str(&asked.body).is_ok_and(|body| holds(&body, want)),
        };
        let is_meant = glob(&self.method, &asked.method) && glob(&self.path, &path) && is_query && is_body;
        let texts = self.query.values().chain([&self.method, &self.path]);
        is_meant.then(|| usize::MAX - texts.map(|text| text.matches('*').count()).sum::<usize>())
    }

    fn has_headers(&self, asked: &Asked) -> bool {
        self.headers.iter().all(|(name, want)| asked.headers.get(name).is_some_and(|value| glob(want, value)))
    }
}

impl Reply {
    /// This status with this body.
    pub fn of(status: u16, body: Value) -> Self {
        Self { status, headers: BTreeMap::new(), body }
    }

    /// The same with this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    fn answer(&self) -> Answer {
        let (kind, body) = match &self.body {
            Value::Null => ("text/plain", String::new()),
            Value::String(text) => ("text/plain", text.clone()),
            body => ("application/json", body.to_string()),
        };
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name, value.clone())).collect();
        with_headers(with_headers(answer(self.status, body), &[("content-type", kind.to_owned())]), &headers)
    }
}

impl Answers for State {
    fn answer(&mut self, request: &Request<Bytes>) -> Answer {
        let asked = Asked::of(request);
        self.asked.push(asked.clone());
        let fault = self.faults.remove(&self.calls);
        self.calls += 1;
        if let Some(Fault::Answer(reply)) = &fault {
            return reply.answer();
        }
        let meant = self.pairs.iter().filter_map(|pair| Some((pair.ask.matches(&asked)?, pair)));
        // What wants headers before what does not; what was written last before what was written first.
        let best =
            meant.max_by_key(|(exact, pair)| (pair.ask.has_headers(&asked), *exact, pair.ask.headers.len()));
        let mut answer = match best {
            Some((_, pair)) if pair.ask.has_headers(&asked) => pair.reply.answer(),
            Some(_) => self.refused.answer(),
            None => {
                self.strays.push(asked);
                self.strange.answer()
            }
        };
        match fault {
            Some(Fault::Cut) => _ = answer.extensions_mut().insert(Fate::Cut),
            Some(Fault::Silent) => _ = answer.extensions_mut().insert(Fate::Silent),
            _ => {}
        }
        answer
    }
}

fn get() -> String {
    "GET".to_owned()
}

/// Whether a text is this one, in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|behind| {
            behind.char_indices().map(|(at, _)| at).chain([behind.len()]).any(|at| glob(rest, &behind[at..]))
        }),
    }
}

/// Whether all that is wanted is in a body.
fn holds(body: &Value, want: &Value) -> bool {
    match (body, want) {
        (Value::Object(body), Value::Object(want)) => {
            want.iter().all(|(name, want)| body.get(name).is_some_and(|value| holds(value, want)))
        }
        (Value::String(body), Value::String(want)) => glob(want, body),
        _ => body == want,
    }
}
