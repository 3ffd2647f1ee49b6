//! `spec.provider.crd` of a store.
//!
//! Source of fields, defaults and rules: ESO's CRD provider, version 2.9.

use super::{Setting, kubernetes};
use crate::reader::{Fields, Notes};
use pawl_domain::store::{Backend, CrdResource, CrdRule, CrdStore};
use pawl_golang::regexp::Regexp;

/// The backend of a store.
pub(super) fn read(mut fields: Fields<'_>, setting: Setting<'_>) -> Option<Backend> {
    let api = kubernetes::api(&mut fields, setting);
    if !fields.has("resource") {
        fields.error("resource", "is missing; write group, version and kind in it");
    }
    let resource = fields.object("resource").and_then(resource);
    let whitelist = match fields.object("whitelist") {
        Some(fields) => whitelist(fields, setting),
        None => Vec::new(),
    };
    fields.close();
    let namespace = setting.own.cloned();
    Some(CrdStore { api: api?, resource: resource?, whitelist, namespace }.into())
}

fn resource(mut fields: Fields<'_>) -> Option<CrdResource> {
    let group = fields.given("group", "the group, or \"\" for what is in none, such as a ConfigMap");
    let version = fields.required("version", "the version, such as v1");
    let kind = fields.required("kind", "the kind, such as ConfigMap");
    // The parts of a path.
    for (field, text) in [("group", group), ("version", version)] {
        if text.is_some_and(|text| text.contains('/')) {
            fields.error(field, "has a slash; write group and version each by itself");
        }
    }
    let resource =
        CrdResource { group: group?.to_owned(), version: version?.to_owned(), kind: kind?.to_owned() };
    let is_core = matches!(resource.group.as_str(), "" | "core") && resource.version == "v1";
    if is_core && resource.kind.eq_ignore_ascii_case("Secret") {
        fields.error("kind", "may not be Secret; read Secrets with the provider kubernetes");
    }
    fields.close();
    Some(resource)
}

fn whitelist(mut fields: Fields<'_>, setting: Setting<'_>) -> Vec<CrdRule> {
    let rules = fields.objects("rules").into_iter().map(|fields| rule(fields, setting)).collect();
    fields.close();
    rules
}

fn rule(mut fields: Fields<'_>, setting: Setting<'_>) -> CrdRule {
    let name = pattern(&mut fields, "name");
    let namespace = pattern(&mut fields, "namespace");
    if namespace.is_some() && setting.own.is_some() {
        let what = "has no meaning in a SecretStore, which reads its own namespace only; leave it out";
        fields.error("namespace", what);
    }
    let properties = fields.texts("properties");
    for (index, text) in properties.iter().enumerate() {
        let path = format!("{}[{index}]", fields.path_of("properties"));
        check(text, &path, fields.notes());
    }
    if name.is_none() && namespace.is_none() && properties.is_empty() {
        fields.notes().error(fields.path(), "admits everything; write name, namespace or properties");
    }
    fields.close_strictly();
    CrdRule { name, namespace, properties }
}

fn pattern(fields: &mut Fields<'_>, field: &'static str) -> Option<String> {
    let text = fields.filled(field)?;
    check(text, &fields.path_of(field), fields.notes());
    Some(text.to_owned())
}

/// A store is not used with half a whitelist, wherever it stands.
fn check(pattern: &str, path: &str, notes: &Notes) {
    if let Err(error) = Regexp::new(pattern) {
        notes.error(path, format!("{error}; write it in the syntax of RE2"));
    }
}
