//! From a body to the typed object that a core kind stores: unknown fields dropped, values of the wrong type refused,
//! base64 checked and made canonical, empty maps left out.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, PAD};
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::kinds::Kind;

/// Go's decoder does not ask that the unused bits of the last group be zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&STANDARD, PAD.with_decode_allow_trailing_bits(true));

const METADATA: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// A value of the wrong shape.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// The Go field, for example `v1.Secret.Data`.
    pub(crate) field: String,
    /// What the JSON decoder says.
    pub(crate) why: String,
    /// What the offending value looks like in the body.
    pub(crate) culprit: String,
}

impl Misfit {
    /// What another of the server's decoders says.
    pub(crate) fn plain(&self) -> &str {
        self.why.strip_prefix("decode base64: ").unwrap_or(&self.why)
    }

    /// What Go's decoder of JSON says.
    pub(crate) fn of_go(&self) -> String {
        if self.why.starts_with("decode base64: ") {
            return self.plain().to_owned();
        }
        let found = match self.culprit.chars().next() {
            Some('"') => "string",
            Some('[') => "array",
            Some('{') => "object",
            Some('t' | 'f') => "bool",
            _ => "number",
        };
        let mut names = self.field.rsplit('.');
        let (field, holder) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        let lower = |name: &str| format!("{}{}", name[..1].to_lowercase(), &name[1..]);
        let (path, of) = match (holder, field) {
            (_, "ObjectMeta") => (format!("{holder}.metadata"), "v1.ObjectMeta"),
            ("ObjectMeta", field) => (format!("ObjectMeta.metadata.{}", lower(field)), "string"),
            ("Secret", "Type") => ("Secret.type".to_owned(), "v1.SecretType"),
            (_, "Immutable") => (format!("{holder}.immutable"), "bool"),
            ("Secret", "Data") => ("Secret.data".to_owned(), "[]uint8"),
            _ => (format!("{holder}.{}", lower(field)), "string"),
        };
        let of = if self.why.starts_with("ReadMapCB") { format!("map[string]{of}") } else { of.to_owned() };
        format!("json: cannot unmarshal {found} into Go struct field {path} of type {of}")
    }
}

/// The object as its kind stores it. Custom kinds are only freed of nulls in their metadata.
///
/// # Errors
/// When a value has the wrong type or is no base64.
pub(crate) fn typed(kind: &Kind, mut object: Value) -> Result<Value, Misfit> {
    let Some(map) = object.as_object_mut() else { return Ok(object) };
    check_metadata(kind, map)?;
    if kind.custom {
        map.retain(|name, _| matches!(name.as_str(), "apiVersion" | "kind" | "metadata" | "spec" | "status"));
        return Ok(object);
    }
    let fields = fields_of(kind);
    map.retain(|name, value| {
        !value.is_null()
            && (matches!(name.as_str(), "apiVersion" | "kind" | "metadata")
                || fields.contains(&name.as_str()))
    });
    for (name, value) in map.iter_mut() {
        let go_name = format!("v1.{}.{}{}", kind.kind, name[..1].to_uppercase(), &name[1..]);
        match (kind.storage, name.as_str()) {
            ("secrets", "data") | (_, "binaryData") => base64_map(value, &go_name)?,
            ("secrets" | "configmaps", "stringData" | "data") => string_map(value, &go_name)?,
            (_, "type" | "reason" | "message") if !value.is_string() => {
                return Err(no_string(go_name, value));
            }
            (_, "immutable") if !value.is_boolean() => {
                return Err(Misfit {
                    field: go_name,
                    why: format!("ReadBool: expect t or f, but found {}", first_char(value)),
                    culprit: value.to_string(),
                });
            }
            _ => {}
        }
    }
    if let Some(Value::Object(strings)) = map.remove("stringData")
        && let Value::Object(data) = map.entry("data").or_insert_with(|| json!({}))
    {
        for (key, value) in strings {
            data.insert(key, json!(BASE64_STANDARD.encode(value.as_str().unwrap_or_default())));
        }
    }
    map.retain(|name, value| match name.as_str() {
        "data" | "binaryData" | "source" => !value.as_object().is_some_and(Map::is_empty),
        "reportingComponent" | "reportingInstance" => value != "",
        _ => true,
    });
    Ok(object)
}

/// A top-level field that the kind does not have.
pub(crate) fn unknown_field<'a>(kind: &Kind, object: &'a Value) -> Option<&'a str> {
    let known =
        |name: &str| matches!(name, "apiVersion" | "kind" | "metadata") || fields_of(kind).contains(&name);
    object.as_object()?.keys().map(String::as_str).find(|name| !known(name))
}

/// Every field that the kind does not have, at the top and in its metadata.
pub(crate) fn unknown_fields(kind: &Kind, object: &Value) -> Vec<String> {
    let known =
        |name: &str| matches!(name, "apiVersion" | "kind" | "metadata") || fields_of(kind).contains(&name);
    let top = object.as_object().into_iter().flat_map(Map::keys).filter(|name| !known(name)).cloned();
    let metadata = object.get("metadata").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let metadata = metadata.filter(|name| !METADATA.contains(&name.as_str()) && *name != "selfLink");
    top.chain(metadata.map(|name| format!("metadata.{name}"))).collect()
}

fn fields_of(kind: &Kind) -> &'static [&'static str] {
    match kind.storage {
        "secrets" => &["data", "stringData", "type", "immutable"],
        "configmaps" => &["data", "binaryData", "immutable"],
        "serviceaccounts" => &["secrets", "imagePullSecrets", "automountServiceAccountToken"],
        "events" => &[
            "involvedObject",
            "reason",
            "message",
            "source",
            "firstTimestamp",
            "lastTimestamp",
            "count",
            "type",
            "eventTime",
            "series",
            "action",
            "related",
            "reportingComponent",
            "reportingInstance",
        ],
        _ => &["spec", "status"],
    }
}

fn check_metadata(kind: &Kind, object: &mut Map<String, Value>) -> Result<(), Misfit> {
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    if metadata.is_null() {
        *metadata = json!({});
    }
    let at = |rest: &str| format!("v1.{}.ObjectMeta: v1.ObjectMeta.{rest}", kind.kind);
    let found = first_char(metadata);
    let culprit = if metadata.is_object() { String::new() } else { metadata.to_string() };
    let Some(map) = metadata.as_object_mut() else {
        let why = format!("expect {{ or n, but found {found}");
        return Err(Misfit { field: format!("v1.{}.ObjectMeta", kind.kind), why, culprit });
    };
    map.retain(|name, value| !value.is_null() && METADATA.contains(&name.as_str()));
    for (name, value) in map.iter_mut() {
        let go_name = at(&format!("{}{}", name[..1].to_uppercase(), &name[1..]));
        match name.as_str() {
            "labels" | "annotations" => string_map(value, &go_name)?,
            "name" | "generateName" | "namespace" | "uid" | "resourceVersion" if !value.is_string() => {
                return Err(no_string(go_name, value));
            }
            "ownerReferences" | "finalizers" | "managedFields" if !value.is_array() => {
                let why = format!("decode slice: expect [ or n, but found {}", first_char(value));
                return Err(Misfit { field: go_name, why, culprit: value.to_string() });
            }
            _ => {}
        }
    }
    map.retain(|name, value| match name.as_str() {
        "labels" | "annotations" => !value.as_object().is_some_and(Map::is_empty),
        "ownerReferences" | "finalizers" | "managedFields" => !value.as_array().is_some_and(Vec::is_empty),
        _ => true,
    });
    Ok(())
}

fn string_map(value: &mut Value, field: &str) -> Result<(), Misfit> {
    for item in entries(value, field)?.values_mut() {
        match item {
            Value::String(_) => {}
            Value::Null => *item = json!(""),
            _ => return Err(no_string(field.to_owned(), item)),
        }
    }
    Ok(())
}

fn base64_map(value: &mut Value, field: &str) -> Result<(), Misfit> {
    for item in entries(value, field)?.values_mut() {
        let text = match &*item {
            Value::String(text) => text,
            Value::Null => "",
            _ => {
                let why = "base64Codec: invalid input".to_owned();
                return Err(Misfit { field: field.to_owned(), why, culprit: item.to_string() });
            }
        };
        let bytes = decode_base64(text).map_err(|at| Misfit {
            field: field.to_owned(),
            why: format!("decode base64: illegal base64 data at input byte {at}"),
            culprit: item.to_string(),
        })?;
        *item = json!(BASE64_STANDARD.encode(bytes));
    }
    Ok(())
}

/// Decodes as Go's `base64.StdEncoding` does: line ends are skipped, padding is required.
fn decode_base64(text: &str) -> Result<Vec<u8>, usize> {
    let compact: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    LENIENT.decode(&compact).map_err(|_| {
        let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\r' | b'\n');
        text.bytes().position(|b| !letter(b)).unwrap_or(text.len() / 4 * 4)
    })
}

fn entries<'a>(value: &'a mut Value, field: &str) -> Result<&'a mut Map<String, Value>, Misfit> {
    let found = first_char(value);
    let culprit = if value.is_object() { String::new() } else { value.to_string() };
    value.as_object_mut().ok_or_else(|| Misfit {
        field: field.to_owned(),
        why: format!("ReadMapCB: expect {{ or n, but found {found}"),
        culprit,
    })
}

fn no_string(field: String, value: &Value) -> Misfit {
    let why = format!("ReadString: expects \" or n, but found {}", first_char(value));
    Misfit { field, why, culprit: value.to_string() }
}

fn first_char(value: &Value) -> char {
    match value {
        Value::Null => 'n',
        Value::Bool(true) => 't',
        Value::Bool(false) => 'f',
        Value::Number(number) => number.to_string().chars().next().unwrap_or('0'),
        Value::String(_) => '"',
        Value::Array(_) => '[',
        Value::Object(_) => '{',
    }
}
