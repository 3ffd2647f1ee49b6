//! Turns refusals of an API server into errors. The server is never quoted: its messages may quote the values that it was sent.

use crate::call::{Call, Verb};
use pawl_domain::{ClusterName, Complaint, Kind, Step};
use pawl_ports::Error;
use serde::Deserialize;
use std::fmt;
use std::time::Duration;

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
    /// Each complaint once.
    causes: Vec<Found>,
    /// Whether the message speaks of a quota; nothing else in the answer does.
    quota: bool,
    /// How long the server wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    pub(crate) fn new(code: u16, body: &[u8]) -> Self {
        let status: Option<Status> =
            serde_json::from_slice(body).ok().filter(|status: &Status| status.kind == "Status");
        let Some(status) = status else { return Self { code, ..Self::default() } };
        let details = status.details.unwrap_or_default();
        let mut causes: Vec<Found> = Vec::new();
        for cause in details.causes.iter().map(Found::of) {
            if causes.len() < MOST_CAUSES && !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        Self {
            code,
            is_status: true,
            reason: status.reason,
            about: details.kind,
            causes,
            quota: status.message.contains("exceeded quota"),
            retry_after: details.retry_after_seconds.map(Duration::from_secs),
        }
    }

    /// Whether the server took nothing in and names a time after which it may.
    pub(crate) fn asks_to_wait(&self) -> Option<Duration> {
        self.retry_after.filter(|_| matches!(self.code, 429 | 503))
    }

    /// Whether it is an API server's own word that there is no such object, and not that of something that stands before it.
    pub(crate) fn says_absent(&self, plural: &str) -> bool {
        self.code == 404 && self.is_status && self.about == plural
    }

    /// Whether the namespace that was to be written to does not exist.
    pub(crate) fn is_namespace_missing(&self) -> bool {
        self.code == 404 && self.about == "namespaces"
    }

    /// Whether nothing more is said than that the request could not be carried out: a JSON patch that does not fit.
    pub(crate) fn is_without_cause(&self) -> bool {
        self.code == 422 && self.causes.is_empty()
    }

    /// Whether the Secret can no longer change.
    pub(crate) fn is_of_immutable(&self) -> bool {
        self.code == 422 && self.causes.iter().any(Found::is_of_immutable)
    }

    /// The refusal as the flow wants it.
    pub(crate) fn into_error(self, call: &Call<'_>, cluster: &ClusterName) -> Error {
        let pause = self.retry_after.filter(|_| matches!(self.code, 429 | 408 | 500..=599));
        let error = self.classified(call, cluster);
        match pause {
            Some(pause) => error.after(pause),
            None => error,
        }
    }

    fn classified(self, call: &Call<'_>, cluster: &ClusterName) -> Error {
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
            400 | 422 => self.invalid(call, &subject),
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
        self.causes.iter().any(|found| found.reason == reason)
    }

    /// A refusal of what was to be written, in the words that ESO and the API server have for it.
    fn invalid(&self, call: &Call<'_>, subject: &str) -> Error {
        let error = |message: String| Error::new(call.step, Kind::Invalid, message);
        let name = call.named().unwrap_or_default();
        let updating = if call.verb == Verb::Patch {
            format!("unable to update secret {name}: ")
        } else {
            String::new()
        };
        if self.is_of_immutable() {
            return error(format!(
                "{updating}secret is immutable; delete the Secret so that it can be made again"
            ))
            .complaining(Complaint::Immutable);
        }
        if self.has_cause("FieldValueTooLong") {
            return error(format!("{updating}{}", too_large(subject)));
        }
        if self.causes.is_empty() {
            let reason = if self.reason.is_empty() { "invalid" } else { &self.reason };
            return error(format!("{updating}{subject} is refused as {reason}"));
        }
        // API servers list them in different orders.
        let mut causes: Vec<String> = self.causes.iter().map(ToString::to_string).collect();
        causes.sort();
        let causes = if let [one] = &causes[..] { one.clone() } else { format!("[{}]", causes.join(", ")) };
        let todo = if self.causes.iter().any(|found| found.field == "type") {
            "delete the Secret so that it can be made with its type, or correct the template"
        } else {
            "correct the secret or the template"
        };
        error(format!("{updating}Secret {name:?} is invalid: {causes}; {todo}"))
    }
}

/// One complaint of an API server, without the value that it may quote.
#[derive(Debug, Default, PartialEq)]
struct Found {
    field: String,
    reason: String,
    /// The rule that is broken, where it is one whose words are known; of a type, which stands in the manifest and never
    /// is a value, the whole message.
    rule: Option<String>,
}

impl Found {
    fn of(cause: &Cause) -> Self {
        let known = || RULES.iter().find(|rule| cause.message.contains(*rule)).map(|rule| (*rule).to_owned());
        let rule = if cause.field == "type" {
            cause.message.strip_prefix("Invalid value: ").map(shortened).or_else(known)
        } else {
            known()
        };
        Self { field: shortened(&cause.field), reason: shortened(&cause.reason), rule }
    }

    /// Whether it says that the Secret can no longer change, rather than its type.
    fn is_of_immutable(&self) -> bool {
        self.reason == "FieldValueForbidden" && matches!(self.field.as_str(), "data" | "immutable")
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.reason.as_str() {
            "FieldValueInvalid" | "FieldValueTypeInvalid" => "Invalid value",
            "FieldValueRequired" => "Required value",
            "FieldValueForbidden" => "Forbidden",
            "FieldValueNotSupported" => "Unsupported value",
            "FieldValueDuplicate" => "Duplicate value",
            other => other,
        };
        write!(f, "{}: {reason}", self.field)?;
        self.rule.as_ref().map_or(Ok(()), |rule| write!(f, ": {rule}"))
    }
}

/// What messages say of what breaks these rules. Source: Kubernetes' validation.
const RULES: [&str; 5] = [
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and \
     end with an alphanumeric character",
    "field is immutable",
    "must be no more than 253 characters",
    "must be no more than 63 characters",
    "name is neither a standard finalizer name nor is it fully qualified",
];

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
    #[serde(rename = "retryAfterSeconds")]
    retry_after_seconds: Option<u64>,
    #[serde(default)]
    causes: Vec<Cause>,
}

#[derive(Deserialize)]
struct Cause {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    field: String,
    #[serde(default)]
    message: String,
}
