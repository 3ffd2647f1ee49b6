//! Actions performed.

use crate::plane::Plane;
use crate::{Action, Error, Named, Result, store};
use pawl_servers::Aws;
use serde_json::Value;

/// Performs one action of a sequence.
///
/// # Errors
/// [`Error::Refused`] when the API server or the store refuses it; [`Error::Form`] for an action that is not known.
pub(crate) async fn perform(action: &Action, namespace: &str, plane: &Plane, aws: &Aws) -> Result<()> {
    let done = match action {
        Action { apply: Some(object), .. } => plane.apply(object).await.map(drop),
        Action { create: Some(object), .. } => plane.create(object).await.map(drop),
        Action { patch: Some(named), merge, .. } => {
            let patch = with_uids(merge.clone(), namespace, plane).await?;
            plane.merge(named, &patch).await.map(drop)
        }
        Action { delete: Some(named), .. } => plane.delete(named).await,
        Action { store: Some(operation), .. } => store::perform(operation, action, aws).await,
        _ => Err(Error::Form("an action that is none".to_owned())),
    };
    match done {
        Err(Error::Refused { status: 404, .. }) if action.missing.as_deref() == Some("ok") => Ok(()),
        done => done,
    }
}

/// An owner reference `{"uidOf": "Kind/name"}` stands for that object with its uid.
async fn with_uids(mut patch: Value, namespace: &str, plane: &Plane) -> Result<Value> {
    let owners = patch.pointer_mut("/metadata/ownerReferences").and_then(Value::as_array_mut);
    for owner in owners.into_iter().flatten().filter_map(Value::as_object_mut) {
        let Some(Value::String(named)) = owner.remove("uidOf") else { continue };
        let (kind, name) = named.split_once('/').unwrap_or((&named, ""));
        let named = Named { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() };
        let object = plane.get(&named).await?;
        let object =
            object.ok_or_else(|| Error::Form(format!("{kind}/{name} is not there to be an owner")))?;
        let version = if kind == "ExternalSecret" { "external-secrets.io/v1" } else { "v1" };
        owner.insert("apiVersion".to_owned(), version.into());
        owner.insert("kind".to_owned(), kind.into());
        owner.insert("name".to_owned(), name.into());
        owner.insert("uid".to_owned(), object["metadata"]["uid"].clone());
    }
    Ok(patch)
}
