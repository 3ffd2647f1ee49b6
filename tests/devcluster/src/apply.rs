//! Server-side apply: the fields that a manager names are its own, and it may not take another's by accident.

use serde_json::{Value, json};

use crate::convert;
use crate::managed_fields::{self, Entry, Fields, Path, Writer};
use crate::patch::{Patched, check_names, merge_keyed};
use crate::status::{Answer, Failure, quoted};
use crate::store::{At as _, Object, State, Store, text};
use crate::validate;
use crate::write::{Write, check_namespace, insert_new, keep_system_fields, prepare_new, replace_checked};

/// Who owns what stood in an object that nobody owned anything of, once something is applied to it.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Applies a configuration.
///
/// # Errors
/// 400 for a malformed configuration, 409 for fields of other managers, and all that an update may answer.
pub(crate) fn apply(
    store: &Store,
    state: &mut State,
    write: &Write,
    live: Option<Object>,
    config: &Value,
) -> Answer<Patched> {
    let config = check_config(write, config)?;
    match live {
        Some(live) => {
            let object = apply_to(store, state, write, &live, &config)?;
            Ok(Patched { object, created: false })
        }
        None if write.status => Err(Failure::not_found(write.kind, &write.name)),
        None => {
            let object = create(state, write, config)?;
            Ok(Patched { object, created: true })
        }
    }
}

fn check_config(write: &Write, config: &Value) -> Answer<Value> {
    if config.at("/metadata/managedFields").is_some_and(|v| !v.is_null()) {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let (given, expected) = (text(config, "/apiVersion"), write.api_version());
    if given.is_empty() {
        return Err(Failure::bad_request(format!("invalid object type: /, Kind={}", text(config, "/kind"))));
    }
    if given != expected {
        return Err(Failure::bad_request(format!(
            "Incorrect version specified in apply patch. Specified patch version: {given}, expected: {expected}"
        )));
    }
    if text(config, "/kind") != write.kind.kind {
        return Err(Failure::internal(format!(
            "failed to merge config: expected an object of kind {}",
            write.kind.kind
        )));
    }
    check_names(write, config)?;
    let mut config = convert::to_stored(write.kind, config.clone());
    if let Some(root) = config.as_object_mut() {
        if write.status {
            root.retain(|name, _| matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "status"));
        } else if write.kind.custom {
            root.remove("status");
        }
        root.entry("metadata").or_insert_with(|| json!({}));
    }
    decode(write, config.clone())?;
    Ok(config)
}

fn decode(write: &Write, config: Value) -> Answer<Value> {
    let what = format!("{}, Kind={}", api_path(write), write.kind.kind);
    let (namespace, name) = (text(&config, "/metadata/namespace"), text(&config, "/metadata/name"));
    let which = format!("({namespace}/{name}; {what})");
    if !write.kind.custom
        && let Some(unknown) = validate::unknown_field(write.kind, &config)
    {
        return Err(Failure::internal(format!(
            "failed to create typed patch object {which}: .{unknown}: field not declared in schema"
        )));
    }
    validate::typed(write.kind, config).map_err(|misfit| {
        Failure::internal(format!(
            "failed to convert new object {which} to proper version: unable to convert unstructured object to {what}: \
             error decoding from json: {}",
            misfit.plain()
        ))
    })
}

fn api_path(write: &Write) -> String {
    format!("{}/{}", write.kind.group, write.version)
}

fn create(state: &mut State, write: &Write, config: Value) -> Answer<Object> {
    if !write.namespace.is_empty() {
        check_namespace(state, write, &write.name)?;
    }
    let fields = managed_fields::applied(&config, write.schema());
    let mut object = decode(write, config)?;
    object["metadata"]["name"] = json!(write.name);
    prepare_new(write, &mut object);
    managed_fields::write(&mut object, vec![entry(write, fields)]);
    insert_new(state, write, object)
}

fn apply_to(
    store: &Store,
    state: &mut State,
    write: &Write,
    live: &Object,
    config: &Value,
) -> Answer<Object> {
    let fields = managed_fields::applied(config, write.schema());
    let mut entries = managed_fields::read(live);
    if entries.is_empty() {
        let writer = Writer {
            manager: BEFORE_FIRST_APPLY,
            status: false,
            api_version: &write.api_version(),
            now: &write.now,
        };
        entries = managed_fields::update(entries, &Value::Null, live, write.schema(), &writer);
    }
    let own = entries
        .iter()
        .position(|e| e.apply && e.manager == write.manager && e.status == write.status)
        .map(|at| entries.remove(at));
    let conflicts = conflicts(&entries, &fields, live, config);
    if !conflicts.is_empty() && !write.force {
        return Err(conflict(conflicts));
    }
    let lost: Vec<Path> = conflicts.into_iter().map(|(_, path)| path).collect();
    for other in &mut entries {
        other.fields.retain(|path| !lost.contains(path));
    }
    let mut merged = (**live).clone();
    merge_keyed(&mut merged, config, false);
    let before = own.as_ref().map(|own| own.fields.clone()).unwrap_or_default();
    for gone in before.difference(&fields).filter(|path| !is_kept(path, &fields, &entries)) {
        managed_fields::remove(&mut merged, gone);
    }
    let mut merged = decode(write, merged)?;
    let asked = text(config, "/metadata/resourceVersion").to_owned();
    keep_system_fields(write, live, &mut merged);

    let changed = strip(&merged) != strip(live);
    let mut entry = entry(write, fields);
    if !changed {
        entry.time = own.map(|own| own.time).unwrap_or_default();
    }
    if changed {
        // A map that vanished with its last key belongs to nobody.
        let gone = gone_fields(live, &merged, write);
        for other in &mut entries {
            other.fields.retain(|path| !gone.contains(path));
        }
    }
    entries.push(entry);
    managed_fields::write(&mut merged, entries);
    replace_checked(store, state, write, live, merged, &asked)
}

/// Whether what was applied before stays, since it or something below it is applied again or owned by another.
fn is_kept(path: &Path, fields: &Fields, others: &[Entry]) -> bool {
    let holds =
        |fields: &Fields| fields.range(path.clone()..).next().is_some_and(|next| next.starts_with(path));
    holds(fields) || others.iter().any(|other| holds(&other.fields))
}

fn entry(write: &Write, fields: Fields) -> Entry {
    Entry {
        manager: write.manager.clone(),
        apply: true,
        status: write.status,
        api_version: write.api_version(),
        time: write.now.clone(),
        fields,
    }
}

fn gone_fields(live: &Value, merged: &Value, write: &Write) -> Fields {
    let after = managed_fields::leaves(merged, write.schema());
    managed_fields::leaves(live, write.schema())
        .into_keys()
        .filter(|path| !after.contains_key(path))
        .collect()
}

/// The object without what changes by itself.
fn strip(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.remove("managedFields");
        meta.remove("resourceVersion");
    }
    object
}

/// Fields that others own and that this configuration would change.
fn conflicts<'a>(
    entries: &'a [Entry],
    fields: &Fields,
    live: &Value,
    config: &Value,
) -> Vec<(&'a Entry, Path)> {
    let changes = |path: &Path| managed_fields::lookup(live, path) != managed_fields::lookup(config, path);
    entries
        .iter()
        .flat_map(|entry| entry.fields.intersection(fields).map(move |path| (entry, path.clone())))
        .filter(|(_, path)| path.last().is_some_and(|e| !e.starts_with("k:")) && changes(path))
        .collect()
}

fn conflict(mut conflicts: Vec<(&Entry, Path)>) -> Failure {
    let who = |entry: &Entry| {
        let manager = quoted(&entry.manager);
        if entry.apply { manager } else { format!("{manager} using {}", entry.api_version) }
    };
    conflicts.sort_by_cached_key(|(entry, path)| (who(entry), path.clone()));
    let what = if let [(entry, path)] = conflicts.as_slice() {
        format!("1 conflict: conflict with {}: {}", who(entry), managed_fields::dotted(path))
    } else {
        let mut text = format!("{} conflicts: ", conflicts.len());
        let mut last = String::new();
        for (entry, path) in &conflicts {
            if who(entry) != last {
                last = who(entry);
                let gap = if text.ends_with(": ") { "" } else { "\n" };
                text.push_str(&format!("{gap}conflicts with {last}:"));
            }
            text.push_str(&format!("\n- {}", managed_fields::dotted(path)));
        }
        text
    };
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|(entry, path)| {
            json!({
                "reason": "FieldManagerConflict",
                "message": format!("conflict with {}", who(entry)),
                "field": managed_fields::dotted(path),
            })
        })
        .collect();
    Failure::new(409, "Conflict", format!("Apply failed with {what}"), Some(json!({"causes": causes})))
}
