//! Builds the requests that most APIs want, and says which answers are worth another attempt.

use super::{Ask, Bounds, Call, Link, Reply, Whole};
use pawl_domain::SecretValue;
use pawl_ports::Error;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use url::form_urlencoded::Serializer;

impl<'a> Ask<'a> {
    /// Asks for what is at a path; the answer is as long as a list at most.
    pub fn get(path: &[&'a str], query: &[(&'a str, &'a str)]) -> Self {
        let (path, query) = (path.to_vec(), query.to_vec());
        Self { method: Method::GET, path, query, headers: HeaderMap::new(), body: None, largest: usize::MAX }
    }

    /// Sends a form ([`form`]).
    pub fn form(path: &[&'a str], body: &'a SecretValue) -> Self {
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, kind)]);
        Self { method: Method::POST, headers, body: Some(body), ..Self::get(path, &[]) }
    }

    /// Asks for one thing, whose answer is no list.
    pub fn read(path: Vec<&'a str>, headers: HeaderMap, bounds: &Bounds) -> Self {
        let largest = bounds.largest_answer;
        Self { method: Method::GET, path, query: Vec::new(), headers, body: None, largest }
    }

    /// Sends a JSON body, with an answer that is no list.
    pub fn post(path: Vec<&'a str>, headers: HeaderMap, body: &'a SecretValue, bounds: &Bounds) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::read(path, headers, bounds) }
    }
}

/// A form as in a query.
pub fn form(fields: &[(&str, &str)]) -> SecretValue {
    SecretValue::new(Serializer::new(String::new()).extend_pairs(fields).finish())
}

impl Link {
    /// Asks, and asks again where the server is busy or failed: for questions, and for what may be done twice.
    ///
    /// # Errors
    /// As for [`Link::send`].
    pub async fn ask(&self, call: &Call<'_>, ask: Ask<'_>) -> Result<Reply, Error> {
        self.send(call, &|| Ok(ask.clone()), &may_pass).await
    }

    /// The same, of an address that is written out whole.
    ///
    /// # Errors
    /// As for [`Link::send_whole`].
    pub async fn ask_whole(&self, call: &Call<'_>, ask: Whole<'_>) -> Result<Reply, Error> {
        self.send_whole(call, &|| Ok(ask.clone()), &may_pass).await
    }
}

/// Whether the same may go well in a moment: the server is busy, or failed.
pub fn may_pass(reply: &Reply) -> bool {
    matches!(reply.status.as_u16(), 429 | 500..600)
}
