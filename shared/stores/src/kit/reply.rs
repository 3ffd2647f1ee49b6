//! An answer, and whether it says that the key does not exist.

use super::Place;
use pawl_ports::Error;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use std::time::Duration;
use zeroize::Zeroizing;

/// What a server answered, whatever it says. It holds tokens and values: its body is wiped when it is dropped, and there is
/// no Debug.
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// How long the server asks to be left alone (`Retry-After` in seconds).
    pub rest: Option<Duration>,
    /// What it has of the memory for large answers.
    pub place: Place,
}

/// The longest that a server is left alone because it asked for it.
const LONGEST_REST: Duration = Duration::from_secs(3600);

impl Reply {
    /// The body, where it is a JSON object of this form; a list is not taken for its members in order.
    pub fn object<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        let is_object = self.body.trim_ascii_start().starts_with(b"{");
        is_object.then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }

    /// The body, where it is a JSON list of these.
    pub fn list<'a, T: Deserialize<'a>>(&'a self) -> Option<Vec<T>> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body, where it is JSON of this form.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The failure that this answer means, with the pause that the server asks for where trying again may help.
    pub fn failure(&self, error: Error) -> Error {
        match self.rest.filter(|_| error.is_retryable()) {
            Some(rest) => error.after(rest.min(LONGEST_REST)),
            None => error,
        }
    }
}

/// The one answer of a store that means that the key does not exist. What is only like it means something else: a token that
/// lost its rights must not make Secrets go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Absent {
    /// The status.
    pub status: StatusCode,
    /// The member of the body's object that says it.
    pub member: &'static str,
    /// What it says, exactly.
    pub says: &'static str,
}

impl Absent {
    /// Whether this is the answer.
    pub fn is(&self, reply: &Reply) -> bool {
        let said = || {
            let body: serde_json::Map<String, serde_json::Value> = reply.object()?;
            Some(body.get(self.member)?.as_str()? == self.says)
        };
        reply.status == self.status && said().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_answer_means_that_a_key_does_not_exist() {
        let absent = Absent { status: StatusCode::NOT_FOUND, member: "message", says: "404 Key Not Found" };
        for (status, body, want) in [
            (404, r#"{"message":"404 Key Not Found"}"#, true),
            (404, r#" {"message":"404 Key Not Found","more":1}"#, true),
            (404, r#"{"message":"404 Project Not Found"}"#, false),
            (404, r#"{"error":"404 Key Not Found"}"#, false),
            (404, r#"["404 Key Not Found"]"#, false),
            (404, "404 Key Not Found", false),
            (404, "", false),
            (403, r#"{"message":"404 Key Not Found"}"#, false),
            (200, r#"{"message":"404 Key Not Found"}"#, false),
        ] {
            let reply = Reply {
                status: StatusCode::from_u16(status).unwrap(),
                headers: HeaderMap::new(),
                body: Zeroizing::new(body.as_bytes().to_vec()),
                rest: None,
                place: Place::default(),
            };
            assert_eq!(absent.is(&reply), want, "{status} {body}");
        }
    }
}
