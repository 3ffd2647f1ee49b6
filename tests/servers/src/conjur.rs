//! A double of CyberArk Conjur: logins, variables with their versions, and its one word for what is not there, has no value or
//! may not be seen.
//!
//! Source: the code of Conjur (`secrets_controller.rb`, `resources_controller.rb`, `authorize_resource.rb`).

use crate::error::Result;
use crate::rest::{Answer, Answers, Asked, Served, answer, decoded, form, json_answer, with_headers};
use http::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::MutexGuard;

/// The account.
pub const ACCOUNT: &str = "shop";
/// Who may log in with the key.
pub const LOGIN: &str = "host/shop";
/// The key.
pub const API_KEY: &str = "api-key";
/// The token that the authenticator takes.
pub const JWT: &str = "jwt-token";

/// A Conjur on a port of its own. Dropping it closes the port.
#[derive(Debug)]
pub struct Conjur {
    served: Served<State>,
}

/// What the identity may do with a variable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum May {
    /// See it and its value.
    Execute,
    /// See it.
    Read,
    /// Nothing: it does not even see that it is there.
    Nothing,
}

#[derive(Debug)]
struct Variable {
    /// Each value with the number of its version.
    values: Vec<(u64, Vec<u8>)>,
    annotations: BTreeMap<String, String>,
    may: May,
}

#[derive(Debug, Default)]
struct State {
    variables: BTreeMap<String, Variable>,
    /// How often somebody logged in, which is what tokens are told apart by.
    logins: u64,
    /// Tokens of logins before this one are refused.
    since: u64,
    key: String,
    asked: Vec<Asked>,
    scripted: Vec<(u16, Vec<(&'static str, String)>)>,
    is_old: bool,
}

/// Conjur keeps so many versions.
const KEPT: usize = 20;

impl Conjur {
    /// Starts with nothing in it.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start() -> Result<Self> {
        let state = State { key: API_KEY.to_owned(), ..State::default() };
        Ok(Self { served: Served::start(|_| state).await? })
    }

    /// Its address.
    pub fn address(&self) -> &str {
        self.served.address()
    }

    /// Makes a variable without a value.
    pub fn make(&self, id: &str) {
        self.state().variable(id);
    }

    /// Gives a variable, which comes into being if it is not there, another value; returns the version's number.
    pub fn set(&self, id: &str, value: &[u8]) -> u64 {
        let mut state = self.state();
        let values = &mut state.variable(id).values;
        let version = values.last().map_or(1, |(version, _)| version + 1);
        values.push((version, value.to_vec()));
        let gone = values.len().saturating_sub(KEPT);
        values.drain(..gone);
        version
    }

    /// Annotates a variable.
    pub fn annotate(&self, id: &str, name: &str, value: &str) {
        self.state().variable(id).annotations.insert(name.to_owned(), value.to_owned());
    }

    /// Lets the identity do less with a variable, or more.
    pub fn let_do(&self, id: &str, may: May) {
        self.state().variable(id).may = may;
    }

    /// Takes a variable away.
    pub fn unset(&self, id: &str) {
        self.state().variables.remove(id);
    }

    /// Takes no token that was given out before.
    pub fn expire(&self) {
        let mut state = self.state();
        state.since = state.logins + 1;
    }

    /// Takes another API key from now on.
    pub fn rotate(&self, key: &str) {
        key.clone_into(&mut self.state().key);
    }

    /// Answers as servers do that do not know base64 in batches.
    pub fn grow_old(&self) {
        self.state().is_old = true;
    }

    /// Answers the next request so.
    pub fn answer(&self, status: u16, headers: &[(&'static str, &str)]) {
        let headers = headers.iter().map(|&(name, value)| (name, value.to_owned())).collect();
        self.state().scripted.push((status, headers));
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
        if !self.scripted.is_empty() {
            let (status, headers) = self.scripted.remove(0);
            return with_headers(said(status, "scripted", "hunter2"), &headers);
        }
        let (path, query) = asked.uri.split_once('?').unwrap_or((&asked.uri, ""));
        let parts: Vec<String> = path.split('/').skip(1).map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let query = form(query);
        if asked.method == "POST" {
            return self.login(&parts, &asked);
        }
        let token = asked.headers.get("authorization").map(String::as_str);
        if !(self.since.max(1)..=self.logins).any(|login| token == Some(&authorization(login))) {
            return answer(401, "");
        }
        match parts[..] {
            ["resources", ACCOUNT] => self.page(&query),
            ["resources", ACCOUNT, "variable", id] => match self.seen(id) {
                Some(variable) => json_answer(200, &resource(id, variable)),
                None => said(404, "not_found", &format!("Variable '{id}' not found in account '{ACCOUNT}'")),
            },
            ["secrets", ACCOUNT, "variable", id] => match self.value(id, query.get("version")) {
                Ok(value) => answer(200, value.to_vec()),
                Err(refused) => *refused,
            },
            ["secrets"] => self.batch(query.get("variable_ids"), asked.headers.get("accept-encoding")),
            _ => said(404, "not_found", "no such path: hunter2"),
        }
    }
}

impl State {
    fn variable(&mut self, id: &str) -> &mut Variable {
        let none = || Variable { values: Vec::new(), annotations: BTreeMap::new(), may: May::Execute };
        self.variables.entry(id.to_owned()).or_insert_with(none)
    }

    fn login(&mut self, parts: &[&str], asked: &Asked) -> Answer {
        let is_right = match parts {
            ["authn", ACCOUNT, LOGIN, "authenticate"] => asked.body == self.key,
            ["authn-jwt", "k8s", ACCOUNT, "authenticate"]
            | ["authn-jwt", "k8s", ACCOUNT, "host/team", "authenticate"] => {
                form(&asked.body).get("jwt").is_some_and(|token| token == JWT)
            }
            _ => false,
        };
        if !is_right {
            return answer(401, "");
        }
        self.logins += 1;
        answer(200, token(self.logins))
    }

    fn seen(&self, id: &str) -> Option<&Variable> {
        self.variables.get(id).filter(|variable| variable.may != May::Nothing)
    }

    fn value(&self, id: &str, version: Option<&String>) -> std::result::Result<&Vec<u8>, Box<Answer>> {
        let none = || {
            let message =
                format!("CONJ00076E Variable {ACCOUNT}:variable:{id} is empty or not found. hunter2");
            Box::new(said(404, "not_found", &message))
        };
        let variable = self.seen(id).ok_or_else(none)?;
        if variable.may != May::Execute {
            return Err(Box::new(said(403, "forbidden", "hunter2")));
        }
        let mut kept = variable.values.iter().rev();
        let found = match version {
            None => kept.next(),
            Some(version) => kept.find(|(number, _)| number.to_string() == *version),
        };
        found.map(|(_, value)| value).ok_or_else(none)
    }

    /// One that may not be read spoils all.
    fn batch(&self, ids: Option<&String>, encoding: Option<&String>) -> Answer {
        let ids: Vec<&str> = ids.map(|ids| ids.split(',').collect()).unwrap_or_default();
        let is_twice = (1..ids.len()).any(|at| ids[at..].contains(&ids[at - 1]));
        if ids.is_empty() || ids.contains(&"") || is_twice {
            return said(422, "validation_failed", "variable_ids");
        }
        let (mut found, is_packed) =
            (serde_json::Map::new(), !self.is_old && encoding.is_some_and(|text| text == "base64"));
        for id in ids {
            let value = match self.value(id.strip_prefix("shop:variable:").unwrap_or(id), None) {
                Ok(value) => value,
                Err(refused) => return *refused,
            };
            let text = match (is_packed, std::str::from_utf8(value)) {
                (true, _) => base64(value),
                (false, Ok(text)) => text.to_owned(),
                (false, Err(_)) => return said(406, "bad_secret_encoding", "hunter2"),
            };
            found.insert(id.to_owned(), json!(text));
        }
        let answer = json_answer(200, &Value::Object(found));
        match is_packed {
            true => with_headers(answer, &[("content-encoding", "base64".to_owned())]),
            false => answer,
        }
    }

    fn page(&self, query: &BTreeMap<String, String>) -> Answer {
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        if query.get("kind").map(String::as_str) != Some("variable") {
            return said(422, "validation_failed", "kind");
        }
        let seen = self.variables.iter().filter(|(_, variable)| variable.may != May::Nothing);
        let page = seen.skip(number("offset").unwrap_or(0)).take(number("limit").unwrap_or(usize::MAX));
        json_answer(200, &page.map(|(id, variable)| resource(id, variable)).collect())
    }
}

fn resource(id: &str, variable: &Variable) -> Value {
    let annotations = variable.annotations.iter();
    let annotations = annotations
        .map(|(name, value)| json!({ "name": name, "value": value, "policy": "shop:policy:root" }));
    let secrets =
        variable.values.iter().map(|(version, _)| json!({ "version": version, "expires_at": null }));
    json!({
        "id": format!("{ACCOUNT}:variable:{id}"), "owner": "shop:policy:root", "policy": "shop:policy:root",
        "permissions": [], "annotations": annotations.collect::<Vec<_>>(), "secrets": secrets.collect::<Vec<_>>(),
    })
}

fn token(login: u64) -> String {
    json!({ "protected": "e30=", "payload": base64(login.to_string().as_bytes()), "signature": "e30=" })
        .to_string()
}

fn authorization(login: u64) -> String {
    format!("Token token=\"{}\"", base64(token(login).as_bytes()).replace('\n', ""))
}

/// As Ruby writes it: with a line break after each 60 letters.
fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    text.as_bytes().chunks(60).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect()
}

fn said(status: u16, code: &str, message: &str) -> Answer {
    json_answer(status, &json!({ "error": { "code": code, "message": message } }))
}
