//! What kube-apiserver refuses with 422, in its words and its order.

mod decode;
mod metadata;
mod secret;

use serde_json::Value;

pub(crate) use self::decode::{Misfit, typed, unknown_field, unknown_fields};
use self::metadata::{check_metadata, check_metadata_update};
use crate::kinds::Kind;
use crate::status::{Answer, Cause, Failure};
use crate::store::At as _;

/// Checks a new object.
///
/// # Errors
/// 422 with every cause.
pub(crate) fn new_object(kind: &Kind, object: &Value) -> Answer<()> {
    let mut causes = check_metadata(kind, object);
    match kind.storage {
        "secrets" => causes.extend(secret::check(object)),
        "configmaps" => causes.extend(secret::check_config_map(object)),
        "events" => causes.extend(check_event(kind, object)),
        _ => {}
    }
    refuse(kind, object, &causes)
}

/// Checks a changed object against the stored one.
///
/// # Errors
/// 422 with every cause.
pub(crate) fn changed_object(kind: &Kind, old: &Value, new: &Value) -> Answer<()> {
    let mut causes = check_metadata_update(old, new);
    match kind.storage {
        "secrets" => causes.extend(secret::check_update(old, new)),
        "configmaps" => causes.extend(secret::check_config_map_update(old, new)),
        _ => {}
    }
    causes.extend(check_metadata(kind, new));
    match kind.storage {
        "secrets" => causes.extend(secret::check(new)),
        "configmaps" => causes.extend(secret::check_config_map(new)),
        _ => {}
    }
    refuse(kind, new, &causes)
}

fn refuse(kind: &Kind, object: &Value, causes: &[Cause]) -> Answer<()> {
    if causes.is_empty() {
        return Ok(());
    }
    let name = object.at("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let group = if kind.storage == "events" { "" } else { kind.group };
    Err(Failure::invalid(group, kind.kind, name, causes))
}

fn check_event(kind: &Kind, object: &Value) -> Vec<Cause> {
    let text = |at: &str| object.at(at).and_then(Value::as_str).unwrap_or_default();
    let mut causes = Vec::new();
    let (own, involved) = (text("/metadata/namespace"), text("/involvedObject/namespace"));
    if involved != own && !(involved.is_empty() && own == "default") {
        let value = crate::status::quoted(involved);
        causes.push(Cause::invalid("involvedObject.namespace", &value, "does not match event.namespace"));
    }
    if kind.group.is_empty() {
        return causes;
    }
    let new_style: &[(&str, &str)] = &[
        ("/reportingComponent", "reportingController"),
        ("/reportingInstance", "reportingInstance"),
        ("/action", "action"),
        ("/reason", "reason"),
    ];
    if text("/eventTime").is_empty() {
        causes.push(Cause::required("eventTime", ""));
    } else {
        let missing = new_style.iter().filter(|(at, _)| text(at).is_empty());
        causes.extend(missing.map(|(_, field)| Cause::required(*field, "")));
    }
    if !matches!(text("/type"), "Normal" | "Warning") {
        let value = crate::status::quoted(text("/type"));
        causes.push(Cause::invalid("type", &value, &format!("has invalid value: {}", text("/type"))));
    }
    if text("/message").len() > 1024 {
        let value = crate::status::quoted(text("/message"));
        causes.push(Cause::invalid("message", &value, "can have at most 1024 characters"));
    }
    causes
}
