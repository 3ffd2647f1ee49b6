//! Builders: the shortest text that makes a valid noun, with every default written once.
//!
//! A builder panics on a name that is not valid: the test is wrong then.

mod declaration;
mod policy;
mod push;
mod store;

pub use declaration::{DeclarationBuilder, declaration};
pub use policy::{patterns, policy};
pub use push::{PushBuilder, push};
pub use store::{StoreBuilder, parameter_store, secrets_manager, vault};

use jiff::Timestamp;
use pawl_domain::change::Extent;
use pawl_domain::cluster::{Connection, TokenSource};
use pawl_domain::generator::{Encoding, PasswordGenerator};
use pawl_domain::{
    Change, Cluster, ClusterName, DeclarationId, Generator, Home, IndexKey, Location, Moved, Namespace,
    ObjectName, Provider, Store, StoreId,
};
use std::collections::{BTreeMap, BTreeSet};

/// The region of everything that names none.
pub const REGION: &str = "eu-central-1";
/// The account of everything that needs one.
pub const ACCOUNT: &str = "111122223333";
/// The ClusterSecretStore that declarations read unless they say otherwise.
pub const STORE: &str = "aws";
/// When the world begins.
pub const EPOCH: &str = "2026-01-01T00:00:00Z";

/// The id written as `<cluster>/<namespace>/<name>`.
pub fn id(text: &str) -> DeclarationId {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// A cluster's name.
pub fn cluster_name(text: &str) -> ClusterName {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// A namespace's name.
pub fn namespace(text: &str) -> Namespace {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// An object's name.
pub fn object_name(text: &str) -> ObjectName {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// The id of an applied ClusterSecretStore.
pub fn store_id(name: &str) -> StoreId {
    StoreId { home: Home::Applied, namespace: None, name: object_name(name), generator: None }
}

/// An applied generator of the namespace `shop`, by the name of its kind in small letters.
pub fn generator(generator: Generator) -> Store {
    let kind = generator.kind();
    let name = object_name(&kind.as_str().to_ascii_lowercase());
    let id = StoreId { home: Home::Applied, namespace: Some(namespace("shop")), name, generator: Some(kind) };
    Store { id, backend: generator.into(), conditions: Vec::new(), labels: [].into(), set: None }
}

/// A Password of the namespace `shop`, with ESO's defaults.
pub fn password() -> Store {
    generator(Generator::Password(PasswordGenerator {
        length: PasswordGenerator::LENGTH,
        digits: None,
        symbols: None,
        symbol_characters: None,
        no_upper: false,
        allow_repeat: false,
        keys: vec![PasswordGenerator::KEY.to_owned()],
        encoding: Encoding::Raw,
    }))
}

/// Secrets Manager in [`REGION`], account not known: the location of the default store.
pub fn secrets_manager_location() -> Location {
    Location { provider: Provider::SecretsManager, region: REGION.to_owned(), account: None }
}

/// Parameter Store in [`REGION`], account not known.
pub fn parameter_store_location() -> Location {
    Location { provider: Provider::ParameterStore, region: REGION.to_owned(), account: None }
}

/// The index keys of these names in Secrets Manager.
pub fn index_keys<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<IndexKey> {
    names.into_iter().flat_map(|name| secrets_manager_location().index_keys(name)).collect()
}

/// A moment so many seconds after [`EPOCH`].
pub fn at(seconds: i64) -> Timestamp {
    let epoch: Timestamp = EPOCH.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    epoch + jiff::SignedDuration::from_secs(seconds)
}

/// A change of the version in force of a Secrets Manager secret, at [`EPOCH`], its version not known.
///
/// ```
/// let change = pawl_world::change("app/db").version("v2").build();
/// assert_eq!(change.key(), "app/db");
/// ```
pub fn change(name: &str) -> ChangeBuilder {
    ChangeBuilder(Change {
        id: format!("change-of-{name}"),
        location: secrets_manager_location(),
        names: BTreeSet::from([name.to_owned()]),
        extent: Extent::Key,
        version: None,
        moved: Moved::Current,
        at: at(0),
    })
}

/// Builds a [`Change`].
#[derive(Clone, Debug)]
pub struct ChangeBuilder(Change);

impl ChangeBuilder {
    /// The version that is in force now.
    #[must_use]
    pub fn version(mut self, id: &str) -> Self {
        self.0.version = Some(id.to_owned());
        self
    }

    /// One more name of the key.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.0.names.insert(name.to_owned());
        self
    }

    /// Where the key lives.
    #[must_use]
    pub fn location(mut self, location: Location) -> Self {
        self.0.location = location;
        self
    }

    /// What moved.
    #[must_use]
    pub fn moved(mut self, moved: Moved) -> Self {
        self.0.moved = moved;
        self
    }

    /// When, in seconds after [`EPOCH`].
    #[must_use]
    pub fn at(mut self, seconds: i64) -> Self {
        self.0.at = at(seconds);
        self
    }

    /// The change.
    pub fn build(self) -> Change {
        self.0
    }
}

impl From<ChangeBuilder> for Change {
    fn from(builder: ChangeBuilder) -> Self {
        builder.build()
    }
}

/// A cluster reached by URL with a token of the environment, without labels, whose manifests are not read.
pub fn cluster(name: &str) -> ClusterBuilder {
    ClusterBuilder(Cluster {
        name: cluster_name(name),
        labels: BTreeMap::new(),
        connection: Connection::Url {
            url: format!("https://{name}.example"),
            ca: None,
            token: TokenSource::Env("CLUSTER_TOKEN".to_owned()),
        },
        index: false,
        namespaces: BTreeSet::new(),
    })
}

/// Builds a [`Cluster`].
#[derive(Clone, Debug)]
pub struct ClusterBuilder(Cluster);

impl ClusterBuilder {
    /// One more label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.0.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// How it is reached.
    #[must_use]
    pub fn connection(mut self, connection: Connection) -> Self {
        self.0.connection = connection;
        self
    }

    /// Its own ExternalSecrets are read.
    #[must_use]
    pub fn indexed(mut self) -> Self {
        self.0.index = true;
        self
    }

    /// The cluster.
    pub fn build(self) -> Cluster {
        self.0
    }
}

impl From<ClusterBuilder> for Cluster {
    fn from(builder: ClusterBuilder) -> Self {
        builder.build()
    }
}
