//! Discovery documents, health, version and a minimal OpenAPI document.

use serde_json::{Value, json};

use crate::kinds::{KINDS, Kind};

const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const REVIEWS: &str = "authorization.k8s.io";

/// An answer that is no object.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

/// The document at a path.
pub(crate) fn document(path: &str, accept: &str, address: &str) -> Option<Document> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let found = match parts.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => {
            return Some(Document { content_type: "text/plain; charset=utf-8", body: b"ok".to_vec() });
        }
        ["openapi", "v2"] => return Some(openapi(accept)),
        ["version"] => version(),
        ["api"] => json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
        }),
        ["apis"] => json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": groups().into_iter().map(|(name, versions)| group(name, &versions)).collect::<Vec<_>>(),
        }),
        ["api", "v1"] => resources("", "v1"),
        ["apis", name] => {
            let (name, versions) = groups().into_iter().find(|(group, _)| group == name)?;
            let mut group = group(name, &versions);
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            group
        }
        ["apis", name, version] => {
            groups().into_iter().find(|(group, versions)| group == name && versions.contains(version))?;
            resources(name, version)
        }
        _ => return None,
    };
    Some(Document { content_type: "application/json", body: found.to_string().into_bytes() })
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "gitVersion": "v1.36.0+devcluster",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "",
    })
}

fn groups() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = vec![(REVIEWS, vec!["v1"])];
    for kind in KINDS.iter().filter(|kind| !kind.group.is_empty()) {
        match groups.iter_mut().find(|(name, _)| *name == kind.group) {
            None => groups.push((kind.group, kind.versions.to_vec())),
            Some((_, versions)) => {
                let others: Vec<_> = kind.versions.iter().filter(|other| !versions.contains(other)).collect();
                versions.extend(others);
            }
        }
    }
    groups
}

fn group(name: &str, versions: &[&str]) -> Value {
    let entry = |version: &str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    json!({
        "name": name,
        "versions": versions.iter().map(|version| entry(version)).collect::<Vec<_>>(),
        "preferredVersion": entry(versions.first().copied().unwrap_or_default()),
    })
}

fn resources(group: &str, version: &str) -> Value {
    let mut resources = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group && kind.versions.contains(&version)) {
        resources.push(resource(kind));
        if kind.custom || kind.storage == "namespaces" {
            resources.push(json!({
                "name": format!("{}/status", kind.plural), "singularName": "", "namespaced": kind.namespaced,
                "kind": kind.kind, "verbs": ["get", "patch", "update"],
            }));
        }
        if kind.storage == "serviceaccounts" {
            resources.push(json!({
                "name": "serviceaccounts/token", "singularName": "", "namespaced": true,
                "group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest", "verbs": ["create"],
            }));
        }
    }
    if group == REVIEWS {
        resources.push(json!({
            "name": "selfsubjectaccessreviews", "singularName": "", "namespaced": false,
            "kind": "SelfSubjectAccessReview", "verbs": ["create"],
        }));
        resources.push(json!({
            "name": "selfsubjectrulesreviews", "singularName": "", "namespaced": false,
            "kind": "SelfSubjectRulesReview", "verbs": ["create"],
        }));
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources,
    })
}

fn resource(kind: &Kind) -> Value {
    let mut resource = json!({
        "name": kind.plural,
        "singularName": if kind.custom { kind.singular } else { "" },
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": VERBS,
    });
    if !kind.short.is_empty() {
        resource["shortNames"] = json!(kind.short);
    }
    if kind.group == "external-secrets.io" {
        resource["categories"] = json!(["external-secrets"]);
    }
    resource
}

/// A document without schemas: kubectl then validates nothing and merges core kinds by the schemas that it brings.
fn openapi(accept: &str) -> Document {
    if !accept.contains("protobuf") {
        let body =
            json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": "v1.36.0"}, "paths": {}});
        return Document { content_type: "application/json", body: body.to_string().into_bytes() };
    }
    let info = [field(1, b"Kubernetes"), field(2, b"v1.36.0")].concat();
    let body = [field(1, b"2.0"), field(2, &info), field(8, b"")].concat();
    // kubectl cannot parse the media type that it asks for; the real server avoids it too.
    Document { content_type: "application/octet-stream", body }
}

/// A length-delimited protobuf field; everything here is shorter than 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2, u8::try_from(content.len()).unwrap_or(u8::MAX)];
    out.extend_from_slice(content);
    out
}
