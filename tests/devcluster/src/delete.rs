//! Deletes: finalizers, and what the garbage collector and the namespace controller would do.

use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::status::{Answer, Failure, deleted};
use crate::store::{At as _, Key, Object, State, Store, text};
use crate::write::{Write, replace};

/// What a delete requires of the stored object.
#[derive(Debug, Default)]
pub(crate) struct Preconditions {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

/// What became of a deleted object.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// Gone; the `Status` to answer with.
    Gone(Value),
    /// Still there, waiting for its finalizers, or of a kind that answers with the object.
    Kept(Object),
}

/// Deletes an object, or marks it as going when finalizers hold it.
///
/// # Errors
/// 404, or 409 when the preconditions do not hold.
pub(crate) fn delete(
    store: &Store,
    state: &mut State,
    write: &Write,
    preconditions: &Preconditions,
) -> Answer<Deleted> {
    let (kind, name) = (write.kind, write.name.as_str());
    let Some(live) = state.get(kind.storage, &write.namespace, name) else {
        return Err(Failure::not_found(kind, name));
    };
    check_preconditions(kind, name, &live, preconditions)?;
    let success = deleted(kind, name, text(&live, "/metadata/uid"));
    if kind.storage == "namespaces" {
        return Ok(Deleted::Kept(delete_namespace(store, state, write, &live)));
    }
    if has_finalizers(&live) {
        return Ok(Deleted::Kept(mark_deleted(state, write, &live)));
    }
    if !write.dry_run {
        finish_delete(store, state, kind.storage, &write.key(), (*live).clone());
    }
    // The real server answers with the object for kinds that its registry says so of.
    Ok(if kind.storage == "serviceaccounts" { Deleted::Kept(live) } else { Deleted::Gone(success) })
}

fn delete_namespace(store: &Store, state: &mut State, write: &Write, live: &Object) -> Object {
    let mut going = (**live).clone();
    if text(live, "/metadata/deletionTimestamp").is_empty() {
        going["metadata"]["deletionTimestamp"] = json!(write.now);
        going["status"]["phase"] = json!("Terminating");
    }
    if write.dry_run {
        return going.into();
    }
    let going = if going == **live { live.clone() } else { state.put("namespaces", going) };
    if store.controllers {
        for (storage, (namespace, name)) in state.content_of(&write.name) {
            let Some(kind) = Kind::stored_as(storage) else { continue };
            let inner = Write { kind, namespace, name, ..write.clone() };
            // Another object's deletion may have taken this one along already.
            let _ = delete(store, state, &inner, &Preconditions::default());
        }
        finish_namespace(state, &write.name);
    }
    going
}

fn mark_deleted(state: &mut State, write: &Write, live: &Object) -> Object {
    if !text(live, "/metadata/deletionTimestamp").is_empty() {
        return live.clone();
    }
    let mut going = (**live).clone();
    going["metadata"]["deletionTimestamp"] = json!(write.now);
    going["metadata"]["deletionGracePeriodSeconds"] = json!(0);
    if let Some(generation) = live.at("/metadata/generation").and_then(Value::as_i64) {
        going["metadata"]["generation"] = json!(generation + 1);
    }
    if write.dry_run { going.into() } else { state.put(write.kind.storage, going) }
}

/// Removes an object and, playing the garbage collector, what only it owned.
pub(crate) fn finish_delete(store: &Store, state: &mut State, storage: &'static str, key: &Key, last: Value) {
    let uid = text(&last, "/metadata/uid").to_owned();
    state.remove(storage, key, last);
    if !store.controllers {
        return;
    }
    for (storage, (namespace, name)) in state.owned_by(&uid) {
        let (Some(kind), Some(live)) = (Kind::stored_as(storage), state.get(storage, &namespace, &name))
        else {
            continue;
        };
        let write = Write {
            kind,
            version: kind.versions[0].to_owned(),
            namespace,
            name,
            status: false,
            manager: "kube-controller-manager".to_owned(),
            dry_run: false,
            force: false,
            now: store.now_text(),
        };
        let owners = live.at("/metadata/ownerReferences").and_then(Value::as_array);
        let others: Vec<Value> =
            owners.into_iter().flatten().filter(|o| text(o, "/uid") != uid).cloned().collect();
        if others.is_empty() {
            // Gone already when the deletion of a sibling took it along.
            let _ = delete(store, state, &write, &Preconditions::default());
        } else {
            let mut kept = (*live).clone();
            kept["metadata"]["ownerReferences"] = Value::Array(others);
            // Fewer owners never fail validation.
            let _ = replace(store, state, &write, &live, kept);
        }
    }
    finish_namespace(state, &key.0);
}

fn finish_namespace(state: &mut State, namespace: &str) {
    let Some(live) = state.get("namespaces", "", namespace) else { return };
    if !text(&live, "/metadata/deletionTimestamp").is_empty() && state.content_of(namespace).is_empty() {
        state.remove("namespaces", &(String::new(), namespace.to_owned()), (*live).clone());
    }
}

fn check_preconditions(kind: &Kind, name: &str, live: &Value, asked: &Preconditions) -> Answer<()> {
    let uid = text(live, "/metadata/uid");
    if let Some(asked) = asked.uid.as_deref().filter(|asked| *asked != uid) {
        let why = format!(
            "the UID in the precondition ({asked}) does not match the UID in record ({uid}). The object might have \
             been deleted and then recreated"
        );
        return Err(Failure::precondition(kind, name, &why));
    }
    let version = text(live, "/metadata/resourceVersion");
    if let Some(asked) = asked.resource_version.as_deref().filter(|asked| *asked != version) {
        let why = format!(
            "the ResourceVersion in the precondition ({asked}) does not match the ResourceVersion in record \
             ({version}). The object might have been modified"
        );
        return Err(Failure::precondition(kind, name, &why));
    }
    Ok(())
}

/// Whether something still holds the object.
pub(crate) fn has_finalizers(object: &Value) -> bool {
    object.at("/metadata/finalizers").and_then(Value::as_array).is_some_and(|f| !f.is_empty())
}
