//! The request that the templates of a manifest make, for a key or for what is made. Source: ESO's webhook provider, version 2.9.

use pawl_domain::query::Told;
use pawl_domain::render::{Budget, Scope, query_escaped};
use pawl_domain::store::WebhookStore;
use pawl_domain::{Functions, SecretValue};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All that decides what is asked for.
pub(super) struct Reading {
    pub(super) store: Arc<WebhookStore>,
    pub(super) functions: Functions,
    pub(super) secrets: Scope,
    /// The namespace that reads; empty where no template sees it.
    pub(super) namespace: String,
    /// What is read; `None` where nothing is, but made.
    pub(super) told: Option<Told>,
}

/// A request, and where in its answer the value is.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<SecretValue>,
    /// `None` where the answer is the value.
    pub(super) path: Option<SecretValue>,
}

/// What all templates of one request may use together: a fifth of a second of a release build.
const STEPS: u64 = 2_000_000;
const BYTES: usize = 8 << 20;

impl Reading {
    /// What the templates make.
    ///
    /// # Errors
    /// What is wrong with a template or with what it made, in words that quote neither values nor what was made.
    pub(super) fn request(&self) -> Result<Request, String> {
        let mut budget = Budget::new(STEPS, BYTES);
        let (escaped, plain) = (self.scope(query_escaped), self.scope(<[u8]>::to_vec));
        let store = &self.store;
        let url = self.text("url", &store.url, &escaped, &mut budget)?;
        let body = self.text("body", &store.body, &plain, &mut budget)?;
        let path = match self.told {
            Some(_) => self.text("result.jsonPath", &store.json_path, &plain, &mut budget)?,
            // As in ESO, whose generator follows it as it is written.
            None => SecretValue::new(store.json_path.as_str()),
        };
        let method = Method::from_bytes(store.method.as_bytes());
        Ok(Request {
            method: method.map_err(|_| format!("{}'s method is none; correct it", self.owner()))?,
            url: address(&url, store.server()).map_err(|what| format!("{}'s {what}", self.owner()))?,
            headers: self.headers(&plain, &mut budget)?,
            body: Some(body).filter(|body| !body.is_empty()),
            path: Some(path).filter(|path| !path.is_empty()),
        })
    }

    /// Whose templates they are.
    fn owner(&self) -> &'static str {
        if self.told.is_some() { "the store" } else { "the generator" }
    }

    fn headers(&self, scope: &Scope, budget: &mut Budget) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        let own = self.store.content_type.iter().map(|value| ("content-type", value));
        let given = self.store.headers.0.iter().map(|(name, value)| (name.as_str(), value));
        for (name, template) in given.chain(own) {
            let value = self.text(&format!("headers[{name}]"), template, scope, budget)?;
            let unusable = |what: &str| format!("{}'s headers[{name}] {what}", self.owner());
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| unusable("is no name of a header; correct it"))?;
            let mut value = HeaderValue::from_bytes(value.expose()).map_err(|_| {
                unusable("has characters that no header may hold; check for a line break at its end")
            })?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        Ok(headers)
    }

    fn text(
        &self,
        field: &str,
        template: &str,
        scope: &Scope,
        budget: &mut Budget,
    ) -> Result<SecretValue, String> {
        self.functions
            .text("webhooktemplate", template, scope, budget)
            .map_err(|problem| format!("{}'s {field}: {problem}", self.owner()))
    }

    /// What templates see. A Secret that is called like the read lies over it.
    fn scope(&self, written: impl Fn(&[u8]) -> Vec<u8>) -> Scope {
        let mut scope = Scope::new();
        if let Some(Told { key, property, version }) = &self.told {
            let told = [("key", key), ("property", property), ("version", version)];
            let mut read: BTreeMap<String, SecretValue> = told
                .into_iter()
                .map(|(name, text)| (name.to_owned(), SecretValue::new(written(text.as_bytes()))))
                .collect();
            read.insert("namespace".to_owned(), SecretValue::new(self.namespace.as_str()));
            scope.insert(WebhookStore::READ.to_owned(), read);
        }
        for (name, texts) in &self.secrets {
            scope.entry(name.clone()).or_default().extend(texts.clone());
        }
        scope
    }
}

/// The address that was made, where it is one of the server, and the path is the one that was written: `..` and its like would
/// lead to what is above it.
fn address(made: &SecretValue, server: &str) -> Result<Url, String> {
    let wrong = |what: &str| format!("url, with its templates filled in, {what}");
    let text = made.expose_str().ok_or_else(|| wrong("is not text"))?;
    let behind = text.strip_prefix(server).ok_or_else(|| wrong("leads to another server"))?;
    if text.contains(|sign: char| sign.is_control() || sign == '\\') || text.ends_with(' ') {
        let what = "has a backslash, a line break or another sign that no address has; write it in one line";
        return Err(wrong(what));
    }
    let path = behind.split(['?', '#']).next().unwrap_or_default();
    let is_dots = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(is_dots) {
        return Err(wrong("has . or .. in its path; write the path out, and correct the key"));
    }
    Url::parse(text).map_err(|_| wrong("is no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_where_they_were_written() {
        let server = "https://api.example.com";
        let address = |made: &str| address(&SecretValue::new(made), server);
        for (made, path) in [
            ("https://api.example.com", "/"),
            ("https://api.example.com/a%2Fb/..c?x=../y#..", "/a%2Fb/..c"),
            ("https://api.example.com/a b", "/a%20b"),
            ("https://api.example.com?x=1", "/"),
        ] {
            let url = address(made).unwrap();
            assert_eq!((url.host_str(), url.path()), (Some("api.example.com"), path), "{made}");
        }
        for made in [
            "https://evil.example/",
            "https://api.example.com/a/../b",
            "https://api.example.com/..",
            "https://api.example.com/%2E%2e/b",
            "https://api.example.com/.%2e",
            "https://api.example.com/./b",
            "https://api.example.com/a\n",
            "https://api.example.com/a\tb",
            "https://api.example.com/a\\..\\b",
            "https://api.example.com/a ",
            "/hunter2",
        ] {
            let error = address(made).unwrap_err();
            assert!(!error.contains("hunter2") && error.starts_with("url"), "{made}: {error}");
        }
        // What follows the server can make another of it; the link that is asked refuses it.
        let other = address("https://api.example.com.evil.example/").unwrap();
        assert_eq!(other.host_str(), Some("api.example.com.evil.example"));
    }
}
