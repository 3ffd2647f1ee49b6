use super::{STORE, id, object_name};
use pawl_domain::push::{
    ByNameOrLabels, PushData, PushDataTo, PushDeletion, PushSource, PushUpdate, StoreChoice,
};
use pawl_domain::store::LabelSelector;
use pawl_domain::{Home, PushSecret, RemoteEntry};
use std::time::Duration;

/// An applied PushSecret that pushes from the Secret `src` to the ClusterSecretStore [`STORE`], as yet nothing.
pub fn push(text: &str) -> PushBuilder {
    PushBuilder(PushSecret {
        id: id(text),
        home: Home::Applied,
        uid: None,
        stores: vec![cluster_store(STORE)],
        source: PushSource::Secret(ByNameOrLabels::Name(object_name("src"))),
        data: Vec::new(),
        data_to: Vec::new(),
        template: None,
        update: PushUpdate::Replace,
        deletion: PushDeletion::None,
        interval: Duration::from_secs(60 * 60),
        synced: None,
        deleting: false,
        set: None,
    })
}

fn cluster_store(name: &str) -> StoreChoice {
    StoreChoice { cluster_wide: true, by: ByNameOrLabels::Name(object_name(name)) }
}

fn labels(key: &str, value: &str) -> ByNameOrLabels {
    let labels = [(key.to_owned(), value.to_owned())].into();
    ByNameOrLabels::Labels(LabelSelector { labels, expressions: Vec::new() })
}

/// Builds a [`PushSecret`].
#[derive(Clone, Debug)]
pub struct PushBuilder(PushSecret);

impl PushBuilder {
    /// One more entry: a key of the source to a key of the store.
    #[must_use]
    pub fn writes(self, secret_key: &str, remote: &str) -> Self {
        self.entry(Some(secret_key), remote, None)
    }

    /// The same to a property.
    #[must_use]
    pub fn writes_property(self, secret_key: &str, remote: &str, property: &str) -> Self {
        self.entry(Some(secret_key), remote, Some(property))
    }

    /// One more entry: the whole source.
    #[must_use]
    pub fn writes_all(self, remote: &str) -> Self {
        self.entry(None, remote, None)
    }

    fn entry(mut self, secret_key: Option<&str>, remote: &str, property: Option<&str>) -> Self {
        self.0.data.push(PushData {
            secret_key: secret_key.map(str::to_owned),
            to: RemoteEntry { key: remote.to_owned(), property: property.map(str::to_owned) },
            metadata: None,
            reverses_unicode: false,
        });
        self
    }

    /// Every key of the source to a key of the same name in [`STORE`].
    #[must_use]
    pub fn writes_each(mut self) -> Self {
        self.0.data_to.push(PushDataTo {
            store: cluster_store(STORE),
            bundle: None,
            pattern: None,
            rewrite: Vec::new(),
            metadata: None,
            reverses_unicode: false,
        });
        self
    }

    /// From this Secret.
    #[must_use]
    pub fn from(mut self, name: &str) -> Self {
        self.0.source = PushSource::Secret(ByNameOrLabels::Name(object_name(name)));
        self
    }

    /// From all Secrets with this label.
    #[must_use]
    pub fn from_labelled(mut self, key: &str, value: &str) -> Self {
        self.0.source = PushSource::Secret(labels(key, value));
        self
    }

    /// To these ClusterSecretStores alone.
    #[must_use]
    pub fn to(mut self, stores: &[&str]) -> Self {
        self.0.stores = stores.iter().map(|name| cluster_store(name)).collect();
        self
    }

    /// To the ClusterSecretStores with this label alone.
    #[must_use]
    pub fn to_labelled(mut self, key: &str, value: &str) -> Self {
        self.0.stores = vec![StoreChoice { cluster_wide: true, by: labels(key, value) }];
        self
    }

    /// `deletionPolicy: Delete`.
    #[must_use]
    pub fn deleting(mut self) -> Self {
        self.0.deletion = PushDeletion::Delete;
        self
    }

    /// `updatePolicy: IfNotExists`.
    #[must_use]
    pub fn keeping(mut self) -> Self {
        self.0.update = PushUpdate::IfNotExists;
        self
    }

    /// `refreshInterval` in seconds.
    #[must_use]
    pub fn every(mut self, seconds: u64) -> Self {
        self.0.interval = Duration::from_secs(seconds);
        self
    }

    /// Living in its cluster.
    #[must_use]
    pub fn in_cluster(mut self) -> Self {
        self.0.home = Home::Cluster(self.0.id.cluster.clone());
        self.0.uid = Some("uid-of-the-push-secret".to_owned());
        self
    }

    /// Any part of it that has no method here.
    #[must_use]
    pub fn with(mut self, edit: impl FnOnce(&mut PushSecret)) -> Self {
        edit(&mut self.0);
        self
    }

    /// The PushSecret.
    pub fn build(self) -> PushSecret {
        self.0
    }
}

impl From<PushBuilder> for PushSecret {
    fn from(builder: PushBuilder) -> Self {
        builder.build()
    }
}
