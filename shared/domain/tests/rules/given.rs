//! What the tables start from: one declaration, one store, one value, each to be changed where a table says so.

use jiff::Timestamp;
use pawl_domain::declaration::{
    CreationPolicy, Decoding, DeletionPolicy, Into as Becomes, NullBytes, Refresh, RefreshPolicy, Target,
};
use pawl_domain::store::{AwsAuth, AwsDeletion, AwsService, AwsStore, Backend, SessionTagsPolicy};
use pawl_domain::{
    Declaration, Fetched, Found, Functions, Home, Provider, Query, Read, Recipe, Remote, RenderError,
    Rendered, SecretValue, Store, StoreId, TemplateSources, Values, Version,
};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

pub(crate) const REGION: &str = "eu-central-1";

/// `default/my-es` for the cluster `blue`, of which ESO's `created-by` is known, without reads.
pub(crate) fn declaration() -> Declaration {
    Declaration {
        id: "blue/default/my-es".parse().unwrap(),
        home: Home::Applied,
        uid: None,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        reads: Vec::new(),
        target: Target {
            name: "my-es".parse().unwrap(),
            creation: CreationPolicy::Owner,
            deletion: DeletionPolicy::Retain,
            immutable: false,
            template: None,
            manifest: None,
        },
        refresh: Refresh {
            policy: RefreshPolicy::Periodic,
            interval: Duration::from_secs(3600),
            windows: None,
        },
        synced: None,
        set: None,
        pattern: None,
    }
}

/// The same with these reads.
pub(crate) fn reading(reads: impl IntoIterator<Item = Read>) -> Declaration {
    Declaration { reads: reads.into_iter().collect(), ..declaration() }
}

/// What a declaration makes of these values, with no objects that hold templates, at the beginning of time.
pub(crate) fn rendered(declaration: &Declaration, values: &Values) -> Result<Rendered, RenderError> {
    Recipe::of(declaration, &FUNCTIONS)?.render(values, &TemplateSources::default())
}

/// What templates may call, at the beginning of time.
pub(crate) static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| Functions::new(|| Timestamp::UNIX_EPOCH));

/// Reads the whole of a key into the entry `value`.
pub(crate) fn read(key: &str) -> Read {
    Read {
        path: "spec.data[0]".into(),
        store: store_id(),
        query: Query::Key(Remote { key: key.into(), ..Remote::default() }),
        into: Becomes::Key("value".into()),
        decoding: Decoding::None,
        null_bytes: NullBytes::Ignore,
    }
}

/// The ClusterSecretStore `aws`.
pub(crate) fn store_id() -> StoreId {
    StoreId { home: Home::Applied, namespace: None, name: "aws".parse().unwrap(), generator: None }
}

/// It reads [`REGION`] with Pawl's own identity.
pub(crate) fn store(provider: Provider) -> Store {
    Store {
        id: store_id(),
        backend: Backend::Aws(AwsStore {
            service: match provider {
                Provider::ParameterStore => AwsService::ParameterStore,
                _ => AwsService::SecretsManager,
            },
            region: REGION.into(),
            auth: AwsAuth::Ambient,
            role: None,
            additional_roles: Vec::new(),
            external_id: None,
            session_tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            session_tags_policy: SessionTagsPolicy::None,
            prefix: None,
            max_retries: None,
            deletion: AwsDeletion::Default,
        }),
        conditions: Vec::new(),
        labels: BTreeMap::new(),
        set: None,
    }
}

/// The same with its AWS part changed.
pub(crate) fn store_with(provider: Provider, change: impl FnOnce(&mut AwsStore)) -> Store {
    let mut store = store(provider);
    match &mut store.backend {
        Backend::Aws(aws) => change(aws),
        other => panic!("{other:?} is not of AWS"),
    }
    store
}

/// The same of this part of the value.
pub(crate) fn part(property: impl Into<String>, mut read: Read) -> Read {
    remote(&mut read).property = Some(property.into());
    read
}

/// The same of this version.
pub(crate) fn in_version(version: Option<&str>, mut read: Read) -> Read {
    remote(&mut read).version = version.map(str::to_owned);
    read
}

fn remote(read: &mut Read) -> &mut Remote {
    match &mut read.query {
        Query::Key(remote) => remote,
        query => panic!("{query:?} is no single key"),
    }
}

/// What Secrets Manager gave for a key.
pub(crate) fn fetched(value: impl Into<Vec<u8>>) -> Found {
    Found::One(Arc::new(Fetched {
        provider: Provider::SecretsManager,
        value: SecretValue::new(value),
        version: version("v1"),
        labels: Vec::new(),
    }))
}

/// The same from another kind of store.
pub(crate) fn of(provider: Provider, found: Found) -> Found {
    match found {
        Found::One(fetched) => Found::One(Arc::new(Fetched { provider, ..Fetched::clone(&fetched) })),
        other => other,
    }
}

pub(crate) fn version(id: &str) -> Version {
    Version { id: id.into(), since: None }
}
