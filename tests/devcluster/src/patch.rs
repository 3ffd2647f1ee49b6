//! The four ways of PATCH.

use json_patch::PatchOperation;
use serde_json::{Map, Value};

use crate::apply;
use crate::convert;
use crate::status::{Answer, Cause, Failure, quoted};
use crate::store::{Object, State, Store, text};
use crate::validate::{self, Misfit};
use crate::write::{Write, replace};

/// The body of a PATCH, told apart by its content type.
#[derive(Debug)]
pub(crate) enum Patch {
    Json(json_patch::Patch),
    Merge(Value),
    /// Merge, but owners and finalizers are joined instead of replaced; the other directives are not known.
    Strategic(Value),
    Apply(Value),
}

/// The object after a PATCH.
#[derive(Debug)]
pub(crate) struct Patched {
    pub(crate) object: Object,
    /// Server-side apply creates what is not there.
    pub(crate) created: bool,
}

/// Patches an object.
///
/// # Errors
/// 400, 404, 409, 415, 422, 500 as the real server.
pub(crate) fn patch(store: &Store, state: &mut State, write: &Write, patch: &Patch) -> Answer<Patched> {
    let live = state.get(write.kind.storage, &write.namespace, &write.name);
    if let Patch::Apply(config) = patch {
        return apply::apply(store, state, write, live, config);
    }
    let Some(live) = live else { return Err(Failure::not_found(write.kind, &write.name)) };
    let mut object = (*convert::to_served(write.kind, &write.version, &live)).clone();
    match patch {
        Patch::Json(patch) => patch_json(&mut object, patch)?,
        Patch::Merge(patch) => json_patch::merge(&mut object, patch),
        Patch::Strategic(patch) => merge_keyed(&mut object, patch, true),
        // Answered above.
        Patch::Apply(_) => {}
    }
    if !object.is_object() {
        return Err(Failure::bad_request("the patch leaves no object"));
    }
    check_names(write, &object)?;
    let object = convert::to_stored(write.kind, object);
    let object =
        validate::typed(write.kind, object.clone()).map_err(|misfit| undecodable(patch, &object, &misfit))?;
    let object = replace(store, state, write, &live, object)?;
    Ok(Patched { object, created: false })
}

/// Operation by operation, as a whole or not at all.
///
/// # Errors
/// 422.
fn patch_json(object: &mut Value, patch: &[PatchOperation]) -> Answer<()> {
    let mut changed = object.clone();
    for operation in patch {
        if !tests_for_nothing(&changed, operation) {
            json_patch::patch(&mut changed, std::slice::from_ref(operation)).map_err(|_| unprocessable())?;
        }
    }
    *object = changed;
    Ok(())
}

/// Whether it tests that there is no such field, and there is none: a test for null, for the library of API servers.
fn tests_for_nothing(object: &Value, operation: &PatchOperation) -> bool {
    let PatchOperation::Test(test) = operation else { return false };
    let path = test.path.to_string();
    let parent = path.rsplit_once('/').and_then(|(parent, _)| object.pointer(parent));
    test.value.is_null() && parent.is_some_and(Value::is_object) && object.pointer(&path).is_none()
}

/// The names in a body must be those of the URL.
///
/// # Errors
/// 400.
pub(crate) fn check_names(write: &Write, object: &Value) -> Answer<()> {
    let (name, namespace) = (text(object, "/metadata/name"), text(object, "/metadata/namespace"));
    if !name.is_empty() && name != write.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            write.name
        )));
    }
    if !namespace.is_empty() && write.kind.namespaced && namespace != write.namespace {
        return Err(Failure::bad_request(format!(
            "the namespace of the object ({namespace}) does not match the namespace on the URL ({})",
            write.namespace
        )));
    }
    Ok(())
}

/// Lays `over` on `base`: maps are merged, owners joined by uid, finalizers united, other lists replaced. A strategic
/// patch also deletes by null and puts new owners and finalizers in front.
pub(crate) fn merge_keyed(base: &mut Value, over: &Value, strategic: bool) {
    let (Some(map), Some(over)) = (base.as_object_mut(), over.as_object()) else {
        *base = over.clone();
        return;
    };
    for (name, value) in over {
        match (name.as_str(), value) {
            (_, Value::Null) if strategic => {
                map.remove(name);
            }
            (directive, _) if directive.starts_with('$') => {}
            ("ownerReferences" | "finalizers", Value::Array(items)) => {
                let list = map.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(list) = list {
                    join(list, items, strategic);
                }
            }
            (_, Value::Object(_)) => {
                let child = map.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
                merge_keyed(child, value, strategic);
            }
            _ => {
                map.insert(name.clone(), value.clone());
            }
        }
    }
}

fn join(list: &mut Vec<Value>, items: &[Value], added_first: bool) {
    let mut added = Vec::new();
    for item in items {
        let same = |other: &Value| match (item.get("uid"), other.get("uid")) {
            (Some(uid), Some(other)) => uid == other,
            _ => item == other,
        };
        if item.get("$patch").is_some_and(|directive| directive == "delete") {
            list.retain(|other| !same(other));
        } else if let Some(at) = list.iter().position(same) {
            merge_keyed(&mut list[at], item, true);
        } else {
            added.push(item.clone());
        }
    }
    let at = if added_first { 0 } else { list.len() };
    list.splice(at..at, added);
}

fn unprocessable() -> Failure {
    let message = "the server rejected our request due to an error in our request";
    Failure::new(422, "Invalid", message, Some(serde_json::json!({})))
}

/// The real server quotes the whole patched object here, values and all; so does this one, since a client must cope.
fn undecodable(patch: &Patch, object: &Value, misfit: &Misfit) -> Failure {
    let (value, why) = match patch {
        Patch::Strategic(patch) => {
            (format!("{patch}"), format!("error decoding from json: {}", misfit.plain()))
        }
        _ => (object.to_string(), format!("{}: {}", misfit.field, misfit.why)),
    };
    Failure::invalid("", "", "", &[Cause::invalid("patch", &quoted(&value), &why)])
}
