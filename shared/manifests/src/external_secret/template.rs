//! `spec.target.template`.
//!
//! Source of fields and rules: ESO's CRD and validating webhook, version 2.9.

use super::strategies;
use super::version::Version;
use crate::reader::{Fields, shortened};
use crate::{compile, references};
use pawl_domain::declaration::{
    Decoding, Engine, Template, TemplateAs, TemplateFrom, TemplateItem, TemplateObject, TemplateScope,
};

/// The highest index of a list that a path may have. Source: ESO's templates for any kind of object.
const HIGHEST_INDEX: usize = 10_000;

/// The template of a Secret, or of another kind of object.
pub(crate) fn read(mut fields: Fields<'_>, of_secret: bool, version: Version) -> Template {
    let engine = fields.choice("engineVersion", &[("v2", Engine::V2)]).unwrap_or_default();
    let merge = fields.choice("mergePolicy", &[("Replace", false), ("Merge", true)]).unwrap_or_default();
    let mut template =
        Template { engine, merge, kind: fields.filled("type").map(str::to_owned), ..Template::default() };
    if let Some(metadata) = fields.object("metadata") {
        read_metadata(metadata, of_secret, version, &mut template);
    }
    template.data = fields.text_map("data");
    let from = fields.objects("templateFrom");
    refuse_tokens(&fields, &template);
    let on_behalf = template.kind.as_deref() == Some(SERVICE_ACCOUNT_TOKEN);
    template.from =
        from.into_iter().map(|fields| template_from(fields, of_secret, on_behalf, version)).collect();
    for (key, text) in &template.data {
        compile::template(text, &format!("{}[{key}]", fields.path_of("data")), fields.notes());
    }
    fields.close();
    template
}

fn read_metadata(mut fields: Fields<'_>, of_secret: bool, version: Version, template: &mut Template) {
    template.labels = fields.text_map("labels");
    template.annotations = fields.text_map("annotations");
    if version.reads(&mut fields, "finalizers") {
        template.finalizers = fields.texts("finalizers");
    }
    // Those of other kinds are taken as they are.
    if of_secret {
        for (field, texts) in [("labels", &template.labels), ("annotations", &template.annotations)] {
            for (key, text) in texts {
                compile::template(text, &format!("{}[{key}]", fields.path_of(field)), fields.notes());
            }
        }
    }
    fields.close();
}

const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";
const BOOTSTRAP_TOKEN: &str = "bootstrap.kubernetes.io/token";
const SERVICE_ACCOUNT: &str = "kubernetes.io/service-account.name";

/// Kubernetes fills or honours Secrets of these types with tokens: whoever may write an ExternalSecret could mint
/// himself some.
fn refuse_tokens(fields: &Fields<'_>, template: &Template) {
    match template.kind.as_deref() {
        Some(SERVICE_ACCOUNT_TOKEN) if template.annotations.contains_key(SERVICE_ACCOUNT) => fields.hopeless(
            &format!("metadata.annotations[{SERVICE_ACCOUNT}]"),
            format!(
                "is not allowed with type {SERVICE_ACCOUNT_TOKEN}: Kubernetes would make a token; remove it"
            ),
        ),
        Some(BOOTSTRAP_TOKEN) => {
            fields
                .hopeless("type", "may not be a bootstrap token, which lets nodes join; write another type");
        }
        _ => {}
    }
}

fn template_from(mut fields: Fields<'_>, of_secret: bool, on_behalf: bool, version: Version) -> TemplateFrom {
    let config_map = fields.object("configMap").and_then(|fields| object(fields, "the ConfigMap's name"));
    let secret = fields.object("secret").and_then(|fields| object(fields, "the Secret's name"));
    let literal = fields.text("literal");
    if let Some(literal) = literal {
        compile::template(literal, &fields.path_of("literal"), fields.notes());
    }
    if !(fields.has("configMap") || fields.has("secret") || fields.has("literal")) {
        let message = "names no template, so it has no effect; write configMap, secret or literal";
        fields.notes().warning(fields.path(), message);
    }
    let scope = scope(&mut fields, of_secret);
    if on_behalf && scope == TemplateScope::Annotations {
        let message = format!(
            "may not be Annotations with type {SERVICE_ACCOUNT_TOKEN}: Kubernetes could be made to make a token"
        );
        fields.hopeless("target", message);
    }
    let decoding = if version.reads(&mut fields, "valuesDecodingStrategy") {
        strategies::decoding(&mut fields, "valuesDecodingStrategy")
    } else {
        Decoding::default()
    };
    fields.close();
    TemplateFrom { config_map, secret, literal: literal.map(str::to_owned), scope, decoding }
}

fn object(mut fields: Fields<'_>, what: &str) -> Option<TemplateObject> {
    let name = references::name(&mut fields, what);
    if !fields.has("items") {
        fields.error("items", "is missing; write the keys that hold templates");
    }
    let items = fields.objects("items").into_iter().filter_map(item).collect();
    fields.close();
    Some(TemplateObject { name: name?, items })
}

fn item(mut fields: Fields<'_>) -> Option<TemplateItem> {
    let key = fields.data_key("key", "a key of the object's data").map(str::to_owned);
    let kinds = [("Values", TemplateAs::Values), ("KeysAndValues", TemplateAs::KeysAndValues)];
    let as_what = fields.choice("templateAs", &kinds).unwrap_or_default();
    fields.close();
    Some(TemplateItem { key: key?, as_what })
}

/// The well-known names in any letter case; anything else is a path, which only other kinds than Secrets have.
fn scope(fields: &mut Fields<'_>, of_secret: bool) -> TemplateScope {
    let text = fields.filled("target").unwrap_or("Data");
    match text.to_ascii_lowercase().as_str() {
        "data" => TemplateScope::Data,
        "labels" => TemplateScope::Labels,
        "annotations" => TemplateScope::Annotations,
        _ if of_secret => {
            let told = shortened(text);
            fields.hopeless("target", format!("{told:?} is no part of a Secret that templates may write; write Data, Annotations or Labels"));
            TemplateScope::Path(text.to_owned())
        }
        "spec" => TemplateScope::Path("spec".to_owned()),
        _ => {
            if let Err(reason) = check_path(text) {
                let message = format!("{:?} is no path: {reason}; write it as a.b[0].c", shortened(text));
                fields.hopeless("target", message);
            }
            TemplateScope::Path(text.to_owned())
        }
    }
}

/// A path is keys with dots between, each with any number of indices behind it.
fn check_path(text: &str) -> Result<(), &'static str> {
    for part in text.split('.') {
        let (key, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        if key.is_empty() || key.contains(']') {
            return Err("each part must begin with a key");
        }
        while !indices.is_empty() {
            let inner = indices.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let Some((index, rest)) = inner else { return Err("a bracket is not closed") };
            match index.parse::<usize>() {
                Ok(index) if index <= HIGHEST_INDEX => {}
                Ok(_) => return Err("an index may be at most 10000"),
                Err(_) => return Err("an index must be a number"),
            }
            indices = rest;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_path;

    #[test]
    fn paths_are_keys_with_indices() {
        for (path, valid) in [
            ("spec.rules", true),
            ("a[0]", true),
            ("a[0][10000].b", true),
            ("a[10001]", false),
            ("a[-1]", false),
            ("a[x]", false),
            ("a[0", false),
            ("a]", false),
            ("a[0]b", false),
            ("[0].a", false),
            ("a..b", false),
            ("a.", false),
            ("", false),
        ] {
            assert_eq!(check_path(path).is_ok(), valid, "{path}");
        }
    }
}
