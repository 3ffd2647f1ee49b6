//! `spec` of a VaultDynamicSecret.

use crate::provider::vault;
use crate::reader::{Fields, shortened};
use crate::references::References;
use crate::{ParseOptions, store};
use pawl_domain::generator::{VaultGenerator, VaultMethod, VaultResult};
use pawl_domain::store::{KvVersion, VaultStore};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn read(spec: &mut Fields<'_>, options: &ParseOptions) -> Option<VaultGenerator> {
    let path = spec.required("path", "the path to ask, such as database/creds/app").map(str::to_owned);
    let method = method(spec);
    let parameters = parameters(spec, method);
    let query = query(spec, method);
    let results = [("Data", VaultResult::Data), ("Auth", VaultResult::Auth), ("Raw", VaultResult::Raw)];
    let result = spec.choice("resultType", &results).unwrap_or_default();
    let allows_empty = spec.flag("allowEmptyResponse");
    let max_retries = store::retries(spec);
    let provider = spec.present("provider", "is missing; write the server and auth in it");
    let server = provider.and_then(|provider| vault::spec(provider, References::Generator, None));
    if super::is_of_another_class(spec, options) {
        return None;
    }
    // A request that failed may have made something that nobody has, so that it is made again only where the manifest says so.
    let server = VaultStore {
        path: None,
        version: KvVersion::default(),
        max_retries: Some(max_retries.unwrap_or(0)),
        ..server?
    };
    Some(VaultGenerator { server, path: path?, method, parameters, query, result, allows_empty })
}

/// In ESO any other word is a write as well.
fn method(spec: &mut Fields<'_>) -> VaultMethod {
    match spec.filled("method").unwrap_or("GET") {
        "GET" => VaultMethod::Read,
        "LIST" => VaultMethod::List,
        "DELETE" => VaultMethod::Delete,
        "POST" | "PUT" | "PATCH" => VaultMethod::Write,
        other => {
            let message = format!("must be GET, LIST, DELETE, POST or PUT, found {:?}", shortened(other));
            spec.error("method", message);
            VaultMethod::default()
        }
    }
}

fn parameters(spec: &mut Fields<'_>, method: VaultMethod) -> String {
    let given = spec.value("parameters");
    if given.is_some() && method != VaultMethod::Write {
        let path = spec.path_of("parameters");
        spec.notes().warning(path, "has no effect: only a write, such as POST, has a body");
    }
    match given.filter(|_| method == VaultMethod::Write) {
        None => "{}".to_owned(),
        Some(given) => {
            if !given.is_object() {
                spec.error("parameters", "expected an object");
            }
            given.to_string()
        }
    }
}

fn query(spec: &mut Fields<'_>, method: VaultMethod) -> BTreeMap<String, Vec<String>> {
    let Some(given) = spec.value("getParameters") else { return BTreeMap::new() };
    if method != VaultMethod::Read {
        let path = spec.path_of("getParameters");
        spec.notes().warning(path, "has no effect: only a GET has it");
        return BTreeMap::new();
    }
    let texts = |value: &Value| -> Option<Vec<String>> {
        value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let entry = |(name, value): (&String, &Value)| Some((name.clone(), texts(value)?));
    let all = given.as_object().and_then(|object| object.iter().map(entry).collect());
    if all.is_none() {
        spec.error("getParameters", "expected lists of texts by name, such as {format: [pem]}");
    }
    all.unwrap_or_default()
}
