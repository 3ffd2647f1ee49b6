//! Create and update: what a write does to the store, with the checks in the real server's order.

use serde_json::{Map, Value, json};

use crate::delete::{finish_delete, has_finalizers};
use crate::kinds::Kind;
use crate::managed_fields::{self, Schema, Writer};
use crate::status::{Answer, Cause, Failure, quoted};
use crate::store::{At as _, Key, Object, State, Store, key_of, text};
use crate::validate;

/// A write as the request asks for it.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) kind: &'static Kind,
    pub(crate) version: String,
    pub(crate) namespace: String,
    /// Empty for a create.
    pub(crate) name: String,
    /// Through the `status` subresource.
    pub(crate) status: bool,
    pub(crate) manager: String,
    pub(crate) dry_run: bool,
    /// Take conflicting fields over; server-side apply only.
    pub(crate) force: bool,
    pub(crate) now: String,
}

impl Write {
    pub(crate) fn api_version(&self) -> String {
        self.kind.api_version(&self.version)
    }

    fn writer<'a>(&'a self, api_version: &'a str) -> Writer<'a> {
        Writer { manager: &self.manager, status: self.status, api_version, now: &self.now }
    }

    pub(crate) fn schema(&self) -> Schema {
        if self.kind.custom { Schema::Custom } else { Schema::Typed }
    }

    pub(crate) fn key(&self) -> Key {
        (self.namespace.clone(), self.name.clone())
    }
}

/// Creates an object from a decoded body.
///
/// # Errors
/// 400, 403, 404, 409, 422 as the real server.
pub(crate) fn create(state: &mut State, write: &Write, mut object: Value) -> Answer<Object> {
    let asked = text(&object, "/metadata/namespace");
    if !asked.is_empty() && asked != write.namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if !write.namespace.is_empty() {
        check_namespace(state, write, text(&object, "/metadata/name"))?;
    }
    if !text(&object, "/metadata/resourceVersion").is_empty() {
        return Err(Failure::internal("resourceVersion should not be set on objects to be created"));
    }
    prepare_new(write, &mut object);
    let entries = managed_fields::read(&object);
    let api_version = write.api_version();
    let writer = write.writer(&api_version);
    let entries = managed_fields::update(entries, &Value::Null, &object, write.schema(), &writer);
    managed_fields::write(&mut object, entries);
    insert_new(state, write, object)
}

/// The last steps of a creation: validation, the check for an existing object, storing.
///
/// # Errors
/// 409, 422.
pub(crate) fn insert_new(state: &mut State, write: &Write, mut object: Value) -> Answer<Object> {
    if write.kind.storage == "namespaces" {
        // Set here and not as defaults, because no manager owns them.
        object["spec"] = json!({"finalizers": ["kubernetes"]});
        object["status"] = json!({"phase": "Active"});
    }
    validate::new_object(write.kind, &object)?;
    let (namespace, name) = key_of(&object);
    if state.get(write.kind.storage, &namespace, &name).is_some() {
        return Err(Failure::already_exists(write.kind, &name));
    }
    Ok(if write.dry_run { object.into() } else { state.put(write.kind.storage, object) })
}

/// Creates are refused in namespaces that do not exist or are going.
///
/// # Errors
/// 404 or 403.
pub(crate) fn check_namespace(state: &State, write: &Write, name: &str) -> Answer<()> {
    let namespace = &write.namespace;
    let Some(found) = state.get("namespaces", "", namespace) else {
        let details = json!({"name": namespace, "kind": "namespaces"});
        return Err(Failure::new(
            404,
            "NotFound",
            format!("namespaces {} not found", quoted(namespace)),
            Some(details),
        ));
    };
    if text(&found, "/metadata/deletionTimestamp").is_empty() {
        return Ok(());
    }
    let mut details = crate::status::resource_details(write.kind, name);
    details["causes"] = json!([{
        "reason": "NamespaceTerminating",
        "message": format!("namespace {namespace} is being terminated"),
        "field": "metadata.namespace",
    }]);
    let message = format!(
        "{} {} is forbidden: unable to create new content in namespace {namespace} because it is being terminated",
        write.kind.qualified(),
        quoted(name)
    );
    Err(Failure::forbidden(message, details))
}

/// Fills in what the server sets on a new object, and drops what only the server may set.
pub(crate) fn prepare_new(write: &Write, object: &mut Value) {
    let kind = write.kind;
    let stored_as = Kind::stored_as(kind.storage).unwrap_or(kind);
    object["apiVersion"] = json!(stored_as.api_version(stored_as.versions[0]));
    object["kind"] = json!(kind.kind);
    if let Some(root) = object.as_object_mut() {
        if kind.custom {
            root.remove("status");
        }
        defaults(kind, root);
    }
    let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    for field in ["resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        meta.remove(field);
    }
    let named = meta.get("name").and_then(Value::as_str).is_some_and(|n| !n.is_empty());
    if let (false, Some(prefix)) = (named, meta.get("generateName").and_then(Value::as_str)) {
        let name = format!("{}{}", &prefix[..prefix.floor_char_boundary(58)], random_suffix());
        meta.insert("name".to_owned(), json!(name));
    }
    if kind.namespaced {
        meta.insert("namespace".to_owned(), json!(write.namespace));
    }
    if kind.storage == "namespaces" {
        label_with_name(meta);
    }
    meta.insert("uid".to_owned(), json!(random_uid()));
    meta.insert("creationTimestamp".to_owned(), json!(write.now));
    if kind.custom {
        meta.insert("generation".to_owned(), json!(1));
    }
}

/// A PUT of an object in its stored form.
///
/// # Errors
/// 404, 409, 422 as the real server.
pub(crate) fn update(store: &Store, state: &mut State, write: &Write, new: Value) -> Answer<Object> {
    let (kind, name) = (write.kind, write.name.as_str());
    let Some(live) = state.get(kind.storage, &write.namespace, name) else {
        return Err(Failure::not_found(kind, name));
    };
    let uid = text(&live, "/metadata/uid");
    let asked = text(&new, "/metadata/uid");
    if !asked.is_empty() && asked != uid {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{}/{}/{name}, ResourceVersion: 0, \
             AdditionalErrorMsg: Precondition failed: UID in precondition: {asked}, UID in object meta: {uid}",
            kind.plural, write.namespace
        );
        return Err(Failure::conflict(kind, name, &why));
    }
    check_unconditional(write, &new)?;
    replace(store, state, write, &live, new)
}

/// Replaces `live` by `new` (both as stored); the RV rule for an unconditional write is the caller's.
///
/// # Errors
/// 409 when `new` carries another resourceVersion, 422 when it does not validate.
pub(crate) fn replace(
    store: &Store,
    state: &mut State,
    write: &Write,
    live: &Object,
    mut new: Value,
) -> Answer<Object> {
    check_version(write, live, text(&new, "/metadata/resourceVersion"))?;
    keep_system_fields(write, live, &mut new);
    let mut entries = managed_fields::read(&new);
    if entries.is_empty() && !is_reset(&new) {
        entries = managed_fields::read(live);
    }
    // An object that nobody owns a field of stays so until something is applied to it.
    if !entries.is_empty() {
        let api_version = write.api_version();
        let writer = write.writer(&api_version);
        entries = managed_fields::update(entries, live, &new, write.schema(), &writer);
    }
    managed_fields::write(&mut new, entries);
    store_changed(store, state, write, live, new)
}

/// Like [`replace`], for an object whose ownership is settled already; `asked` is the version it must replace.
///
/// # Errors
/// As [`replace`].
pub(crate) fn replace_checked(
    store: &Store,
    state: &mut State,
    write: &Write,
    live: &Object,
    new: Value,
    asked: &str,
) -> Answer<Object> {
    check_version(write, live, asked)?;
    store_changed(store, state, write, live, new)
}

/// The last steps of a change: generation, validation, no-ops, the end of a deletion, storing.
///
/// # Errors
/// 422.
fn store_changed(
    store: &Store,
    state: &mut State,
    write: &Write,
    live: &Object,
    mut new: Value,
) -> Answer<Object> {
    new["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
    if write.kind.custom && new.get("spec") != live.get("spec") {
        let generation = live.at("/metadata/generation").and_then(Value::as_i64).unwrap_or(1);
        new["metadata"]["generation"] = json!(generation + 1);
    }
    validate::changed_object(write.kind, live, &new)?;
    if new == **live || write.dry_run {
        return Ok(if new == **live { live.clone() } else { new.into() });
    }
    if !text(&new, "/metadata/deletionTimestamp").is_empty() && !has_finalizers(&new) {
        finish_delete(store, state, write.kind.storage, &write.key(), new.clone());
        return Ok(new.into());
    }
    Ok(state.put(write.kind.storage, new))
}

fn check_version(write: &Write, live: &Value, asked: &str) -> Answer<()> {
    if asked.is_empty() || asked == "0" {
        return Ok(());
    }
    if asked.parse::<u64>().is_err() {
        let message = format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(asked));
        return Err(Failure::internal(message));
    }
    if asked != text(live, "/metadata/resourceVersion") {
        return Err(Failure::modified(write.kind, &write.name));
    }
    Ok(())
}

/// Custom kinds have no unconditional PUT.
///
/// # Errors
/// 422.
fn check_unconditional(write: &Write, new: &Value) -> Answer<()> {
    let asked = text(new, "/metadata/resourceVersion");
    if !write.kind.custom || !(asked.is_empty() || asked == "0") {
        return Ok(());
    }
    let cause = Cause::invalid("metadata.resourceVersion", "0", "must be specified for an update");
    Err(Failure::invalid(write.kind.group, write.kind.plural, &write.name, &[cause]))
}

/// Carries over what a client cannot change, and confines a write to its side of the `status` subresource.
pub(crate) fn keep_system_fields(write: &Write, live: &Object, new: &mut Value) {
    if write.status {
        let status = new.get("status").cloned();
        let managed = new.at("/metadata/managedFields").cloned();
        *new = (**live).clone();
        set_or_remove(new.as_object_mut(), "status", status);
        if let Some(managed) = managed {
            new["metadata"]["managedFields"] = managed;
        }
        return;
    }
    if let Some(root) = new.as_object_mut() {
        for field in ["apiVersion", "kind"] {
            root.insert(field.to_owned(), live[field].clone());
        }
        if write.kind.custom {
            set_or_remove(Some(root), "status", live.get("status").cloned());
        }
        defaults(write.kind, root);
        if write.kind.storage == "namespaces" {
            set_or_remove(Some(root), "status", live.get("status").cloned());
            set_or_remove(Some(root), "spec", live.get("spec").cloned());
        }
    }
    let Some(meta) = new.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    for field in ["creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        set_or_remove(Some(meta), field, live["metadata"].get(field).cloned());
    }
    for field in ["name", "namespace", "uid"] {
        if let (None, Some(value)) = (meta.get(field), live["metadata"].get(field)) {
            meta.insert(field.to_owned(), value.clone());
        }
    }
    if write.kind.storage == "namespaces" {
        label_with_name(meta);
    }
}

/// Every namespace has its name as a label, and gets it back.
fn label_with_name(meta: &mut Map<String, Value>) {
    let name = meta.get("name").cloned().unwrap_or_default();
    let labels = meta.entry("labels").or_insert_with(|| json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name);
    }
}

fn defaults(kind: &Kind, object: &mut Map<String, Value>) {
    match kind.storage {
        "secrets" if object.get("type").is_none_or(|t| t == "") => {
            object.insert("type".to_owned(), json!("Opaque"));
        }
        // Whoever creates one has no say in it.
        "namespaces" => {
            object.remove("status");
        }
        _ => {}
    }
}

fn set_or_remove(map: Option<&mut Map<String, Value>>, field: &str, value: Option<Value>) {
    let Some(map) = map else { return };
    match value {
        Some(value) => {
            map.insert(field.to_owned(), value);
        }
        None => {
            map.remove(field);
        }
    }
}

fn is_reset(object: &Value) -> bool {
    object.at("/metadata/managedFields") == Some(&json!([{}]))
}

/// Five letters and digits that cannot form a word, as the real server appends to `generateName`.
fn random_suffix() -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..5).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect()
}

fn random_uid() -> String {
    let bits = (rand::random::<u128>() & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
