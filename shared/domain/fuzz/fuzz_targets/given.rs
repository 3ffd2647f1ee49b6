//! What both targets start from.

use pawl_domain::declaration::{
    CreationPolicy, Decoding, DeletionPolicy, Into as Becomes, NullBytes, Refresh, RefreshPolicy, Target,
    Template,
};
use pawl_domain::{
    Declaration, Fetched, Found, Functions, Home, Provider, Query, Read, Recipe, Remote, RenderError,
    Rendered, SecretValue, StoreId, TemplateSources, Values, Version,
};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| Functions::new(|| jiff::Timestamp::UNIX_EPOCH));

/// Parts of the input, which stand between lines of `===`.
pub(crate) fn parts<const N: usize>(input: &str) -> [&str; N] {
    let mut parts = input.split("\n===\n");
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// Renders one document; twice, because the second time must give the same.
pub(crate) fn rendered(
    into: Becomes,
    property: &str,
    template: Option<Template>,
    document: &[u8],
) -> Result<Rendered, RenderError> {
    let declaration = declaration(into, property, template);
    let fetched = Fetched {
        provider: Provider::SecretsManager,
        value: SecretValue::new(document),
        version: Version { id: "1".into(), since: None },
        labels: Vec::new(),
    };
    let values = Values(vec![Found::One(Arc::new(fetched))]);
    let recipe = Recipe::of(&declaration, &FUNCTIONS)?;
    let once = recipe.render(&values, &TemplateSources::default());
    if !recipe.is_random() {
        assert_eq!(once, recipe.render(&values, &TemplateSources::default()));
    }
    once
}

fn declaration(into: Becomes, property: &str, template: Option<Template>) -> Declaration {
    let name = "db".parse().unwrap();
    let remote = Remote { key: "app/db".into(), property: Some(property.into()), ..Remote::default() };
    Declaration {
        id: "blue/shop/db".parse().unwrap(),
        home: Home::Applied,
        uid: None,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        reads: vec![Read {
            path: "spec.data[0]".into(),
            store: StoreId {
                home: Home::Applied,
                namespace: None,
                name: "aws".parse().unwrap(),
                generator: None,
            },
            query: Query::Key(remote),
            into,
            decoding: Decoding::Auto,
            null_bytes: NullBytes::Ignore,
        }],
        target: Target {
            name,
            creation: CreationPolicy::Owner,
            deletion: DeletionPolicy::Merge,
            immutable: false,
            template,
            manifest: None,
        },
        refresh: Refresh {
            policy: RefreshPolicy::Periodic,
            interval: Duration::from_secs(60),
            windows: None,
        },
        synced: None,
        set: None,
        pattern: None,
    }
}
