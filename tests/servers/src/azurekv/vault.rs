//! The vault: secrets, keys and certificates with their versions.

use super::State;
use crate::rest::{Answer, decoded, form, json_answer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, header};
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An object with its versions, the last one in force.
#[derive(Debug)]
pub(super) struct Object {
    /// In the case in which it was made.
    name: String,
    pub(super) versions: Vec<Version>,
}

#[derive(Debug)]
pub(super) struct Version {
    pub(super) id: String,
    /// What is particular to the kind.
    content: Value,
    pub(super) enabled: bool,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) nbf: Option<i64>,
    pub(super) exp: Option<i64>,
    pub(super) tags: BTreeMap<String, String>,
}

impl Object {
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), versions: Vec::new() }
    }
}

impl Version {
    pub(super) fn new(content: Value, now: i64) -> Self {
        Self {
            id: hex::encode(rand::random::<[u8; 16]>()),
            content,
            enabled: true,
            created: now,
            updated: now,
            nbf: None,
            exp: None,
            tags: BTreeMap::new(),
        }
    }

    fn facts(&self) -> Value {
        let mut attributes = json!({
            "enabled": self.enabled, "created": self.created, "updated": self.updated,
            "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
        });
        for (name, time) in [("nbf", self.nbf), ("exp", self.exp)] {
            if let Some(time) = time {
                attributes[name] = json!(time);
            }
        }
        let mut facts = json!({ "attributes": attributes });
        if !self.tags.is_empty() {
            facts["tags"] = json!(self.tags);
        }
        facts
    }
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The most of a page.
const PAGE: usize = 25;

impl State {
    pub(super) fn vault(&self, request: &Request<Bytes>) -> Answer {
        let query = form(request.uri().query().unwrap_or_default());
        let bearer = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|bearer| bearer.strip_prefix("Bearer "));
        let resource = token.and_then(|token| self.entra.tokens.get(token));
        if resource != Some(&self.resource) {
            return self.challenge(token.is_none());
        }
        if !query.get("api-version").is_some_and(|version| version.starts_with("7.")) {
            return refused(400, "BadParameter", "api-version must be specified", None);
        }
        let parts: Vec<String> =
            request.uri().path().trim_start_matches('/').split('/').map(decoded).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let kind = match parts.first() {
            Some(&"secrets") => "secrets",
            Some(&"keys") => "keys",
            Some(&"certificates") => "certificates",
            _ => return refused(404, "NotFound", "Not Found", None),
        };
        let right = format!("{kind}/{}", if parts.len() == 1 { "list" } else { "get" });
        if self.denied.contains(&right) {
            let message =
                format!("The user, group or application does not have {right} permission on key vault");
            return refused(403, "Forbidden", &message, Some("AccessDenied"));
        }
        match parts[1..] {
            [] => self.list(kind, &query),
            [name] => self.one(kind, name, None),
            [name, version] => self.one(kind, name, Some(version)),
            _ => refused(400, "BadParameter", "The request URI contains an invalid name", None),
        }
    }

    /// Tells whose tokens are taken, and for what.
    fn challenge(&self, none: bool) -> Answer {
        let message = match none {
            true => "AKV10000: Request is missing a Bearer or PoP token.",
            false => "AKV10022: Invalid audience. Expected https://vault.azure.net, found: hunter2",
        };
        let mut answer = refused(401, "Unauthorized", message, None);
        let wanted = format!(
            "Bearer authorization=\"{}/{}\", resource=\"{}\"",
            self.authority,
            super::TENANT,
            self.resource
        );
        if let Ok(wanted) = wanted.parse() {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, wanted);
        }
        answer
    }

    fn one(&self, kind: &'static str, name: &str, version: Option<&str>) -> Answer {
        let is_name =
            name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && name.len() <= 127;
        let is_version = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_name || !version.is_none_or(is_version) {
            return refused(400, "BadParameter", "The request URI contains an invalid name", None);
        }
        let found = self.objects.get(&(kind, name.to_ascii_lowercase()));
        let found = found.and_then(|object| {
            let mut versions = object.versions.iter();
            let version = match version {
                Some(id) => versions.find(|each| each.id.eq_ignore_ascii_case(id)),
                None => versions.next_back(),
            };
            Some((object, version?))
        });
        let Some((object, version)) = found else {
            let (code, what) = match kind {
                "secrets" => ("SecretNotFound", "secret"),
                "keys" => ("KeyNotFound", "key"),
                _ => ("CertificateNotFound", "certificate"),
            };
            let message = format!("A {what} with (name/id) {name} was not found in this key vault.");
            return refused(404, code, &message, None);
        };
        if kind == "secrets" && !version.enabled {
            let message = "Operation get is not allowed on a disabled secret.";
            return refused(403, "Forbidden", message, Some("SecretDisabled"));
        }
        let id = format!("{}/{kind}/{}/{}", self.address, object.name, version.id);
        let mut body = version.facts();
        for (member, value) in version.content.as_object().into_iter().flatten() {
            body[member] = value.clone();
        }
        match kind {
            "keys" => body["key"]["kid"] = json!(id),
            _ => body["id"] = json!(id),
        }
        json_answer(200, &body)
    }

    /// The last version of each object, without its id and its value.
    fn list(&self, kind: &'static str, query: &BTreeMap<String, String>) -> Answer {
        let size = match query.get("maxresults").map(|text| text.parse::<usize>()) {
            None => PAGE,
            Some(Ok(size @ 1..=PAGE)) => size,
            Some(_) => return refused(400, "BadParameter", "maxresults must be between 1 and 25", None),
        };
        let from =
            query.get("$skiptoken").and_then(|mark| mark.strip_prefix("eyJ")?.parse().ok()).unwrap_or(0);
        let all: Vec<&Object> =
            self.objects.iter().filter(|((each, _), _)| *each == kind).map(|(_, object)| object).collect();
        let entry = |object: &&Object| {
            let mut entry = object.versions.last()?.facts();
            let member = if kind == "keys" { "kid" } else { "id" };
            entry[member] = json!(format!("{}/{kind}/{}", self.address, object.name));
            for shown in ["contentType", "managed"] {
                if let Some(value) = object.versions.last()?.content.get(shown) {
                    entry[shown] = value.clone();
                }
            }
            Some(entry)
        };
        let page: Vec<Value> = all.iter().skip(from).take(size).filter_map(entry).collect();
        let next = (from + size < all.len()).then(|| {
            let mark = from + size;
            self.next_link.clone().unwrap_or_else(|| {
                format!("{}/{kind}?api-version=7.4&$skiptoken=eyJ{mark}&maxresults={size}", self.address)
            })
        });
        json_answer(200, &json!({ "value": page, "nextLink": next }))
    }
}

fn refused(status: u16, code: &str, message: &str, inner: Option<&str>) -> Answer {
    let mut error = json!({ "code": code, "message": message });
    if let Some(inner) = inner {
        error["innererror"] = json!({ "code": inner });
    }
    json_answer(status, &json!({ "error": error }))
}
