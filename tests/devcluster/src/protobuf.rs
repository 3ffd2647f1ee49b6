//! Protobuf bodies: newer kubectls send some of the objects that they make themselves in it.
//!
//! The wire format and the field numbers are those of the `generated.proto` files of k8s.io/api and
//! k8s.io/apimachinery. Only what such clients send is read; answers are always JSON.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// The fields of a message: number, JSON name, shape.
type Schema = &'static [(u64, &'static str, Shape)];

#[derive(Clone, Copy)]
enum Shape {
    Text,
    Int,
    Bool,
    /// Repeated strings.
    Texts,
    /// String to string.
    Map,
    /// String to bytes; base64 in JSON.
    BytesMap,
    Time,
    One(Schema),
    Many(Schema),
}

use Shape::{Bool, BytesMap, Int, Many, Map as TextMap, One, Text, Texts, Time};

const ENVELOPE: Schema = &[(1, "typeMeta", One(&[(1, "apiVersion", Text), (2, "kind", Text)]))];
const OWNER: Schema = &[
    (1, "kind", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "controller", Bool),
    (7, "blockOwnerDeletion", Bool),
];
const METADATA: (u64, &str, Shape) = (
    1,
    "metadata",
    One(&[
        (1, "name", Text),
        (2, "generateName", Text),
        (3, "namespace", Text),
        (5, "uid", Text),
        (6, "resourceVersion", Text),
        (7, "generation", Int),
        (8, "creationTimestamp", Time),
        (9, "deletionTimestamp", Time),
        (11, "labels", TextMap),
        (12, "annotations", TextMap),
        (13, "ownerReferences", Many(OWNER)),
        (14, "finalizers", Texts),
    ]),
);
const ACCESS: Schema = &[
    (1, "namespace", Text),
    (2, "verb", Text),
    (3, "group", Text),
    (4, "version", Text),
    (5, "resource", Text),
    (6, "subresource", Text),
    (7, "name", Text),
];

/// The object of a body; `None` when it is not in this format or of a kind that no client sends so.
pub(crate) fn decode(body: &[u8]) -> Option<Value> {
    let envelope = body.strip_prefix(MAGIC)?;
    let types = message(ENVELOPE, envelope)?;
    let (_, Field::Bytes(raw)) = fields(envelope)?.into_iter().find(|(number, _)| *number == 2)? else {
        return None;
    };
    let types = types.get("typeMeta")?;
    let mut object = message(schema(types.get("kind")?.as_str()?)?, raw)?;
    for field in ["apiVersion", "kind"] {
        object.insert(field.to_owned(), types.get(field)?.clone());
    }
    Some(Value::Object(object))
}

fn schema(kind: &str) -> Option<Schema> {
    Some(match kind {
        "Secret" => &[
            METADATA,
            (2, "data", BytesMap),
            (3, "type", Text),
            (4, "stringData", TextMap),
            (5, "immutable", Bool),
        ],
        "ConfigMap" => &[METADATA, (2, "data", TextMap), (3, "binaryData", BytesMap), (4, "immutable", Bool)],
        "Namespace" | "ServiceAccount" => &[METADATA],
        "TokenRequest" => {
            &[METADATA, (2, "spec", One(&[(1, "audiences", Texts), (4, "expirationSeconds", Int)]))]
        }
        "SelfSubjectAccessReview" => &[METADATA, (2, "spec", One(&[(1, "resourceAttributes", One(ACCESS))]))],
        "DeleteOptions" => &[
            (2, "preconditions", One(&[(1, "uid", Text), (2, "resourceVersion", Text)])),
            (4, "propagationPolicy", Text),
            (5, "dryRun", Texts),
        ],
        _ => return None,
    })
}

/// A field as it stands on the wire.
enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

fn message(schema: Schema, bytes: &[u8]) -> Option<Map<String, Value>> {
    let mut out = Map::new();
    for (number, field) in fields(bytes)? {
        let Some((_, name, shape)) = schema.iter().find(|(n, ..)| *n == number) else { continue };
        if let Some((list, item)) = repeated(*shape, &field) {
            let list = out.entry((*name).to_owned()).or_insert(list);
            match (list, item?) {
                (Value::Array(list), (_, item)) => list.push(item),
                (Value::Object(map), (key, item)) => {
                    map.insert(key, item);
                }
                _ => return None,
            }
        } else {
            let value = single(*shape, &field)?;
            // An empty string stands for an absent one.
            if value != "" {
                out.insert((*name).to_owned(), value);
            }
        }
    }
    Some(out)
}

fn single(shape: Shape, field: &Field<'_>) -> Option<Value> {
    Some(match (shape, field) {
        (Text, Field::Bytes(bytes)) => json!(str::from_utf8(bytes).ok()?),
        (Int, Field::Varint(value)) => json!(value.cast_signed()),
        (Bool, Field::Varint(value)) => json!(*value != 0),
        (Time, Field::Bytes(bytes)) => {
            let seconds = message(&[(1, "seconds", Int)], bytes)?.get("seconds").and_then(Value::as_i64);
            seconds
                .map_or(Value::Null, |at| json!(Timestamp::from_second(at).unwrap_or_default().to_string()))
        }
        (One(schema), Field::Bytes(bytes)) => Value::Object(message(schema, bytes)?),
        _ => return None,
    })
}

/// For a repeated field: what it is empty, and the item with its key (empty in lists).
fn repeated(shape: Shape, field: &Field<'_>) -> Option<(Value, Option<(String, Value)>)> {
    let Field::Bytes(bytes) = field else { return None };
    let text = |bytes: &[u8]| Some(str::from_utf8(bytes).ok()?.to_owned());
    let pair = || {
        let (mut key, mut value): (&[u8], &[u8]) = (b"", b"");
        for (number, field) in fields(bytes)? {
            match (number, field) {
                (1, Field::Bytes(bytes)) => key = bytes,
                (2, Field::Bytes(bytes)) => value = bytes,
                _ => {}
            }
        }
        Some((text(key)?, value))
    };
    Some(match shape {
        Texts => (json!([]), text(bytes).map(|text| (String::new(), json!(text)))),
        Many(schema) => (json!([]), message(schema, bytes).map(|item| (String::new(), Value::Object(item)))),
        TextMap => (json!({}), pair().and_then(|(key, value)| Some((key, json!(text(value)?))))),
        BytesMap => (json!({}), pair().map(|(key, value)| (key, json!(BASE64_STANDARD.encode(value))))),
        _ => return None,
    })
}

fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Field<'_>)>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let field = match tag & 7 {
            0 => Field::Varint(varint(&mut bytes)?),
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).ok()?;
                let (content, rest) = bytes.split_at_checked(len)?;
                bytes = rest;
                Field::Bytes(content)
            }
            _ => return None,
        };
        out.push((tag >> 3, field));
    }
    Some(out)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
    }

    #[test]
    fn a_secret_is_read_from_its_envelope() {
        let types = [field(1, b"v1"), field(2, b"Secret")].concat();
        let meta =
            [field(1, b"db"), field(11, &[field(1, b"a"), field(2, b"b")].concat()), field(14, b"x/y")]
                .concat();
        let data = [field(1, b"key"), field(2, b"\0\xff")].concat();
        let secret = [field(1, &meta), field(2, &data), field(3, b""), vec![5 << 3, 1]].concat();
        let body = [MAGIC, &field(1, &types), &field(2, &secret)].concat();
        let expected = json!({
            "apiVersion": "v1", "kind": "Secret", "immutable": true, "data": {"key": "AP8="},
            "metadata": {"name": "db", "labels": {"a": "b"}, "finalizers": ["x/y"]},
        });
        assert_eq!(decode(&body), Some(expected));
    }

    #[test]
    fn what_is_cut_short_is_not_read() {
        let types = [field(1, b"v1"), field(2, b"Secret")].concat();
        let whole = [MAGIC, &field(1, &types), &field(2, &field(1, &field(1, b"db")))].concat();
        assert!(decode(&whole).is_some());
        for len in 0..whole.len() {
            assert_eq!(decode(&whole[..len]), None, "{len}");
        }
    }
}
