use super::{STORE, id, object_name, store_id};
use pawl_domain::declaration::{
    CreationPolicy, Decoding, DeletionPolicy, Find, Into as Becomes, NullBytes, Query, Read, Refresh,
    RefreshPolicy, Remote, Target, Template,
};
use pawl_domain::{Declaration, Home, StoreId};
use std::collections::BTreeMap;
use std::time::Duration;

/// A declaration `<cluster>/<namespace>/<name>` that reads nothing yet: applied, Periodic at one hour, target of the
/// same name, creationPolicy Owner, deletionPolicy Retain.
///
/// ```
/// use pawl_world::declaration;
/// let db = declaration("blue/shop/db").reads("app/db").property("password").into_key("password").build();
/// assert_eq!(db.reads[0].path, "spec.data[0]");
/// ```
pub fn declaration(text: &str) -> DeclarationBuilder {
    let id = id(text);
    DeclarationBuilder(Declaration {
        target: Target {
            name: id.name.clone(),
            creation: CreationPolicy::Owner,
            deletion: DeletionPolicy::Retain,
            immutable: false,
            template: None,
            manifest: None,
        },
        id,
        home: Home::Applied,
        uid: None,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
        reads: Vec::new(),
        refresh: Refresh {
            policy: RefreshPolicy::Periodic,
            interval: Duration::from_secs(3600),
            windows: None,
        },
        synced: None,
        set: None,
        pattern: None,
    })
}

/// Builds a [`Declaration`]. [`property`](Self::property), [`into_key`](Self::into_key) and the like speak of the
/// read that was added last.
#[derive(Clone, Debug)]
pub struct DeclarationBuilder(Declaration);

impl DeclarationBuilder {
    /// Reads a key of the store `aws` into the entry `value`.
    #[must_use]
    pub fn reads(mut self, key: &str) -> Self {
        self.0.reads.push(Read {
            path: format!("spec.data[{}]", self.0.reads.len()),
            store: store_id(STORE),
            query: Query::Key(Remote { key: key.to_owned(), ..Remote::default() }),
            into: Becomes::Key("value".to_owned()),
            decoding: Decoding::None,
            null_bytes: NullBytes::Ignore,
        });
        self
    }

    /// Searches the store `aws` by `find.name.regexp`, with an entry for each key found.
    #[must_use]
    pub fn finds(self, pattern: &str) -> Self {
        self.finds_by(Find { name: Some(pattern.to_owned()), ..Find::default() })
    }

    /// Searches it by any criteria.
    #[must_use]
    pub fn finds_by(mut self, find: Find) -> Self {
        self = self.reads("").into_every();
        let position = self.0.reads.len() - 1;
        let last = self.last();
        (last.path, last.query) = (format!("spec.dataFrom[{position}]"), Query::Find(find));
        self
    }

    /// Takes what this generator makes, with an entry for each key of it.
    #[must_use]
    pub fn generates(mut self, generator: StoreId) -> Self {
        self = self.reads("").into_every();
        let position = self.0.reads.len() - 1;
        let last = self.last();
        (last.path, last.query) = (format!("spec.dataFrom[{position}]"), Query::Generate);
        last.store = generator;
        self
    }

    /// Of the key its metadata.
    #[must_use]
    pub fn metadata(mut self) -> Self {
        self.last_remote().metadata = true;
        self
    }

    /// Reads it from another applied ClusterSecretStore.
    #[must_use]
    pub fn of(self, store: &str) -> Self {
        self.of_store(store_id(store))
    }

    /// Reads it from this store.
    #[must_use]
    pub fn of_store(mut self, store: StoreId) -> Self {
        self.last().store = store;
        self
    }

    /// Only this part of the value.
    #[must_use]
    pub fn property(mut self, property: &str) -> Self {
        self.last_remote().property = Some(property.to_owned());
        self
    }

    /// This version of the key, as `remoteRef.version` says it.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        self.last_remote().version = Some(version.to_owned());
        self
    }

    /// Into this entry of the target.
    #[must_use]
    pub fn into_key(mut self, key: &str) -> Self {
        self.last().into = Becomes::Key(key.to_owned());
        self
    }

    /// One entry for each member of the value.
    #[must_use]
    pub fn into_every(mut self) -> Self {
        self.last().into = Becomes::Every { conversion: None, rewrite: Vec::new() };
        self
    }

    /// Where the manifest was found.
    #[must_use]
    pub fn home(mut self, home: Home) -> Self {
        self.0.home = home;
        self
    }

    /// The ExternalSecret's uid.
    #[must_use]
    pub fn uid(mut self, uid: &str) -> Self {
        self.0.uid = Some(uid.to_owned());
        self
    }

    /// One more label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.0.labels.insert(key.to_owned(), value.to_owned());
        self
    }

    /// One more annotation.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.0.annotations.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Another name for the target.
    #[must_use]
    pub fn target(mut self, name: &str) -> Self {
        self.0.target.name = object_name(name);
        self
    }

    /// `target.creationPolicy`.
    #[must_use]
    pub fn creation(mut self, policy: CreationPolicy) -> Self {
        self.0.target.creation = policy;
        self
    }

    /// `target.deletionPolicy`.
    #[must_use]
    pub fn deletion(mut self, policy: DeletionPolicy) -> Self {
        self.0.target.deletion = policy;
        self
    }

    /// `target.template`.
    #[must_use]
    pub fn template(mut self, template: Template) -> Self {
        self.0.target.template = Some(template);
        self
    }

    /// `target.immutable: true`.
    #[must_use]
    pub fn immutable(mut self) -> Self {
        self.0.target.immutable = true;
        self
    }

    /// Periodic, at this interval.
    #[must_use]
    pub fn every(self, interval: Duration) -> Self {
        self.refresh(RefreshPolicy::Periodic, interval)
    }

    /// `spec.refreshPolicy` and `spec.refreshInterval`.
    #[must_use]
    pub fn refresh(mut self, policy: RefreshPolicy, interval: Duration) -> Self {
        self.0.refresh = Refresh { policy, interval, windows: None };
        self
    }

    /// The declaration.
    pub fn build(self) -> Declaration {
        self.0
    }

    fn last_remote(&mut self) -> &mut Remote {
        match &mut self.last().query {
            Query::Key(remote) => remote,
            query => panic!("{query:?} has no single key"),
        }
    }

    fn last(&mut self) -> &mut Read {
        self.0.reads.last_mut().unwrap_or_else(|| panic!("say reads(key) first"))
    }
}

impl From<DeclarationBuilder> for Declaration {
    fn from(builder: DeclarationBuilder) -> Self {
        builder.build()
    }
}
