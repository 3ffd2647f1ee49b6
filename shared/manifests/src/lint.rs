//! What is sure to fail, or likely to, of declarations that can be read: for people who look at manifests before they
//! apply them. ESO and Pawl take all of it without a word, and then the Secret is not what was meant.
//!
//! Pure: nothing is asked and nothing executed. `groups` reads replacements as Go does, `fields` finds what templates
//! read for certain.

mod fields;
mod groups;

use pawl_domain::declaration::{Into, Rewrite};
use pawl_domain::{Declaration, Provider, Query, Read, Remote, Severity, Store, StoreId};
use std::collections::BTreeSet;

/// Something that is not as it was meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Whether it is sure to fail.
    pub severity: Severity,
    /// Where it stands.
    pub field: String,
    /// What is wrong with it and what to write.
    pub message: String,
}

impl Finding {
    fn error(field: impl std::convert::Into<String>, message: impl std::convert::Into<String>) -> Self {
        Self { severity: Severity::Error, field: field.into(), message: message.into() }
    }

    fn warning(field: impl std::convert::Into<String>, message: impl std::convert::Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(field, message) }
    }
}

/// All that is found in a declaration. What depends on a store is only looked at where `store` knows it.
pub fn lint<'s>(declaration: &Declaration, store: impl Fn(&StoreId) -> Option<&'s Store>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for read in &declaration.reads {
        if let (Query::Key(remote), Some(store)) = (&read.query, store(&read.store)) {
            findings.extend(key(read, remote, store.location().provider));
        }
        if let Into::Every { rewrite, .. } = &read.into {
            findings.extend(rewrite.iter().enumerate().flat_map(|(at, rule)| rewrites(read, at, rule)));
        }
    }
    findings.extend(templates(declaration));
    findings
}

/// Keys and versions that the provider reads otherwise than they look.
fn key(read: &Read, remote: &Remote, provider: Provider) -> Vec<Finding> {
    // `data[]` has them in its remoteRef, `dataFrom[]` in its extract.
    let of = |name: &str| match read.into {
        Into::Key(_) => format!("{}.remoteRef.{name}", read.path),
        Into::Every { .. } => format!("{}.extract.{name}", read.path),
    };
    let profile = provider.profile();
    let impossible = (profile.impossible_key)(&remote.key).map(|why| Finding::error(of("key"), why));
    let version = remote.version.as_deref().filter(|version| !version.is_empty());
    let doubtful = version.and_then(profile.doubtful_version).map(|why| Finding::warning(of("version"), why));
    impossible.into_iter().chain(doubtful).collect()
}

/// Replacements that name groups which the pattern does not have: they give nothing.
fn rewrites(read: &Read, at: usize, rule: &Rewrite) -> Vec<Finding> {
    let Rewrite::Regexp { source, target } = rule else { return Vec::new() };
    let has = groups::of(source);
    let unknown = groups::named(target).into_iter().filter(|group| !has.contains(group));
    unknown
        .map(|group| {
            let digits: String = group.chars().take_while(char::is_ascii_digit).collect();
            let rest = &group[digits.len()..];
            let message = match (digits.as_str(), rest) {
                (digits, rest) if !digits.is_empty() && !rest.is_empty() => {
                    format!("${group} is read as the group {group:?}, which does not exist; write ${{{digits}}}{rest}")
                }
                _ => format!("the pattern has no group {group:?}, so ${{{group}}} gives nothing; correct its name or number"),
            };
            Finding::error(format!("{}.rewrite[{at}].regexp.target", read.path), message)
        })
        .collect()
}

/// Fields of templates that are no key.
fn templates(declaration: &Declaration) -> Vec<Finding> {
    let Some(template) = &declaration.target.template else { return Vec::new() };
    let keys = Keys::of(declaration);
    let path = "spec.target.template";
    let of = |kind: &'static str| {
        move |(name, text): (&String, &String)| (format!("{path}.{kind}[{name}]"), text.clone())
    };
    let literals =
        template.from.iter().enumerate().filter_map(|(at, from)| {
            Some((format!("{path}.templateFrom[{at}].literal"), from.literal.clone()?))
        });
    let texts = (template.data.iter().map(of("data")))
        .chain(template.labels.iter().map(of("metadata.labels")))
        .chain(template.annotations.iter().map(of("metadata.annotations")))
        .chain(literals);
    let mut findings = Vec::new();
    for (field, text) in texts {
        let read: BTreeSet<Vec<String>> = fields::read(&text).into_iter().collect();
        findings.extend(read.into_iter().filter_map(|chain| keys.finding(&field, &chain)));
    }
    findings
}

/// The keys that templates can read.
struct Keys {
    known: BTreeSet<String>,
    /// Whether there may be others: those of `dataFrom` are only known when they are read.
    others: bool,
}

impl Keys {
    fn of(declaration: &Declaration) -> Self {
        let mut keys = Self { known: BTreeSet::new(), others: false };
        for read in &declaration.reads {
            match &read.into {
                Into::Key(key) => _ = keys.known.insert(key.clone()),
                Into::Every { .. } => keys.others = true,
            }
        }
        keys
    }

    /// What is wrong with reading `.a.b`. A key that is missing fails the template, whatever comes after it in a pipe.
    fn finding(&self, field: &str, chain: &[String]) -> Option<Finding> {
        let first = chain.first()?;
        if self.known.contains(first) {
            return None;
        }
        let shown = format!(".{}", chain.join("."));
        let dotted = (2..=chain.len()).rev().map(|length| chain[..length].join("."));
        if let Some(key) = dotted.into_iter().find(|key| self.known.contains(key)) {
            let message = format!(
                "{shown} is read as the key {first:?}; for the key with dots write (index . {key:?})"
            );
            return Some(if self.others {
                Finding::warning(field, message)
            } else {
                Finding::error(field, message)
            });
        }
        if self.others {
            return None;
        }
        let known = self.known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let message = format!(
            "no key {first:?} is read, and a missing key fails the template, also before default; the keys are: \
             {known}. Correct it, or write (index . {first:?}) for a key that may be missing"
        );
        Some(Finding::error(field, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ParseOptions, parse};
    use pawl_domain::Home;

    /// The problems of an ExternalSecret with this spec, which reads a store of this provider.
    fn found(provider: &str, spec: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{name: s, namespace: shop}}\n\
             spec: {{provider: {provider}}}\n---\n\
             apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: e, namespace: shop}}\n\
             spec: {{secretStoreRef: {{name: s, kind: SecretStore}}, {spec}}}\n"
        );
        let options = ParseOptions { any_cluster: true, ..ParseOptions::new(Home::Applied) };
        let manifests = parse(&text, "t", &options);
        assert_eq!((manifests.declarations.len(), manifests.problems), (1, Vec::new()), "{text}");
        let store = |id: &StoreId| manifests.stores.iter().find(|store| store.id == *id);
        let findings = lint(&manifests.declarations[0], store);
        findings.iter().map(|it| format!("{:?} {}: {}", it.severity, it.field, it.message)).collect()
    }

    const FAKE: &str = "{fake: {data: [{key: app, value: x}]}}";
    const SECRETS: &str = "{aws: {service: SecretsManager, region: eu-central-1}}";
    const PARAMETERS: &str = "{aws: {service: ParameterStore, region: eu-central-1}}";

    #[test]
    fn groups_that_do_not_exist_are_told() {
        let rewrite = |source: &str, target: &str| {
            let spec = format!(
                "dataFrom: [{{extract: {{key: app}}, rewrite: [{{regexp: {{source: '{source}', target: '{target}'}}}}]}}]"
            );
            found(FAKE, &spec)
        };
        for (source, target) in [
            ("(.*)", "${1}_X"),
            ("(.*)", "$1-x"),
            ("(?P<a>.)", "$a"),
            ("(?<a>.)", "${a}"),
            ("x", "$$1_X"),
            ("x", "$0"),
        ] {
            assert_eq!(rewrite(source, target), [""; 0], "{source} {target}");
        }
        let field = "Error spec.dataFrom[0].rewrite[0].regexp.target";
        let cases = [
            ("(.*)", "$1_X", r#"$1_X is read as the group "1_X", which does not exist; write ${1}_X"#),
            (
                "(.)(.)",
                "$3",
                r#"the pattern has no group "3", so ${3} gives nothing; correct its name or number"#,
            ),
            (
                "[(](?:.)",
                "${1}",
                r#"the pattern has no group "1", so ${1} gives nothing; correct its name or number"#,
            ),
            (
                "(?P<a>.)",
                "$b",
                r#"the pattern has no group "b", so ${b} gives nothing; correct its name or number"#,
            ),
        ];
        for (source, target, want) in cases {
            assert_eq!(rewrite(source, target), [format!("{field}: {want}")], "{source} {target}");
        }
    }

    #[test]
    fn fields_of_templates_that_are_no_key_are_told() {
        let template = |text: &str, from: &str| {
            let spec = format!(
                "target: {{template: {{data: {{out: '{text}'}}}}}}, \
                 data: [{{secretKey: a, remoteRef: {{key: app}}}}, {{secretKey: b.c, remoteRef: {{key: app}}}}]{from}"
            );
            found(FAKE, &spec)
        };
        for text in [
            "{{ .a }}",
            "{{ index . \"b.c\" }}",
            "{{ index . \"x\" | default \"y\" }}",
            "{{ if hasKey . \"x\" }}{{ .x }}{{ end }}",
            "{{ range $k, $v := . }}{{ $v }}{{ .x }}{{ end }}",
            "{{ with .a }}{{ .x }}{{ end }}",
            "{{ \".x\" }}{{/* .x */}}{{ `.x` }}",
            "{{ $d := .a }}{{ $d.x }}",
            "{{ (fromJson .a).x }}",
            "{{ or .a .x }}",
            "{{ 1.5 }} .x }}",
        ] {
            assert_eq!(template(text, ""), [""; 0], "{text}");
        }
        let field = "spec.target.template.data[out]";
        let dotted = ".b.c is read as the key \"b\"; for the key with dots write (index . \"b.c\")";
        let unknown = "no key \"x\" is read, and a missing key fails the template, also before default; the keys are: \
                       a, b.c. Correct it, or write (index . \"x\") for a key that may be missing";
        for (text, want) in [
            ("{{ .b.c }}", dotted),
            ("{{- .b.c -}}", dotted),
            ("{{ $.b.c }}", dotted),
            ("{{ .x | default \"y\" }}", unknown),
            ("{{ if .x }}{{ end }}", unknown),
            ("{{ upper .x }}", unknown),
            ("{{ (upper .x) }}", unknown),
            ("{{ if true }}{{ else }}{{ end }}{{ .x }}", unknown),
        ] {
            assert_eq!(template(text, ""), [format!("Error {field}: {want}")], "{text}");
        }
        let more = ", dataFrom: [{extract: {key: app}}]";
        assert_eq!(template("{{ .x }}", more), [""; 0], "it may be read");
        assert_eq!(template("{{ .b.c }}", more), [format!("Warning {field}: {dotted}")]);
    }

    #[test]
    fn keys_and_versions_are_read_as_the_provider_does() {
        let extract = |key: &str| format!("dataFrom: [{{extract: {{key: {key}}}}}]");
        assert_eq!(found(PARAMETERS, &extract("/prod/app")), [""; 0]);
        assert_eq!(found(SECRETS, &extract("/prod/")), [""; 0]);
        let told = found(PARAMETERS, &extract("/prod/"));
        assert!(
            told[0].starts_with("Error spec.dataFrom[0].extract.key: Parameter Store has no"),
            "{told:?}"
        );
        let version =
            |version: &str| format!("data: [{{secretKey: a, remoteRef: {{key: k, version: {version}}}}}]");
        let uuid = "0b2ac0c9-2b7e-4b6b-8a7c-0a1b2c3d4e5f";
        assert_eq!(found(SECRETS, &version("AWSPREVIOUS")), [""; 0]);
        assert_eq!(found(SECRETS, &version(&format!("uuid/{uuid}"))), [""; 0]);
        let told = found(SECRETS, &version(uuid));
        let want = format!(
            "Warning spec.data[0].remoteRef.version: is read as the name of a staging label; for the version with this \
             id write uuid/{uuid}"
        );
        assert_eq!(told, [want]);
    }
}
