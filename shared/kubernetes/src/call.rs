//! One request to an API server, and its answer.

use crate::refusal::Refusal;
use http::Method;
use hyper::body::Bytes;
use pawl_domain::{ClusterName, Kind, Step};
use pawl_ports::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// A kind of object, as it is addressed.
#[derive(Debug)]
pub(crate) struct Resource<'r> {
    /// The path of its group and version.
    pub(crate) prefix: &'r str,
    /// Its plural, with the subresource that is meant.
    pub(crate) plural: &'r str,
    /// What people call one.
    pub(crate) kind: &'r str,
}

pub(crate) const SECRETS: Resource<'static> =
    Resource { prefix: "/api/v1", plural: "secrets", kind: "Secret" };
pub(crate) const CONFIG_MAPS: Resource<'static> =
    Resource { prefix: "/api/v1", plural: "configmaps", kind: "ConfigMap" };
pub(crate) const NAMESPACES: Resource<'static> =
    Resource { prefix: "/api/v1", plural: "namespaces", kind: "Namespace" };
pub(crate) const EVENTS: Resource<'static> = Resource { prefix: "/api/v1", plural: "events", kind: "Event" };
pub(crate) const SERVICE_ACCOUNTS: Resource<'static> =
    Resource { prefix: "/api/v1", plural: "serviceaccounts", kind: "ServiceAccount" };

/// What is done, in the words of RBAC.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Patch,
    Delete,
}

impl Verb {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    pub(crate) fn method(self) -> Method {
        match self {
            Self::Get | Self::List | Self::Watch => Method::GET,
            Self::Create => Method::POST,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

/// One request. Reading a call top-down: which step it belongs to, what it does, to what.
pub(crate) struct Call<'a> {
    pub(crate) step: Step,
    pub(crate) verb: Verb,
    resource: &'a Resource<'a>,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    subresource: Option<&'static str>,
    query: String,
    pub(crate) body: Option<(&'static str, Bytes)>,
    pub(crate) metadata_only: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(step: Step, verb: Verb, resource: &'a Resource<'a>) -> Self {
        Self {
            step,
            verb,
            resource,
            namespace: None,
            name: None,
            subresource: None,
            query: String::new(),
            body: None,
            metadata_only: false,
        }
    }

    pub(crate) fn namespace(self, namespace: &'a str) -> Self {
        Self { namespace: Some(namespace), ..self }
    }

    /// In one namespace, or in all of them.
    pub(crate) fn within(self, namespace: Option<&'a str>) -> Self {
        Self { namespace, ..self }
    }

    pub(crate) fn name(self, name: &'a str) -> Self {
        Self { name: Some(name), ..self }
    }

    pub(crate) fn subresource(self, subresource: &'static str) -> Self {
        Self { subresource: Some(subresource), ..self }
    }

    pub(crate) fn query(mut self, key: &str, value: &str) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(key);
        self.query.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.query.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(self.query, "%{byte:02X}");
            }
        }
        self
    }

    pub(crate) fn body(self, content_type: &'static str, bytes: Bytes) -> Self {
        Self { body: Some((content_type, bytes)), ..self }
    }

    /// Asks for metadata only: what is not wanted shall not travel, least of all values.
    pub(crate) fn metadata_only(self) -> Self {
        Self { metadata_only: true, ..self }
    }

    /// Path and query.
    pub(crate) fn path(&self) -> String {
        let mut path = self.resource.prefix.to_owned();
        if let Some(namespace) = self.namespace {
            path.push_str("/namespaces/");
            path.push_str(namespace);
        }
        for part in [Some(self.resource.plural), self.name, self.subresource].into_iter().flatten() {
            path.push('/');
            path.push_str(part);
        }
        path + &self.query
    }

    /// `secrets`, `serviceaccounts/token`: the resource in the words of RBAC.
    pub(crate) fn resource(&self) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.resource.plural),
            None => self.resource.plural.to_owned(),
        }
    }

    /// The namespace that is worked in; a Namespace itself is one.
    pub(crate) fn place(&self) -> Option<&str> {
        self.namespace.or_else(|| self.name.filter(|_| self.resource.plural == NAMESPACES.plural))
    }

    /// The name of the one object that is meant.
    pub(crate) fn named(&self) -> Option<&str> {
        self.name
    }

    /// `Secret shop/db in cluster blue`.
    pub(crate) fn subject(&self, cluster: &ClusterName) -> String {
        let kind = self.resource.kind;
        match (self.namespace, self.name) {
            (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name} in cluster {cluster}"),
            (None, Some(name)) => format!("{kind} {name} in cluster {cluster}"),
            (Some(namespace), None) => format!("{kind}s of namespace {namespace} in cluster {cluster}"),
            (None, None) => format!("{kind}s in cluster {cluster}"),
        }
    }
}

/// JSON in one buffer of at least `room` bytes, which is wiped when it has been sent.
pub(crate) fn sealed(value: &impl Serialize, room: usize) -> Bytes {
    let mut buffer = Zeroizing::new(Vec::with_capacity(room));
    // Plain data with text keys always serialises, and a Vec takes every write.
    let _ = serde_json::to_writer(&mut *buffer, value);
    Bytes::from_owner(buffer)
}

/// The bytes of an answer, wiped on drop.
pub(crate) struct Body(pub(crate) Zeroizing<Vec<u8>>);

impl Body {
    /// The answer's content.
    ///
    /// # Errors
    /// `Transient` if it is not what was asked for. What was read instead is not told: it may be values.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        cluster: &ClusterName,
    ) -> Result<T, Error> {
        serde_json::from_slice(&self.0).map_err(|_| {
            let subject = call.subject(cluster);
            Error::new(call.step, Kind::Transient, format!("the answer about {subject} cannot be read"))
        })
    }
}

/// What an API server said.
pub(crate) enum Reply {
    /// It did as asked.
    Done(Body),
    /// It did not.
    Refused(Refusal),
}

impl Reply {
    /// The answer, where every refusal is an error.
    pub(crate) fn or_fail(self, call: &Call<'_>, cluster: &ClusterName) -> Result<Body, Error> {
        match self {
            Self::Done(body) => Ok(body),
            Self::Refused(refusal) => Err(refusal.into_error(call, cluster)),
        }
    }

    /// The answer, where "there is none" is `None` and every other refusal an error.
    pub(crate) fn or_missing(self, call: &Call<'_>, cluster: &ClusterName) -> Result<Option<Body>, Error> {
        match self {
            Self::Refused(refusal) if refusal.code == 404 => Ok(None),
            reply => reply.or_fail(call, cluster).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_addressed() {
        let call = Call::new(Step::Write, Verb::Create, &SECRETS)
            .namespace("shop")
            .query("a", "x/y z")
            .query("b", "1");
        assert_eq!(call.path(), "/api/v1/namespaces/shop/secrets?a=x%2Fy%20z&b=1");
        let call = Call::new(Step::Read, Verb::Get, &NAMESPACES).name("shop");
        assert_eq!((call.path().as_str(), call.place()), ("/api/v1/namespaces/shop", Some("shop")));
        let call = Call::new(Step::Read, Verb::Create, &SERVICE_ACCOUNTS)
            .namespace("shop")
            .name("a")
            .subresource("token");
        assert_eq!(call.path(), "/api/v1/namespaces/shop/serviceaccounts/a/token");
        assert_eq!(call.resource(), "serviceaccounts/token");
        assert_eq!(call.subject(&"blue".parse().unwrap()), "ServiceAccount shop/a in cluster blue");
    }
}
