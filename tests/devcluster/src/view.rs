//! The form of an answer: the objects themselves, their metadata only, or a table for `kubectl get`.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

use crate::convert;
use crate::kinds::Kind;
use crate::status::{Answer, Failure};
use crate::store::Object;
use crate::table;

/// What a real server offers instead; of these, JSON is what there is here.
const REPRESENTATIONS: &str = "Available representations: application/json, application/yaml, \
     application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

/// What the `Accept` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum View {
    Full,
    /// `PartialObjectMetadata`; the version of `meta.k8s.io`.
    Metadata(String),
    /// `Table`; the version of `meta.k8s.io`.
    Table(String),
}

/// An object as it stands in a list: items of core kinds carry no apiVersion and kind.
struct Item<'a>(&'a Value, bool);

impl View {
    /// Takes the first form in the header that the server has.
    ///
    /// # Errors
    /// 406 when there is none.
    pub(crate) fn parse(accept: Option<&str>) -> Answer<Self> {
        let Some(accept) = accept.filter(|accept| !accept.is_empty()) else { return Ok(Self::Full) };
        for form in accept.split(',') {
            let mut parts = form.split(';').map(str::trim);
            if !matches!(parts.next(), Some("application/json" | "application/*" | "*/*")) {
                continue;
            }
            let parameter = |name: &str| {
                let found =
                    form.split(';').filter_map(|p| p.trim().split_once('=')).find(|(key, _)| *key == name);
                found.map(|(_, value)| value.to_owned())
            };
            let version = parameter("v").unwrap_or_else(|| "v1".to_owned());
            match parameter("as").as_deref() {
                None => return Ok(Self::Full),
                Some("Table") => return Ok(Self::Table(version)),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => {
                    return Ok(Self::Metadata(version));
                }
                Some(_) => {}
            }
        }
        Err(Failure::new(
            406,
            "NotAcceptable",
            format!("406: Not Acceptable\n\n{REPRESENTATIONS}"),
            Some(json!({})),
        ))
    }

    /// One object; `first` is false for a table row that follows others of the same watch.
    pub(crate) fn object(
        &self,
        kind: &Kind,
        version: &str,
        object: &Object,
        now: Timestamp,
        first: bool,
    ) -> Vec<u8> {
        match self {
            Self::Full => to_bytes(&*convert::to_served(kind, version, object)),
            Self::Metadata(version) => to_bytes(&partial(object, version)),
            Self::Table(version) => {
                let meta = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                let mut table = table::table(kind, version, std::iter::once(object), meta, now);
                if !first {
                    table["columnDefinitions"] = Value::Null;
                }
                to_bytes(&table)
            }
        }
    }

    /// A list; `meta` is its ListMeta.
    pub(crate) fn list(
        &self,
        kind: &Kind,
        version: &str,
        objects: &[Object],
        meta: Value,
        now: Timestamp,
    ) -> Vec<u8> {
        match self {
            Self::Full => {
                let head = json!({
                    "kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(version), "metadata": meta,
                });
                let mut out = head.to_string().into_bytes();
                // The items are written behind the head, one by one, so that none is copied.
                out.pop();
                out.extend_from_slice(b",\"items\":[");
                for (index, object) in objects.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    let served = convert::to_served(kind, version, object);
                    out.extend(to_bytes(&Item(&served, !kind.custom)));
                }
                out.extend_from_slice(b"]}");
                out
            }
            Self::Metadata(version) => {
                let items: Vec<Value> = objects.iter().map(|object| partial(object, version)).collect();
                to_bytes(&json!({
                    "kind": "PartialObjectMetadataList",
                    "apiVersion": format!("meta.k8s.io/{version}"),
                    "metadata": meta,
                    "items": if items.is_empty() { Value::Null } else { items.into() },
                }))
            }
            Self::Table(version) => to_bytes(&table::table(kind, version, objects, meta, now)),
        }
    }
}

impl Serialize for Item<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.as_object().into_iter().flatten() {
            if !(self.1 && matches!(name.as_str(), "apiVersion" | "kind")) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// An object's metadata under the name that says so.
pub(crate) fn partial(object: &Value, version: &str) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": object["metadata"],
    })
}

fn to_bytes(value: &impl Serialize) -> Vec<u8> {
    // JSON values always serialize: their keys are strings.
    serde_json::to_vec(value).unwrap_or_default()
}
