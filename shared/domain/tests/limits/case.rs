//! Declarations with values, made of templates, rewrites and reads.

use pawl_domain::declaration::{
    CreationPolicy, Decoding, DeletionPolicy, Into as Becomes, NullBytes, Refresh, RefreshPolicy, Rewrite,
    Target, Template, TemplateAs, TemplateFrom, TemplateItem, TemplateObject, TemplateScope, TemplateSource,
};
use pawl_domain::{
    Declaration, Fetched, Found, Home, Provider, Query, Read, Remote, SecretValue, StoreId, TemplateSources,
    Values, Version,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A declaration and all that is rendered with it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) declaration: Declaration,
    pub(crate) values: Values,
    pub(crate) sources: TemplateSources,
}

impl std::fmt::Debug for Case {
    /// What takes its place in a report: the manifest. Values are as long as they may be, and say nothing.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let template = self.declaration.target.template.as_ref();
        writeln!(f, "{} with {} values", self.name, self.values.0.len())?;
        for (key, text) in template.iter().flat_map(|it| &it.data) {
            writeln!(f, "data {key}: {text:.2000}")?;
        }
        for from in template.iter().flat_map(|it| &it.from) {
            writeln!(f, "from {:?}: {:.2000}", from.scope, from.literal.as_deref().unwrap_or("an object"))?;
        }
        for (source, items) in &self.sources.0 {
            for text in items.values() {
                writeln!(f, "{source:?}: {:.2000}", text.expose_str().unwrap_or_default())?;
            }
        }
        let shown = |read: &Read| format!("{:?} {:?} {:?}", read.query, read.into, read.decoding);
        let mut reads: Vec<String> = self.declaration.reads.iter().map(shown).collect();
        reads.sort_unstable();
        reads.dedup();
        reads.iter().try_for_each(|read| writeln!(f, "{read:.2000}"))
    }
}

impl Case {
    /// Whether it may make a key of RSA or DSA.
    pub(crate) fn takes_luck(&self) -> bool {
        format!("{self:?}").contains("genPrivateKey") || self.name.contains("genPrivateKey")
    }

    /// Reads without a template.
    pub(crate) fn reading(name: impl Into<String>, reads: Vec<Read>, values: Vec<Found>) -> Self {
        let declaration = Declaration { reads, ..declaration() };
        Self { name: name.into(), declaration, values: Values(values), sources: TemplateSources::default() }
    }

    /// One template; `.text` is a text of 64 KiB, the most that Secrets Manager keeps.
    pub(crate) fn template(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self::templates(name, [text.into()])
    }

    /// Several templates, each for a key of its own.
    pub(crate) fn templates(name: impl Into<String>, texts: impl IntoIterator<Item = String>) -> Self {
        let data = texts.into_iter().enumerate().map(|(number, text)| (format!("x{number}"), text)).collect();
        Self::with(name, Template { data, ..Template::default() })
    }

    /// A whole template of a target.
    pub(crate) fn with(name: impl Into<String>, template: Template) -> Self {
        let mut case =
            Self::reading(name, vec![read(Becomes::Key("text".into()))], vec![found("a".repeat(64 << 10))]);
        case.declaration.target.template = Some(template);
        case
    }

    /// A template in a ConfigMap.
    pub(crate) fn in_object(name: impl Into<String>, text: String, as_what: TemplateAs) -> Self {
        let object = TemplateObject {
            name: "templates".parse().unwrap(),
            items: vec![TemplateItem { key: "x".into(), as_what }],
        };
        let from = TemplateFrom {
            config_map: Some(object),
            secret: None,
            literal: None,
            scope: TemplateScope::Data,
            decoding: Decoding::None,
        };
        let mut case = Self::with(name, Template { from: vec![from], ..Template::default() });
        let items = BTreeMap::from([("x".to_owned(), SecretValue::new(text))]);
        case.sources.0.insert(TemplateSource::ConfigMap("templates".parse().unwrap()), items);
        case
    }

    /// One read of a document whose entries are rewritten.
    pub(crate) fn rewriting(name: impl Into<String>, document: String, rewrite: Vec<Rewrite>) -> Self {
        Self::reading(name, vec![read(Becomes::Every { conversion: None, rewrite })], vec![found(document)])
    }
}

/// A literal of `templateFrom`.
pub(crate) fn literal(text: impl Into<String>) -> TemplateFrom {
    TemplateFrom {
        config_map: None,
        secret: None,
        literal: Some(text.into()),
        scope: TemplateScope::Data,
        decoding: Decoding::Auto,
    }
}

pub(crate) fn read(into: Becomes) -> Read {
    Read {
        path: "spec.data[0]".into(),
        store: StoreId {
            home: Home::Applied,
            namespace: None,
            name: "aws".parse().unwrap(),
            generator: None,
        },
        query: Query::Key(Remote { key: "k".into(), ..Remote::default() }),
        into,
        decoding: Decoding::None,
        null_bytes: NullBytes::Ignore,
    }
}

/// A read of one property.
pub(crate) fn property(path: impl Into<String>, key: impl Into<String>) -> Read {
    let remote = Remote { key: "k".into(), property: Some(path.into()), ..Remote::default() };
    Read { query: Query::Key(remote), ..read(Becomes::Key(key.into())) }
}

pub(crate) fn found(value: impl Into<Vec<u8>>) -> Found {
    found_in(Provider::SecretsManager, value)
}

pub(crate) fn found_in(provider: Provider, value: impl Into<Vec<u8>>) -> Found {
    Found::One(Arc::new(Fetched {
        provider,
        value: SecretValue::new(value),
        version: Version { id: "1".into(), since: None },
        labels: Vec::new(),
    }))
}

/// A JSON object of so many members.
pub(crate) fn object(members: usize, value: &str) -> String {
    let members: Vec<String> = (0..members).map(|number| format!(r#""k{number}":{value}"#)).collect();
    format!("{{{}}}", members.join(","))
}

fn declaration() -> Declaration {
    Declaration {
        id: "blue/evil/it".parse().unwrap(),
        home: Home::Applied,
        uid: None,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        reads: Vec::new(),
        target: Target {
            name: "it".parse().unwrap(),
            creation: CreationPolicy::Owner,
            deletion: DeletionPolicy::Retain,
            immutable: false,
            template: None,
            manifest: None,
        },
        refresh: Refresh { policy: RefreshPolicy::Periodic, interval: Duration::from_secs(1), windows: None },
        synced: None,
        set: None,
        pattern: None,
    }
}
