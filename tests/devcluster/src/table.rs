//! The table that `kubectl get` prints.

use std::borrow::Borrow;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::kinds::{Column, Kind, Path};
use crate::store::{At as _, Object, text};
use crate::view::partial;

/// A `Table` of the objects; `meta` is its ListMeta, `version` that of `meta.k8s.io`.
pub(crate) fn table<T: Borrow<Object>>(
    kind: &Kind,
    version: &str,
    objects: impl IntoIterator<Item = T>,
    meta: Value,
    now: Timestamp,
) -> Value {
    let columns: Vec<Value> = columns(kind)
        .into_iter()
        .map(|(name, kind)| {
            let format = if name == "Name" { "name" } else { "" };
            json!({"name": name, "type": kind, "format": format, "description": "", "priority": 0})
        })
        .collect();
    let rows: Vec<Value> = objects
        .into_iter()
        .map(|object| {
            let object: &Value = object.borrow();
            json!({"cells": cells(kind, object, now), "object": partial(object, version)})
        })
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": format!("meta.k8s.io/{version}"),
        "metadata": meta,
        "columnDefinitions": columns,
        "rows": rows,
    })
}

fn columns(kind: &Kind) -> Vec<(&'static str, &'static str)> {
    let name = ("Name", "string");
    let age = ("Age", "string");
    match kind.storage {
        "secrets" => vec![name, ("Type", "string"), ("Data", "string"), age],
        "configmaps" => vec![name, ("Data", "string"), age],
        "serviceaccounts" => vec![name, ("Secrets", "string"), age],
        "namespaces" => vec![name, ("Status", "string"), age],
        "events" => vec![
            ("Last Seen", "string"),
            ("Type", "string"),
            ("Reason", "string"),
            ("Object", "string"),
            ("Message", "string"),
        ],
        _ => std::iter::once(name).chain(kind.columns.iter().map(|c| (c.name, c.format))).collect(),
    }
}

fn cells(kind: &Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = json!(text(object, "/metadata/name"));
    let age = json!(age(text(object, "/metadata/creationTimestamp"), now));
    let count = |field: &str| object.get(field).and_then(Value::as_object).map_or(0, Map::len);
    match kind.storage {
        "secrets" => vec![name, json!(text(object, "/type")), json!(count("data")), age],
        "configmaps" => vec![name, json!(count("data") + count("binaryData")), age],
        "serviceaccounts" => {
            let secrets = object.get("secrets").and_then(Value::as_array).map_or(0, Vec::len);
            vec![name, json!(secrets), age]
        }
        "namespaces" => vec![name, json!(text(object, "/status/phase")), age],
        "events" => {
            let seen = ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
                .iter()
                .map(|at| text(object, at))
                .find(|at| !at.is_empty())
                .unwrap_or_default();
            let involved = format!(
                "{}/{}",
                text(object, "/involvedObject/kind").to_lowercase(),
                text(object, "/involvedObject/name")
            );
            vec![
                json!(self::age(seen, now)),
                json!(text(object, "/type")),
                json!(text(object, "/reason")),
                json!(involved),
                json!(text(object, "/message").trim()),
            ]
        }
        _ => std::iter::once(name).chain(kind.columns.iter().map(|c| cell(c, object, now))).collect(),
    }
}

fn cell(column: &Column, object: &Value, now: Timestamp) -> Value {
    let found = match column.path {
        Path::At(at) => object.at(at),
        Path::Ready(field) => object
            .at("/status/conditions")
            .and_then(Value::as_array)
            .and_then(|conditions| conditions.iter().find(|c| text(c, "/type") == "Ready"))
            .and_then(|condition| condition.get(field)),
    };
    match found {
        Some(Value::String(at)) if column.format == "date" => json!(age(at, now)),
        Some(value) => value.clone(),
        None => Value::Null,
    }
}

/// How long ago, as kubectl shows it: `90s`, `3m57s`, `2d4h`.
fn age(at: &str, now: Timestamp) -> String {
    let Ok(at) = at.parse::<Timestamp>() else { return "<unknown>".to_owned() };
    let seconds = now.as_second() - at.as_second();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |big: i64, unit: char, small: i64, part: char| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{part}") }
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{days}d"),
        _ => pair(days / 365, 'y', days % 365, 'd'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_kubectl_prints_them() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for (at, expected) in [
            ("2026-11-22T11:59:00Z", "60s"),
            ("2026-11-22T11:56:03Z", "3m57s"),
            ("2026-11-22T11:49:59Z", "10m"),
            ("2026-11-22T08:30:00Z", "3h30m"),
            ("2026-11-20T08:00:00Z", "2d4h"),
            ("2026-11-01T12:00:00Z", "21d"),
            ("2026-11-22T12:00:05Z", "<invalid>"),
            ("", "<unknown>"),
        ] {
            assert_eq!(age(at, now), expected, "{at}");
        }
    }
}
