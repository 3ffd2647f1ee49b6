//! Get and list.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::route::Query;
use crate::selector::Selector;
use crate::status::{Answer, Failure, quoted};
use crate::store::{Key, Object, State};

/// The version in a continue token that goes on from whatever is there.
const ANY_VERSION: u64 = 0;

/// A page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Object>,
    /// ListMeta.
    pub(crate) meta: Value,
}

/// One object.
///
/// # Errors
/// 404; 504 when the version asked for lies in the future.
pub(crate) fn get(state: &State, kind: &Kind, namespace: &str, name: &str, query: &Query) -> Answer<Object> {
    check_version(state, query)?;
    state.get(kind.storage, namespace, name).ok_or_else(|| Failure::not_found(kind, name))
}

/// The selected objects of one namespace, or of all when it is empty, in pages as asked for.
///
/// A later page is read from the present state, but carries the version of the first: a watch from there misses
/// nothing.
///
/// # Errors
/// 400 for parameters that do not parse, 410 for a continue token that is too old, 504.
pub(crate) fn list(state: &State, kind: &Kind, namespace: &str, query: &Query) -> Answer<Page> {
    let selector = Selector::parse(kind, query.get("labelSelector"), query.get("fieldSelector"))?;
    let limit = parse_limit(query)?;
    let (start, version) = match query.get("continue") {
        "" => {
            check_version(state, query)?;
            (None, state.version())
        }
        token => {
            let (version, start) = read_token(token)?;
            if version != ANY_VERSION && version < state.floor() {
                return Err(Failure::continue_expired(&self::token(ANY_VERSION, &start)));
            }
            (Some(start), if version == ANY_VERSION { state.version() } else { version })
        }
    };
    let mut selected = state
        .list(kind.storage, namespace)
        .skip_while(|(key, _)| start.as_ref().is_some_and(|start| *key <= start))
        .filter(|(_, object)| selector.matches(object));
    // Version 0 asks for the cache, which knows no pages.
    let limit = if query.get("resourceVersion") == "0" { 0 } else { limit };
    let mut objects = Vec::new();
    let mut last = None;
    for (key, object) in selected.by_ref() {
        objects.push(object.clone());
        last = Some(key);
        if objects.len() == limit {
            break;
        }
    }
    let mut meta = json!({"resourceVersion": version.to_string()});
    let rest = if objects.len() == limit && limit > 0 { selected.count() } else { 0 };
    if let (Some(last), true) = (last, rest > 0) {
        meta["continue"] = json!(token(version, last));
        if selector.is_empty() {
            meta["remainingItemCount"] = json!(rest);
        }
    }
    Ok(Page { objects, meta })
}

fn parse_limit(query: &Query) -> Answer<usize> {
    match query.get("limit") {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            Failure::bad_request(format!("strconv.ParseInt: parsing {}: invalid syntax", quoted(text)))
        }),
    }
}

fn check_version(state: &State, query: &Query) -> Answer<()> {
    let asked = query.get("resourceVersion");
    if asked.is_empty() {
        return Ok(());
    }
    let Ok(version) = asked.parse::<u64>() else {
        return Err(bad_version(asked));
    };
    if version > state.version() {
        return Err(Failure::version_too_large(version, state.version()));
    }
    Ok(())
}

/// A resourceVersion that is no number.
pub(crate) fn bad_version(asked: &str) -> Failure {
    let asked = quoted(asked);
    let message = format!(
        "resourceVersion: Invalid value: {asked}: strconv.ParseUint: parsing {asked}: invalid syntax"
    );
    Failure::internal(message)
}

fn token(version: u64, last: &Key) -> String {
    let token = json!({"v": "meta.k8s.io/v1", "rv": version, "start": format!("{}/{}", last.0, last.1)});
    BASE64_URL_SAFE_NO_PAD.encode(token.to_string())
}

fn read_token(token: &str) -> Answer<(u64, Key)> {
    let parsed = BASE64_URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| {
        let token: Value = serde_json::from_slice(&bytes).ok()?;
        let (namespace, name) = token.get("start")?.as_str()?.split_once('/')?;
        Some((token.get("rv")?.as_u64()?, (namespace.to_owned(), name.to_owned())))
    });
    parsed.ok_or_else(|| Failure::bad_request("invalid continue token: continue key is not valid"))
}
