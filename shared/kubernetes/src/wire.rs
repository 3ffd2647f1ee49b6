//! The JSON of Secrets. Values are decoded into `SecretValue` and encoded out of it, and pass through no other type.

mod child;
mod object;

pub(crate) use child::{ListedChild, NewChild, child_update};
pub(crate) use object::{AnyObject, NewObject, length};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pawl_domain::reconcile::{Desired, Existing, OwnFields, Owner, Parts, Replacement};
use pawl_domain::{SecretValue, SourceSecret};
use pawl_ports::WholeSecret;
use serde::de::{Error as _, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use zeroize::Zeroizing;

/// What is read of an object's metadata. Everything may be missing: servers leave out what is empty. Annotations may hold
/// copies of values, so there is no Debug.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) generation: i64,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    pub(crate) deletion_timestamp: Option<String>,
    pub(crate) finalizers: Option<Vec<String>>,
    owner_references: Option<Vec<OwnerReference>>,
    managed_fields: Option<Vec<ManagedFields>>,
}

impl Metadata {
    /// Whether somebody has deleted the object.
    pub(crate) fn is_being_deleted(&self) -> bool {
        self.deletion_timestamp.is_some()
    }
}

/// An object of which only the metadata matters.
#[derive(Deserialize)]
pub(crate) struct Object {
    #[serde(default)]
    pub(crate) metadata: Metadata,
}

/// A `v1` Secret.
#[derive(Deserialize)]
pub(crate) struct Secret {
    #[serde(default)]
    metadata: Metadata,
    #[serde(rename = "type", default)]
    kind: String,
    data: Option<BTreeMap<String, Encoded>>,
    immutable: Option<bool>,
}

/// A ConfigMap, as far as it is text.
#[derive(Deserialize)]
pub(crate) struct ConfigMap {
    #[serde(default)]
    pub(crate) data: Option<BTreeMap<String, String>>,
}

impl Secret {
    /// The Secret as the domain sees it; `manager` is the field manager whose fields are told apart.
    pub(crate) fn into_existing(self, manager: &str) -> Existing {
        let Metadata { uid, resource_version, labels, annotations, owner_references, managed_fields, .. } =
            self.metadata;
        Existing {
            uid,
            resource_version,
            kind: self.kind,
            finalizers: self.metadata.finalizers.unwrap_or_default(),
            deleting: self.metadata.deletion_timestamp.is_some(),
            labels: labels.unwrap_or_default(),
            annotations: annotations.unwrap_or_default(),
            owners: owner_references
                .unwrap_or_default()
                .into_iter()
                .map(OwnerReference::into_owner)
                .collect(),
            data: self.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect(),
            content: None,
            immutable: self.immutable.unwrap_or_default(),
            own: own_fields(managed_fields.unwrap_or_default(), manager),
        }
    }

    /// Its data.
    pub(crate) fn into_data(self) -> BTreeMap<String, SecretValue> {
        self.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect()
    }

    /// The Secret as it is pushed; `None` for a name that no object can have.
    pub(crate) fn into_source(mut self) -> Option<SourceSecret> {
        let name = self.metadata.name.parse().ok()?;
        let labels = self.metadata.labels.take().unwrap_or_default();
        let annotations = self.metadata.annotations.take().unwrap_or_default();
        let kind = std::mem::take(&mut self.kind);
        Some(SourceSecret { name, kind, labels, annotations, data: self.into_data() }.without_copies())
    }

    /// Its labels and its data.
    pub(crate) fn into_whole(mut self) -> WholeSecret {
        let labels = self.metadata.labels.take().unwrap_or_default();
        WholeSecret { labels, data: self.into_data() }
    }

    /// One value of its data.
    pub(crate) fn into_value(self, key: &str) -> Option<SecretValue> {
        self.data.and_then(|mut data| data.remove(key)).map(|value| value.0)
    }
}

/// A value in base64.
struct Encoded(SecretValue);

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Encoded;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Encoded, E> {
                STANDARD
                    .decode(text)
                    .map(|bytes| Encoded(SecretValue::new(bytes)))
                    .map_err(|_| E::custom("no base64"))
            }

            // Some servers send null for an empty value.
            fn visit_unit<E: serde::de::Error>(self) -> Result<Encoded, E> {
                Ok(Encoded(SecretValue::new(Vec::new())))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// A text that is a secret itself, such as a token.
pub(crate) struct SecretText(pub(crate) SecretValue);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Tokens have no character that JSON escapes, so the text can be borrowed and no copy is left behind.
        let text = <&str>::deserialize(deserializer).map_err(|_| D::Error::custom("no plain text"))?;
        Ok(Self(SecretValue::new(text)))
    }
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnerReference {
    api_version: String,
    kind: String,
    name: String,
    uid: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    controller: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    block_owner_deletion: Option<bool>,
}

impl OwnerReference {
    fn into_owner(self) -> Owner {
        Owner {
            api_version: self.api_version,
            kind: self.kind,
            name: self.name,
            uid: self.uid,
            controller: self.controller.unwrap_or_default(),
            block_owner_deletion: self.block_owner_deletion.unwrap_or_default(),
        }
    }

    fn of(owner: &Owner) -> Self {
        Self {
            api_version: owner.api_version.clone(),
            kind: owner.kind.clone(),
            name: owner.name.clone(),
            uid: owner.uid.clone(),
            controller: owner.controller.then_some(true),
            block_owner_deletion: owner.block_owner_deletion.then_some(true),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ManagedFields {
    manager: String,
    subresource: String,
    fields_v1: Map<String, Value>,
}

/// Source: FieldsV1 names a field `f:<name>`, and has one object per level.
fn own_fields(entries: Vec<ManagedFields>, manager: &str) -> OwnFields {
    let mut own = OwnFields::default();
    for entry in entries.iter().filter(|entry| entry.manager == manager && entry.subresource.is_empty()) {
        let metadata = entry.fields_v1.get("f:metadata");
        let names = |at: Option<&Value>| -> BTreeSet<String> {
            let names = at.and_then(Value::as_object).into_iter().flat_map(Map::keys);
            names.filter_map(|name| name.strip_prefix("f:").map(str::to_owned)).collect()
        };
        own.data.extend(names(entry.fields_v1.get("f:data")));
        own.labels.extend(names(metadata.and_then(|fields| fields.get("f:labels"))));
        own.annotations.extend(names(metadata.and_then(|fields| fields.get("f:annotations"))));
    }
    own
}

/// Data on its way out. Each value is in base64 for as long as it takes to copy it into the request.
struct Data<'a>(&'a BTreeMap<String, SecretValue>);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            let mut text = Zeroizing::new(String::with_capacity(value.len().div_ceil(3) * 4));
            STANDARD.encode_string(value.expose(), &mut text);
            map.serialize_entry(key, text.as_str())?;
        }
        map.end()
    }
}

/// How many bytes a request with this data needs at most, so that its buffer never grows and leaves a copy behind.
pub(crate) fn room(data: &BTreeMap<String, SecretValue>, metadata: &[&BTreeMap<String, String>]) -> usize {
    // Keys of data have no character that is escaped; in other texts each byte may become six.
    let values: usize = data.iter().map(|(key, value)| key.len() + value.len().div_ceil(3) * 4 + 8).sum();
    let texts = metadata.iter().flat_map(|map| map.iter());
    let texts: usize = texts.map(|(key, value)| (key.len() + value.len()) * 6 + 8).sum();
    values + texts + 4096
}

/// A Secret to be created.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewSecret<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: NewMetadata<'a>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    secret_type: Option<&'a str>,
    data: Data<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    immutable: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewMetadata<'a> {
    name: &'a str,
    namespace: &'a str,
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    finalizers: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owner_references: Vec<OwnerReference>,
}

impl<'a> NewMetadata<'a> {
    fn of(namespace: &'a str, name: &'a str, desired: &'a Desired) -> Self {
        Self {
            name,
            namespace,
            labels: &desired.labels,
            annotations: &desired.annotations,
            finalizers: &desired.finalizers,
            owner_references: desired.owners.iter().map(OwnerReference::of).collect(),
        }
    }
}

impl<'a> NewSecret<'a> {
    pub(crate) fn of(namespace: &'a str, name: &'a str, desired: &'a Desired) -> Self {
        Self {
            api_version: "v1",
            kind: "Secret",
            metadata: NewMetadata::of(namespace, name, desired),
            secret_type: desired.kind.as_deref(),
            data: Data(&desired.data),
            immutable: desired.immutable.then_some(true),
        }
    }
}

/// One operation of a JSON patch. `add` also replaces what is there.
#[derive(Serialize)]
pub(crate) struct Operation<'a> {
    op: &'static str,
    path: Cow<'static, str>,
    value: Part<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Part<'a> {
    Text(&'a str),
    Texts(&'a BTreeMap<String, String>),
    List(&'a [String]),
    Any(&'a Value),
    Owners(Vec<OwnerReference>),
    Data(Data<'a>),
    Flag(bool),
}

fn add<'a>(path: impl Into<Cow<'static, str>>, value: Part<'a>) -> Operation<'a> {
    Operation { op: "add", path: path.into(), value }
}

/// The patch that is refused with a conflict unless the Secret still has this version.
fn on_condition(resource_version: &str) -> Operation<'_> {
    add("/metadata/resourceVersion", Part::Text(resource_version))
}

/// The patch that brings the parts that differ to what is desired.
pub(crate) fn update<'a>(
    resource_version: &'a str,
    desired: &'a Desired,
    parts: Parts,
) -> Vec<Operation<'a>> {
    let mut operations = vec![on_condition(resource_version)];
    if parts.labels {
        operations.push(add("/metadata/labels", Part::Texts(&desired.labels)));
    }
    if parts.annotations {
        operations.push(add("/metadata/annotations", Part::Texts(&desired.annotations)));
    }
    if parts.finalizers {
        operations.push(add("/metadata/finalizers", Part::List(&desired.finalizers)));
    }
    if parts.owners {
        let owners = desired.owners.iter().map(OwnerReference::of).collect();
        operations.push(add("/metadata/ownerReferences", Part::Owners(owners)));
    }
    if parts.kind
        && let Some(kind) = &desired.kind
    {
        operations.push(add("/type", Part::Text(kind)));
    }
    if parts.data {
        operations.push(add("/data", Part::Data(Data(&desired.data))));
    }
    if let Some(content) = desired.content.as_ref().filter(|_| parts.content) {
        let fields = content.expose().iter();
        operations.extend(fields.map(|(field, value)| add(format!("/{}", escaped(field)), Part::Any(value))));
    }
    if parts.immutable {
        operations.push(add("/immutable", Part::Flag(desired.immutable)));
    }
    operations
}

/// A key as it stands in a JSON pointer.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The patch that replaces all data and sets labels and annotations. They stand beside others, so there is an object to
/// add each to; where somebody took them all away, the patch does not fit and is refused.
pub(crate) fn replacement<'a>(resource_version: &'a str, replacement: &'a Replacement) -> Vec<Operation<'a>> {
    let mut operations =
        vec![on_condition(resource_version), add("/data", Part::Data(Data(&replacement.data)))];
    for (field, texts) in [("labels", &replacement.labels), ("annotations", &replacement.annotations)] {
        operations.extend(
            texts
                .iter()
                .map(|(key, text)| add(format!("/metadata/{field}/{}", escaped(key)), Part::Text(text))),
        );
    }
    operations
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn own_fields_are_those_of_the_manager() {
        let secret: Secret = serde_json::from_value(json!({
            "metadata": {
                "uid": "u",
                "resourceVersion": "7",
                "labels": null,
                "deletionTimestamp": "2026-11-22T05:00:00Z",
                "finalizers": ["example.com/f"],
                "managedFields": [
                    {
                        "manager": "m",
                        "operation": "Update",
                        "fieldsV1": {
                            "f:data": { ".": {}, "f:a": {}, "f:b.c": {} },
                            "f:metadata": { "f:labels": { ".": {}, "f:l": {} }, "f:annotations": { "f:x/y": {} } },
                            "f:type": {},
                        },
                    },
                    { "manager": "m", "operation": "Apply", "fieldsV1": { "f:data": { "f:d": {} } } },
                    { "manager": "other", "fieldsV1": { "f:data": { "f:z": {} } } },
                    { "manager": "m", "subresource": "status", "fieldsV1": { "f:data": { "f:s": {} } } },
                ],
            },
            "type": "kubernetes.io/tls",
            "data": { "a": "AP8=", "empty": "", "null": null },
        }))
        .unwrap();
        let existing = secret.into_existing("m");
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(
            existing.own,
            OwnFields { data: set(&["a", "b.c", "d"]), labels: set(&["l"]), annotations: set(&["x/y"]) }
        );
        let values: Vec<&[u8]> = existing.data.values().map(SecretValue::expose).collect();
        assert_eq!(values, [&[0, 255][..], &[], &[]]);
        assert_eq!((existing.uid.as_str(), existing.resource_version.as_str()), ("u", "7"));
        assert_eq!((existing.kind.as_str(), existing.deleting), ("kubernetes.io/tls", true));
        assert_eq!(existing.finalizers, ["example.com/f"]);
    }

    #[test]
    fn patches_touch_the_parts_that_differ_and_nothing_else() {
        let desired = Desired {
            kind: Some("kubernetes.io/tls".to_owned()),
            finalizers: vec!["example.com/f".to_owned()],
            content: None,
            labels: [("l".to_owned(), "\u{1}".to_owned())].into(),
            annotations: BTreeMap::new(),
            owners: vec![Owner {
                api_version: "v1".into(),
                kind: "ConfigMap".into(),
                name: "c".into(),
                uid: "u".into(),
                controller: false,
                block_owner_deletion: true,
            }],
            data: [("k".to_owned(), SecretValue::new([0, 255]))].into(),
            immutable: true,
        };
        let patch = |parts| serde_json::to_value(update("7", &desired, parts)).unwrap();
        let version = json!({ "op": "add", "path": "/metadata/resourceVersion", "value": "7" });
        assert_eq!(patch(Parts::default()), json!([version]));
        assert_eq!(
            patch(Parts::ALL),
            json!([
                version,
                { "op": "add", "path": "/metadata/labels", "value": { "l": "\u{1}" } },
                { "op": "add", "path": "/metadata/annotations", "value": {} },
                { "op": "add", "path": "/metadata/finalizers", "value": ["example.com/f"] },
                {
                    "op": "add",
                    "path": "/metadata/ownerReferences",
                    "value": [{
                        "apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u", "blockOwnerDeletion": true,
                    }],
                },
                { "op": "add", "path": "/type", "value": "kubernetes.io/tls" },
                { "op": "add", "path": "/data", "value": { "k": "AP8=" } },
                { "op": "add", "path": "/immutable", "value": true },
            ])
        );
        let bytes = serde_json::to_vec(&update("7", &desired, Parts::ALL)).unwrap();
        assert!(bytes.len() < room(&desired.data, &[&desired.labels]), "the buffer would have grown");
    }
}
