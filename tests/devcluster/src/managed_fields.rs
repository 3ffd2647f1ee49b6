//! `metadata.managedFields`: which manager wrote which field.
//!
//! A field set is kept as the set of its paths. A path element is written as FieldsV1 writes it: `f:<name>` for a
//! field, `k:{"uid":"..."}` for an item of a keyed list, `v:"..."` for an item of a set.

use std::collections::{BTreeMap, BTreeSet};

use crate::store::At as _;
use serde_json::{Map, Value, json};

/// A path into an object.
pub(crate) type Path = Vec<String>;

/// A set of paths.
pub(crate) type Fields = BTreeSet<Path>;

/// One entry of `managedFields`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) manager: String,
    pub(crate) apply: bool,
    /// It writes through the `status` subresource.
    pub(crate) status: bool,
    pub(crate) api_version: String,
    /// When something was last changed; empty for who only claimed what stood there already.
    pub(crate) time: String,
    pub(crate) fields: Fields,
}

/// Who writes, and how.
#[derive(Debug, Clone)]
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    /// Through the `status` subresource.
    pub(crate) status: bool,
    pub(crate) api_version: &'a str,
    pub(crate) now: &'a str,
}

impl Writer<'_> {
    /// Whether an entry is of this writer's updates.
    fn wrote(&self, entry: &Entry) -> bool {
        let Self { manager, status, api_version, now: _ } = *self;
        !entry.apply
            && (entry.manager.as_str(), entry.status, entry.api_version.as_str())
                == (manager, status, api_version)
    }
}

/// How an object's fields are walked: custom kinds have no schema, so every object is a map that can be owned itself
/// and every list is atomic; in typed kinds only the maps of free keys can be owned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Schema {
    Typed,
    Custom,
}

/// The entries of an object; those that cannot be read are dropped.
pub(crate) fn read(object: &Value) -> Vec<Entry> {
    let entries = object.at("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().filter_map(read_entry).collect()
}

/// Puts the entries into the object, in the server's order: applies first, then by time and name.
pub(crate) fn write(object: &mut Value, mut entries: Vec<Entry>) {
    entries.retain(|e| !e.fields.is_empty());
    entries.sort_by(|a, b| (!a.apply, &a.time, &a.manager).cmp(&(!b.apply, &b.time, &b.manager)));
    let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if entries.is_empty() {
        meta.remove("managedFields");
        return;
    }
    meta.insert("managedFields".to_owned(), entries.iter().map(entry_json).collect());
}

/// Ownership after an update from `old` (null for a create) to `new`: what the writer added or changed is its own and
/// nobody else's; what is gone belongs to nobody. `entries` is the ownership before.
pub(crate) fn update(
    mut entries: Vec<Entry>,
    old: &Value,
    new: &Value,
    schema: Schema,
    writer: &Writer<'_>,
) -> Vec<Entry> {
    let before = leaves(old, schema);
    let after = leaves(new, schema);
    let taken: Fields =
        after.iter().filter(|(p, v)| before.get(*p) != Some(v)).map(|(p, _)| p.clone()).collect();
    for entry in &mut entries {
        let own = writer.wrote(entry);
        entry.fields.retain(|p| {
            let gone = before.contains_key(p) && !after.contains_key(p);
            !gone && (own || !taken.contains(p))
        });
    }
    if taken.is_empty() {
        return entries;
    }
    match entries.iter_mut().find(|entry| writer.wrote(entry)) {
        Some(own) => {
            own.fields.extend(taken);
            writer.now.clone_into(&mut own.time);
        }
        None => entries.push(Entry {
            manager: writer.manager.to_owned(),
            apply: false,
            status: writer.status,
            api_version: writer.api_version.to_owned(),
            time: writer.now.to_owned(),
            fields: taken,
        }),
    }
    entries
}

/// The fields that an applied configuration names: its leaves and the items of its keyed lists.
pub(crate) fn applied(config: &Value, schema: Schema) -> Fields {
    leaves(config, schema)
        .into_iter()
        .filter(|(path, leaf)| match leaf {
            // Whoever applies an empty map of a typed kind owns the map.
            Some(value) => !is_empty(value) || value.is_array() || schema == Schema::Typed,
            None => path.last().is_some_and(|element| element.starts_with("k:")),
        })
        .map(|(path, _)| path)
        .collect()
}

/// Every ownable path of an object with its value; `None` marks a container that can be owned itself.
pub(crate) fn leaves(object: &Value, schema: Schema) -> BTreeMap<Path, Option<&Value>> {
    let mut out = BTreeMap::new();
    let Some(object) = object.as_object() else { return out };
    for (name, value) in object {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => walk_metadata(value, &mut out),
            // References are owned as a whole.
            "involvedObject" | "related" if schema == Schema::Typed && value.is_object() => {
                out.insert(vec![field(name)], Some(value));
            }
            _ => walk(value, vec![field(name)], schema, is_free_map(name), &mut out),
        }
    }
    out
}

/// The value at a path, if the object has one.
pub(crate) fn lookup<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |at, element| match element.split_at_checked(2) {
        Some(("f:", name)) => at.get(name),
        Some(("k:", key)) => at.as_array()?.iter().find(|item| item_key(item).as_deref() == Some(key)),
        Some(("v:", value)) => at.as_array()?.iter().find(|item| is_member(item, value)),
        _ => None,
    })
}

/// Removes the value at a path, and the containers on the way that become empty.
pub(crate) fn remove(object: &mut Value, path: &[String]) {
    let [first, rest @ ..] = path else { return };
    match first.split_at_checked(2) {
        Some(("f:", name)) => {
            let Some(map) = object.as_object_mut() else { return };
            if let (false, Some(child)) = (rest.is_empty(), map.get_mut(name)) {
                remove(child, rest);
                if !is_empty(child) {
                    return;
                }
            }
            map.remove(name);
        }
        Some((kind @ ("k:" | "v:"), key)) => {
            let Some(items) = object.as_array_mut() else { return };
            let found = |item: &Value| {
                if kind == "k:" { item_key(item).as_deref() == Some(key) } else { is_member(item, key) }
            };
            if rest.is_empty() {
                items.retain(|item| !found(item));
            } else if let Some(item) = items.iter_mut().find(|item| found(item)) {
                remove(item, rest);
            }
        }
        _ => {}
    }
}

/// `.data.key`, as conflicts name a field.
pub(crate) fn dotted(path: &[String]) -> String {
    path.iter()
        .map(|element| match element.split_at_checked(2) {
            Some(("f:", name)) => format!(".{name}"),
            Some(("k:", key)) => {
                format!("[{}]", key.trim_matches(['{', '}']).replace("\":", "=").replace('"', ""))
            }
            Some(("v:", value)) => format!("[={value}]"),
            _ => element.clone(),
        })
        .collect()
}

fn walk_metadata<'a>(metadata: &'a Value, out: &mut BTreeMap<Path, Option<&'a Value>>) {
    let at = |name: &str| vec![field("metadata"), field(name)];
    for (name, value) in metadata.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("labels" | "annotations", value) => walk(value, at(name), Schema::Typed, true, out),
            ("generateName", Value::String(_)) => {
                out.insert(at(name), Some(value));
            }
            ("finalizers", Value::Array(items)) => {
                out.insert(at(name), None);
                for item in items {
                    let mut path = at(name);
                    path.push(format!("v:{item}"));
                    out.insert(path, Some(item));
                }
            }
            ("ownerReferences", Value::Array(items)) => {
                out.insert(at(name), None);
                for item in items {
                    let Some(key) = item_key(item) else { continue };
                    let mut path = at(name);
                    path.push(format!("k:{key}"));
                    out.insert(path, Some(item));
                }
            }
            _ => {}
        }
    }
}

fn walk<'a>(
    value: &'a Value,
    path: Path,
    schema: Schema,
    free: bool,
    out: &mut BTreeMap<Path, Option<&'a Value>>,
) {
    match value {
        Value::Null => {}
        Value::Object(map) if map.is_empty() && (free || schema == Schema::Custom) => {
            out.insert(path, Some(value));
        }
        Value::Object(map) => {
            if (free || schema == Schema::Custom) && !map.is_empty() {
                out.insert(path.clone(), None);
            }
            for (name, child) in map {
                let mut path = path.clone();
                path.push(field(name));
                walk(child, path, schema, false, out);
            }
        }
        _ => {
            out.insert(path, Some(value));
        }
    }
}

fn field(name: &str) -> String {
    format!("f:{name}")
}

fn is_free_map(name: &str) -> bool {
    matches!(name, "data" | "binaryData" | "stringData")
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

fn is_member(item: &Value, written: &str) -> bool {
    serde_json::from_str::<Value>(written).is_ok_and(|value| value == *item)
}

fn item_key(item: &Value) -> Option<String> {
    Some(json!({"uid": item.get("uid")?}).to_string())
}

fn read_entry(entry: &Value) -> Option<Entry> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut fields = Fields::new();
    read_fields(entry.get("fieldsV1")?.as_object()?, &mut Vec::new(), &mut fields);
    Some(Entry {
        manager: text("manager"),
        apply: text("operation") == "Apply",
        status: text("subresource") == "status",
        api_version: text("apiVersion"),
        time: text("time"),
        fields,
    })
}

fn read_fields(node: &Map<String, Value>, path: &mut Path, out: &mut Fields) {
    for (element, child) in node {
        if element == "." {
            out.insert(path.clone());
            continue;
        }
        let Some(child) = child.as_object() else { continue };
        path.push(element.clone());
        if child.is_empty() {
            out.insert(path.clone());
        } else {
            read_fields(child, path, out);
        }
        path.pop();
    }
}

fn entry_json(entry: &Entry) -> Value {
    let mut tree = Map::new();
    for path in &entry.fields {
        insert(&mut tree, path, &entry.fields);
    }
    let mut written = json!({
        "manager": entry.manager,
        "operation": if entry.apply { "Apply" } else { "Update" },
        "apiVersion": entry.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": tree,
    });
    if !entry.time.is_empty() {
        written["time"] = json!(entry.time);
    }
    if entry.status {
        written["subresource"] = json!("status");
    }
    written
}

// The set is sorted, so a container comes before its children and gets its "." when the first child arrives.
fn insert(tree: &mut Map<String, Value>, path: &[String], all: &Fields) {
    let mut node = tree;
    for depth in 0..path.len() {
        let child = node.entry(path[depth].clone()).or_insert_with(|| json!({}));
        let Value::Object(child) = child else { return };
        let below = depth + 1 < path.len();
        if below && child.is_empty() && all.contains(&path[..=depth]) {
            child.insert(".".to_owned(), json!({}));
        }
        node = child;
    }
}
