//! What an engine answers, before HTTP and the audit log make their own of it.

use super::json::{Json, Object};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// An engine's answer; none is an answer too: not found when reading, done when writing.
pub(crate) type Outcome = Result<Option<Response>, Refusal>;

/// Something that an engine has to say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Response {
    pub(crate) data: Option<Json>,
    /// The lease duration that an engine without leases gives, seconds.
    pub(crate) lease: Option<u64>,
    pub(crate) auth: Option<Grant>,
    pub(crate) warnings: Vec<String>,
    /// An HTTP status other than 200. The audit log then holds the whole body as one string.
    pub(crate) status: Option<u16>,
    /// With a status: there is no body at all.
    pub(crate) bodiless: bool,
    pub(crate) wrapped: Option<Wrapped>,
    /// Whether the data stands beside `data` as well.
    pub(crate) injected: bool,
    /// Whether a body was of no use, which only the audit log says.
    pub(crate) ignores_data: bool,
}

/// A token as a login or renewal hands it out.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) token: String,
    pub(crate) accessor: String,
    pub(crate) display_name: String,
    pub(crate) policies: Vec<String>,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) ttl: u64,
    pub(crate) renewable: bool,
    pub(crate) batch: bool,
    pub(crate) orphan: bool,
    pub(crate) uses: u64,
    pub(crate) entity: String,
    /// Whether the entity is new.
    pub(crate) entity_created: bool,
    /// When the token was made, if that was not now.
    pub(crate) issued: Option<Timestamp>,
}

/// The place of an answer that the client wanted wrapped.
#[derive(Debug, Clone)]
pub(crate) struct Wrapped {
    pub(crate) token: String,
    pub(crate) accessor: String,
    pub(crate) ttl: u64,
    pub(crate) created: String,
    pub(crate) path: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// What the client reads; none leaves the list of errors empty.
    pub(crate) message: Option<String>,
    /// The audit record's top-level `error`.
    pub(crate) error: Option<String>,
    /// Whether the message is the engine's data too, as `error`.
    pub(crate) in_data: bool,
    /// Whether it is the client's credentials that were refused.
    pub(crate) login: bool,
    /// As of [`Response`].
    pub(crate) ignores_data: bool,
}

impl Response {
    pub(crate) fn data(data: Json) -> Self {
        Self { data: Some(data), ..Self::default() }
    }

    /// A list of names. An empty one is a list that was not found.
    pub(crate) fn list(keys: Vec<String>) -> Self {
        let mut data = Object::new();
        if !keys.is_empty() {
            data.insert("keys".to_owned(), Json::Array(keys.into_iter().map(Json::String).collect()));
        }
        Self::data(Json::Object(data))
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }
}

impl Refusal {
    /// An engine's own words, not an error of the core.
    pub(crate) fn said(message: impl Into<String>) -> Self {
        Self { status: 400, message: Some(message.into()), in_data: true, ..Self::default() }
    }

    /// An engine's own words about a request that makes no sense.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self { error: Some(one("invalid request")), ..Self::said(message) }
    }

    /// A login that fails: the message for the client, and the record's own error.
    pub(crate) fn login(status: u16, message: &str, error: &str) -> Self {
        Self {
            error: Some(error.to_owned()),
            in_data: status < 500,
            login: true,
            ..Self::bare(status, Some(message))
        }
    }

    pub(crate) fn denied() -> Self {
        Self { in_data: true, ..Self::core(403, "permission denied") }
    }

    pub(crate) fn unsupported_path() -> Self {
        Self::core(404, "unsupported path")
    }

    pub(crate) fn unsupported_operation() -> Self {
        Self::core(405, "unsupported operation")
    }

    /// An error of the core, in its list of one.
    pub(crate) fn core(status: u16, message: &str) -> Self {
        let message = one(message);
        Self { error: Some(message.clone()), ..Self::bare(status, Some(&message)) }
    }

    /// An answer without words and without a record of its own.
    pub(crate) fn bare(status: u16, message: Option<&str>) -> Self {
        Self { status, message: message.map(str::to_owned), ..Self::default() }
    }
}

/// The warning of fields that an endpoint does not know.
pub(crate) fn ignored<'name>(names: impl Iterator<Item = &'name String>) -> Option<String> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    (!names.is_empty())
        .then(|| format!("Endpoint ignored these unrecognized parameters: [{}]", names.join(" ")))
}

/// How Go's multierror prints one error.
pub(crate) fn one(message: &str) -> String {
    format!("1 error occurred:\n\t* {message}\n\n")
}
