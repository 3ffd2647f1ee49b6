//! What it means when an API server refuses, without quoting it: its messages may quote the values it was sent.

use crate::call::Call;
use pawl_domain::{ClusterName, Kind, Step};
use pawl_pipeline::Error;
use serde::Deserialize;

/// A refusal: the code, and those parts of the `Status` that are words of Kubernetes and not of the request.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    /// Whether the body was a `Status`; a server that does not know a path answers with plain text.
    pub(crate) is_status: bool,
    /// Such as `AlreadyExists`.
    reason: String,
    /// The plural of the kind that is spoken of.
    about: String,
    /// Field and reason of each complaint.
    causes: Vec<(String, String)>,
    /// Whether the message speaks of a quota; nothing else in the answer does.
    quota: bool,
}

impl Refusal {
    pub(crate) fn new(code: u16, body: &[u8]) -> Self {
        let status: Option<Status> =
            serde_json::from_slice(body).ok().filter(|status: &Status| status.kind == "Status");
        let Some(status) = status else { return Self { code, ..Self::default() } };
        let details = status.details.unwrap_or_default();
        let causes =
            details.causes.into_iter().map(|cause| (shortened(&cause.field), shortened(&cause.reason)));
        Self {
            code,
            is_status: true,
            reason: status.reason,
            about: details.kind,
            causes: causes.take(MOST_CAUSES).collect(),
            quota: status.message.contains("exceeded quota"),
        }
    }

    /// Whether the namespace that was to be written to does not exist.
    pub(crate) fn is_namespace_missing(&self) -> bool {
        self.code == 404 && self.about == "namespaces"
    }

    /// Whether nothing more is said than that the request could not be carried out: a JSON patch that does not fit.
    pub(crate) fn is_without_cause(&self) -> bool {
        self.code == 422 && self.causes.is_empty()
    }

    /// The refusal as the flow wants it.
    pub(crate) fn into_error(self, call: &Call<'_>, cluster: &ClusterName) -> Error {
        let subject = call.subject(cluster);
        let place = call.place().unwrap_or_default();
        let error = |kind, message: String| Error::new(call.step, kind, message);
        match self.code {
            401 => Error::new(
                Step::Authenticate,
                Kind::Denied,
                format!(
                    "cluster {cluster} does not accept the token; check the access entry, or where the token comes from"
                ),
            ),
            403 if self.has_cause("NamespaceTerminating") => {
                error(Kind::NotFound, format!("namespace {place} in cluster {cluster} is being deleted"))
            }
            403 if self.quota => error(
                Kind::Denied,
                format!("{subject}: a quota of the namespace is used up; raise it, or remove Secrets"),
            ),
            403 => {
                let (verb, resource) = (call.verb.as_str(), call.resource());
                let message = format!(
                    "{subject}: not allowed to {verb} {resource}; grant it as infra/kubernetes/rbac.yaml does, \
                     or ask which admission policy refuses"
                );
                error(Kind::Denied, message)
            }
            404 if self.is_namespace_missing() => error(
                Kind::NotFound,
                format!("namespace {place} does not exist in cluster {cluster}; create it"),
            ),
            404 => error(Kind::NotFound, format!("{subject} does not exist")),
            409 if self.reason == "AlreadyExists" => {
                error(Kind::Conflict, format!("{subject} was made by somebody else in between"))
            }
            409 => error(Kind::Conflict, format!("{subject} was changed by somebody else in between")),
            413 => error(Kind::Invalid, too_large(&subject)),
            400 | 422 => error(Kind::Invalid, self.complaint(&subject)),
            429 => error(Kind::Throttled, format!("{subject}: the API server asks to slow down")),
            408 | 500..=599 => {
                error(Kind::Transient, format!("{subject}: the API server failed with {}", self.code))
            }
            code => {
                let verb = call.verb.as_str();
                error(
                    Kind::Invalid,
                    format!("{subject}: {verb} is answered with {code}, which no API server should"),
                )
            }
        }
    }

    fn has_cause(&self, reason: &str) -> bool {
        self.causes.iter().any(|(_, found)| found == reason)
    }

    fn complaint(&self, subject: &str) -> String {
        let immutable = |(field, reason): &(String, String)| {
            reason == "FieldValueForbidden" && matches!(field.as_str(), "data" | "immutable")
        };
        if self.causes.iter().any(immutable) {
            return format!("{subject} is immutable; delete it so that it can be made again");
        }
        if self.has_cause("FieldValueTooLong") {
            return too_large(subject);
        }
        if self.causes.is_empty() {
            return format!(
                "{subject} is refused as {}",
                if self.reason.is_empty() { "invalid" } else { &self.reason }
            );
        }
        let causes: Vec<String> =
            self.causes.iter().map(|(field, reason)| format!("{field} ({reason})")).collect();
        format!("{subject} is refused because of {}", causes.join(", "))
    }
}

const MOST_CAUSES: usize = 5;

fn too_large(subject: &str) -> String {
    format!("{subject} is larger than the 1 MiB that Kubernetes takes; split it")
}

fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The parts of a `metav1.Status` that are looked at.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    causes: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    field: String,
}
