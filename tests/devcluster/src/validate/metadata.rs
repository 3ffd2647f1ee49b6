//! Names, labels, annotations, finalizers and owners.

use serde_json::Value;

use crate::kinds::Kind;
use crate::status::{Cause, quoted};
use crate::store::At as _;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
     and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
     and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
     an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
     and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
     validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// Limit of all annotations of an object together.
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

const STANDARD_FINALIZERS: &[&str] = &["orphan", "foregroundDeletion", "kubernetes"];

/// The causes for which an object's metadata is refused.
pub(super) fn check_metadata(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let text = |at: &str| object.at(at).and_then(Value::as_str).unwrap_or_default();
    check_generate_name(kind, text("/metadata/generateName"), &mut causes);
    check_name(kind, text("/metadata/name"), &mut causes);
    check_labels(object, &mut causes);
    check_annotations(object, &mut causes);
    check_owners(object, &mut causes);
    for (index, finalizer) in strings(object, "/metadata/finalizers").enumerate() {
        if !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(format!("metadata.finalizers[{index}]"), &quoted(finalizer), why));
        }
    }
    causes
}

/// The causes for which a change of an object's metadata is refused. The real server finds each of them twice.
pub(super) fn check_metadata_update(old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let deleting = old.at("/metadata/deletionTimestamp").is_some_and(|v| !v.is_null());
    if deleting {
        let added: Vec<String> = strings(new, "/metadata/finalizers")
            .filter(|f| !strings(old, "/metadata/finalizers").any(|o| o == *f))
            .map(quoted)
            .collect();
        if !added.is_empty() {
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                added.join(", ")
            );
            causes.push(Cause::forbidden("metadata.finalizers", &why));
        }
    }
    for field in ["name", "namespace", "uid"] {
        let at = format!("/metadata/{field}");
        let value = new.at(&at).and_then(Value::as_str).unwrap_or_default();
        if old.at(&at).and_then(Value::as_str).unwrap_or_default() != value {
            causes.push(Cause::immutable(&format!("metadata.{field}"), value));
        }
    }
    let twice = causes.clone();
    causes.extend(twice);
    causes
}

fn check_generate_name(kind: &Kind, prefix: &str, causes: &mut Vec<Cause>) {
    if prefix.is_empty() {
        return;
    }
    // A prefix may end in a dash; what is appended makes it a name.
    let masked = prefix.strip_suffix('-').map_or_else(|| prefix.to_owned(), |p| format!("{p}a"));
    if let Some(why) = name_fault(kind, &masked) {
        causes.push(Cause::invalid("metadata.generateName", &quoted(prefix), why));
    }
}

fn check_name(kind: &Kind, name: &str, causes: &mut Vec<Cause>) {
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if let Some(why) = name_fault(kind, name) {
        causes.push(Cause::invalid("metadata.name", &quoted(name), why));
    }
}

fn name_fault(kind: &Kind, name: &str) -> Option<&'static str> {
    if kind.storage == "namespaces" {
        if name.len() > 63 {
            return Some("must be no more than 63 characters");
        }
        if name.contains('.') {
            return Some("must not contain dots");
        }
        return (!is_dns_label(name)).then_some(LABEL);
    }
    if name.len() > 253 {
        return Some("must be no more than 253 characters");
    }
    (!name.split('.').all(is_dns_label)).then_some(SUBDOMAIN)
}

fn is_dns_label(text: &str) -> bool {
    let alnum = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().is_some_and(alnum)
        && bytes.last().is_some_and(alnum)
        && bytes.iter().all(|b| alnum(b) || *b == b'-')
}

fn is_name_part(text: &str) -> bool {
    let alnum = u8::is_ascii_alphanumeric;
    let bytes = text.as_bytes();
    bytes.first().is_some_and(alnum)
        && bytes.last().is_some_and(alnum)
        && bytes.iter().all(|b| alnum(b) || matches!(b, b'-' | b'_' | b'.'))
}

fn check_labels(object: &Value, causes: &mut Vec<Cause>) {
    let Some(labels) = object.at("/metadata/labels").and_then(Value::as_object) else { return };
    for (key, value) in labels {
        check_qualified_name("metadata.labels", key, causes);
        let value = value.as_str().unwrap_or_default();
        let fault = if value.len() > 63 {
            Some("must be no more than 63 characters")
        } else {
            (!value.is_empty() && !is_name_part(value)).then_some(LABEL_VALUE)
        };
        if let Some(why) = fault {
            causes.push(Cause::invalid("metadata.labels", &quoted(value), why));
        }
    }
}

fn check_annotations(object: &Value, causes: &mut Vec<Cause>) {
    let Some(annotations) = object.at("/metadata/annotations").and_then(Value::as_object) else {
        return;
    };
    let mut size = 0;
    for (key, value) in annotations {
        check_qualified_name("metadata.annotations", &key.to_lowercase(), causes);
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_LIMIT {
        causes.push(Cause::too_long("metadata.annotations", ANNOTATIONS_LIMIT));
    }
}

fn check_qualified_name(field: &str, key: &str, causes: &mut Vec<Cause>) {
    if key.matches('/').count() > 1 {
        let rule = NAME_PART.strip_prefix("name part").unwrap_or_default();
        let why = format!(
            "a qualified name{rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        );
        causes.push(Cause::invalid(field, &quoted(key), &why));
        return;
    }
    let name = match key.split_once('/') {
        None => key,
        Some((prefix, name)) => {
            if prefix.is_empty() {
                causes.push(Cause::invalid(field, &quoted(key), "prefix part must be non-empty"));
            } else if !prefix.split('.').all(is_dns_label) {
                causes.push(Cause::invalid(field, &quoted(key), &format!("prefix part {SUBDOMAIN}")));
            }
            name
        }
    };
    if name.is_empty() {
        causes.push(Cause::invalid(field, &quoted(key), "name part must be non-empty"));
    } else if name.len() > 63 {
        causes.push(Cause::invalid(field, &quoted(key), "name part must be no more than 63 characters"));
    }
    if !is_name_part(name) {
        causes.push(Cause::invalid(field, &quoted(key), NAME_PART));
    }
}

fn check_owners(object: &Value, causes: &mut Vec<Cause>) {
    let Some(owners) = object.at("/metadata/ownerReferences").and_then(Value::as_array) else { return };
    let text =
        |owner: &Value, name: &str| owner.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    for owner in owners {
        for (field, why) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if text(owner, field).is_empty() {
                causes.push(Cause::invalid(format!("metadata.ownerReferences.{field}"), "\"\"", why));
            }
        }
    }
    let controllers: Vec<&Value> =
        owners.iter().filter(|o| o.get("controller") == Some(&Value::Bool(true))).collect();
    if let [first, second, ..] = controllers.as_slice() {
        let why = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {} and {}",
            text(first, "name"),
            text(second, "name")
        );
        causes.push(Cause::invalid("metadata.ownerReferences", "[]v1.OwnerReference{...}", &why));
    }
}

fn strings<'a>(object: &'a Value, at: &str) -> impl Iterator<Item = &'a str> {
    object.at(at).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
