//! The wire shape of an audit record, as far as writes need it.

use super::written::{Operation, Written};
use crate::Error;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Number;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What every string that Vault hashes begins with.
const HMAC: &str = "hmac-sha256:";

#[derive(Deserialize)]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) request: Request<'a>,
    #[serde(borrow)]
    response: Option<Response<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Request<'a> {
    #[serde(borrow, default)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow, default)]
    operation: Cow<'a, str>,
    #[serde(borrow)]
    mount_point: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mount_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mount_class: Option<Cow<'a, str>>,
    #[serde(borrow)]
    namespace: Option<Namespace<'a>>,
    #[serde(borrow, default)]
    path: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Namespace<'a> {
    #[serde(borrow, default)]
    path: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    mount_point: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mount_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mount_class: Option<Cow<'a, str>>,
    #[serde(borrow)]
    redirect: Option<Cow<'a, str>>,
    // Engines put anything here.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The parts of an engine's answer that tell whether it did what it was asked.
#[derive(Default, Deserialize)]
struct Answer {
    error: Option<IgnoredAny>,
    http_status_code: Option<Number>,
    version: Option<Number>,
}

impl<'a> Record<'a> {
    /// The record on this line, if it tells how a write ended.
    pub(super) fn of_write(line: &'a [u8]) -> Result<Option<Self>, Error> {
        let start = line.iter().position(|byte| *byte == b'{');
        let start = start.ok_or_else(|| Error::malformed("it has no JSON object"))?;
        let record: Self = serde_json::from_slice(line.get(start..).unwrap_or_default())?;
        match record.kind.as_deref() {
            Some("response") => Ok(Operation::parse(&record.request.operation).map(|_| record)),
            Some("request") => Ok(None),
            _ => Err(Error::malformed("it is no audit record: its type is neither request nor response")),
        }
    }

    /// What was written, if it was.
    pub(super) fn written(&self) -> Result<Option<Written>, Error> {
        let Some(operation) = Operation::parse(&self.request.operation) else { return Ok(None) };
        let Some(version) = self.success() else { return Ok(None) };
        let response = self.response.as_ref();
        let told = |one: &Option<Cow<'_, str>>, other: Option<&Option<Cow<'_, str>>>| {
            let text = one.as_deref().or_else(|| other.and_then(|other| other.as_deref()));
            text.unwrap_or_default().to_owned()
        };
        let mount = told(&self.request.mount_point, response.map(|it| &it.mount_point));
        let path = self.request.path.trim_start_matches('/');
        if mount.contains(HMAC) || path.contains(HMAC) {
            let reason =
                "its path is hidden behind an HMAC, so nobody can tell what was written; let paths be plain";
            return Err(Error::malformed(reason));
        }
        let namespace = self.request.namespace.as_ref().map_or("", |it| it.path.trim_matches('/')).to_owned();
        Ok(Some(Written {
            operation,
            version,
            class: told(&self.request.mount_class, response.map(|it| &it.mount_class)),
            engine: told(&self.request.mount_type, response.map(|it| &it.mount_type)),
            mount: below(mount.trim_matches('/'), &namespace).to_owned(),
            namespace,
            path: path.to_owned(),
        }))
    }

    /// Nothing if the write failed; else the version that it made, where the engine tells.
    ///
    /// A refusal without an error of its own, such as a PATCH of a missing key, is told by the answer alone.
    fn success(&self) -> Option<Option<u64>> {
        if self.error.as_deref().is_some_and(|error| !error.is_empty()) {
            return None;
        }
        let Some(response) = &self.response else { return Some(None) };
        if response.redirect.as_deref().is_some_and(|to| !to.is_empty()) {
            return None;
        }
        // An answer that is no object, or has other types than KV gives, is another engine's affair.
        let answer: Answer = match response.data {
            Some(data) => serde_json::from_str(data.get()).unwrap_or_default(),
            None => Answer::default(),
        };
        let refused =
            answer.http_status_code.is_some_and(|code| code.as_u64().is_none_or(|code| code >= 300));
        if answer.error.is_some() || refused {
            return None;
        }
        Some(answer.version.and_then(|version| version.as_u64()))
    }

    /// Long ago where the record has no time, so that nothing counts as older than it.
    pub(super) fn at(&self) -> Timestamp {
        self.time.as_deref().and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// A mount point without the namespace that both projects put before it.
fn below<'m>(mount: &'m str, namespace: &str) -> &'m str {
    match mount.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) if !namespace.is_empty() => rest,
        _ => mount,
    }
}
