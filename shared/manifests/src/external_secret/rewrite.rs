//! `rewrite` of a `dataFrom` entry.

use super::version::Version;
use crate::compile;
use crate::reader::Fields;
use pawl_domain::declaration::{Merge, OnConflict, Rewrite};

/// The operations in order; those that are wrong are noted and left out.
pub(super) fn read(entry: &mut Fields<'_>, version: Version) -> Vec<Rewrite> {
    entry.objects("rewrite").into_iter().filter_map(|fields| operation(fields, version)).collect()
}

/// The same of a PushSecret, which rewrites keys alone.
pub(crate) fn read_of_keys(entry: &mut Fields<'_>) -> Vec<Rewrite> {
    let of_key = |mut fields: Fields<'_>| {
        let one = fields.exactly_one(&["regexp", "transform"]);
        let inner = one.and_then(|field| fields.object(field));
        fields.close();
        if one? == "regexp" { regexp(inner?) } else { transform(inner?) }
    };
    entry.objects("rewrite").into_iter().filter_map(of_key).collect()
}

fn operation(mut fields: Fields<'_>, version: Version) -> Option<Rewrite> {
    let known: &[&'static str] = match version {
        Version::V1 => &["merge", "regexp", "transform"],
        Version::V1Beta1 => &["regexp", "transform"],
    };
    if version == Version::V1Beta1 && fields.has("merge") {
        fields.error("merge", "is not known in v1beta1; write apiVersion: external-secrets.io/v1");
        return None;
    }
    let one = fields.exactly_one(known);
    let inner = one.and_then(|field| fields.object(field));
    fields.close();
    match one? {
        "merge" => merge(inner?).map(Rewrite::Merge),
        "regexp" => regexp(inner?),
        _ => transform(inner?),
    }
}

fn regexp(mut fields: Fields<'_>) -> Option<Rewrite> {
    let source = fields.given("source", "the pattern to look for in each key");
    let target = fields.given("target", "what each match becomes");
    if let Some(source) = source {
        compile::pattern(source, &fields.path_of("source"), fields.notes());
    }
    fields.close();
    Some(Rewrite::Regexp { source: source?.to_owned(), target: target?.to_owned() })
}

fn transform(mut fields: Fields<'_>) -> Option<Rewrite> {
    let template = fields.given("template", "a template in which the key is .value");
    if let Some(template) = template {
        compile::template(template, &fields.path_of("template"), fields.notes());
    }
    fields.close();
    Some(Rewrite::Transform { template: template?.to_owned() })
}

fn merge(mut fields: Fields<'_>) -> Option<Merge> {
    let json = fields.choice("strategy", &[("Extract", false), ("JSON", true)]).unwrap_or_default();
    let into = fields.filled("into").map(str::to_owned);
    if json && into.is_none() {
        fields.hopeless("into", "is missing; strategy JSON needs the key that holds the merged object");
    }
    if !json && into.is_some() {
        let message = "has no effect with strategy Extract; remove it, or write strategy: JSON";
        fields.notes().warning(fields.path_of("into"), message);
    }
    let policies = [("Strict", false), ("IgnoreNotFound", true)];
    let conflicts = [("Error", OnConflict::Error), ("Ignore", OnConflict::Ignore)];
    let merge = Merge {
        into: json.then(|| into.unwrap_or_default()),
        priority: fields.texts("priority"),
        ignore_missing_priority: fields.choice("priorityPolicy", &policies).unwrap_or_default(),
        on_conflict: fields.choice("conflictPolicy", &conflicts).unwrap_or_default(),
    };
    fields.close();
    Some(merge)
}
