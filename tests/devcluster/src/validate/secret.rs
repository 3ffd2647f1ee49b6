//! Secrets and ConfigMaps.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use crate::status::{Cause, quoted};

/// Limit of the decoded values of a Secret, and of the values of a ConfigMap.
const SIZE_LIMIT: usize = 1024 * 1024;

const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
     'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const FROZEN: &str = "field is immutable when `immutable` is set";

/// The causes for which a Secret is refused.
pub(super) fn check(secret: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut size = 0;
    for (key, value) in map(secret, "data") {
        check_key(&format!("data[{key}]"), key, &mut causes);
        size += decoded_len(value);
    }
    if size > SIZE_LIMIT {
        causes.push(Cause::too_long("data", SIZE_LIMIT));
    }
    let data = |key: &str| secret.get("data").and_then(|d| d.get(key));
    let mut required = |key: &str, field: &str| {
        if data(key).is_none() {
            causes.push(Cause::required(field, ""));
        }
    };
    match secret.get("type").and_then(Value::as_str).unwrap_or_default() {
        "kubernetes.io/tls" => {
            required("tls.crt", "data[tls.crt]");
            required("tls.key", "data[tls.key]");
        }
        "kubernetes.io/basic-auth" if data("username").is_none() && data("password").is_none() => {
            required("username", "data[username]");
            required("password", "data[password]");
        }
        "kubernetes.io/ssh-auth" if data("ssh-privatekey").is_none_or(|v| v == "") => {
            causes.push(Cause::required("data[ssh-privatekey]", ""));
        }
        "kubernetes.io/dockerconfigjson" => {
            check_json(data(".dockerconfigjson"), ".dockerconfigjson", &mut causes)
        }
        "kubernetes.io/dockercfg" => check_json(data(".dockercfg"), ".dockercfg", &mut causes),
        "kubernetes.io/service-account-token" => {
            let at = "/metadata/annotations/kubernetes.io~1service-account.name";
            if secret.pointer(at).and_then(Value::as_str).unwrap_or_default().is_empty() {
                causes.push(Cause::required("metadata.annotations[kubernetes.io/service-account.name]", ""));
            }
        }
        _ => {}
    }
    causes
}

/// The causes for which a change of a Secret is refused.
pub(super) fn check_update(old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let kind = |secret: &Value| secret.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind(old) != kind(new) {
        causes.push(Cause::immutable("type", &kind(new)));
    }
    causes.extend(check_frozen(old, new, &["data"]));
    causes
}

/// The causes for which a ConfigMap is refused.
pub(super) fn check_config_map(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut size = 0;
    for (key, value) in map(object, "data") {
        let field = format!("data[{key}]");
        check_key(&field, key, &mut causes);
        if object.get("binaryData").is_some_and(|b| b.get(key).is_some()) {
            causes.push(Cause::invalid(field, &quoted(key), "duplicate of key present in binaryData"));
        }
        size += value.as_str().map_or(0, str::len);
    }
    for (key, value) in map(object, "binaryData") {
        check_key(&format!("binaryData[{key}]"), key, &mut causes);
        size += decoded_len(value);
    }
    if size > SIZE_LIMIT {
        causes.push(Cause::too_long("", SIZE_LIMIT));
    }
    causes
}

/// The causes for which a change of a ConfigMap is refused.
pub(super) fn check_config_map_update(old: &Value, new: &Value) -> Vec<Cause> {
    check_frozen(old, new, &["data", "binaryData"])
}

fn check_frozen(old: &Value, new: &Value, fields: &[&str]) -> Vec<Cause> {
    let set = Some(&Value::Bool(true));
    if old.get("immutable") != set {
        return Vec::new();
    }
    let mut causes = Vec::new();
    if new.get("immutable") != set {
        causes.push(Cause::forbidden("immutable", FROZEN));
    }
    for field in fields {
        if old.get(field) != new.get(field) {
            causes.push(Cause::forbidden(*field, FROZEN));
        }
    }
    causes
}

fn check_key(field: &str, key: &str, causes: &mut Vec<Cause>) {
    let mut refuse = |why: &str| causes.push(Cause::invalid(field, &quoted(key), why));
    if key.len() > 253 {
        refuse("must be no more than 253 characters");
    }
    if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        refuse(KEY);
    }
    match key {
        "." => refuse("must not be '.'"),
        ".." => refuse("must not be '..'"),
        _ if key.starts_with("..") => refuse("must not start with '..'"),
        _ => {}
    }
}

fn check_json(value: Option<&Value>, key: &str, causes: &mut Vec<Cause>) {
    let field = format!("data[{key}]");
    let Some(value) = value else {
        causes.push(Cause::required(field, ""));
        return;
    };
    let bytes = BASE64_STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default();
    if let Err(fault) = serde_json::from_slice::<Map<String, Value>>(&bytes) {
        // The real message quotes Go's JSON parser; only its last part differs.
        let why = if fault.is_eof() { "unexpected end of JSON input" } else { "invalid character" };
        causes.push(Cause::invalid(field, "\"<secret contents redacted>\"", why));
    }
}

fn decoded_len(value: &Value) -> usize {
    let text = value.as_str().unwrap_or_default();
    text.len() / 4 * 3 - text.bytes().rev().take_while(|b| *b == b'=').count()
}

fn map<'a>(object: &'a Value, field: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    object.get(field).and_then(Value::as_object).into_iter().flatten()
}
