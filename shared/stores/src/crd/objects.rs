//! Which object a key means, and what a search finds. Source: ESO's CRD provider, version 2.9.

use crate::kit::Reply;
use crate::kubernetes::api::{Api, Collection, Form, Metadata, Served};
use crate::kubernetes::watch::Watch;
use pawl_domain::store::CrdStore;
use pawl_domain::{Fetched, Find, Keep, Kind, Namespace, Provider, SecretValue, Version, entries};
use pawl_ports::{Error, Listed, Listing};
use std::collections::{BTreeMap, BTreeSet};

/// The objects of one store.
pub(super) struct Objects {
    pub(super) api: Api,
    pub(super) store: CrdStore,
}

/// Where an object is.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    namespace: Option<&'a str>,
    name: &'a str,
}

impl<'a> Place<'a> {
    fn of(metadata: &'a Metadata) -> Self {
        Self { namespace: namespace_of(metadata), name: &metadata.name }
    }
}

impl Objects {
    /// The values of these keys, one answer for each, in order.
    ///
    /// # Errors
    /// When the credentials are refused, or the kind is not served.
    pub(super) async fn values(&self, keys: &[&str]) -> Result<Vec<Result<Fetched, Error>>, Error> {
        let served = self.served().await?;
        self.api.each(keys.iter().map(|key| self.value_of(served, key)).collect()).await
    }

    /// The same of their versions.
    ///
    /// # Errors
    /// As for the values.
    pub(super) async fn versions(&self, keys: &[&str]) -> Result<Vec<Result<Version, Error>>, Error> {
        let served = self.served().await?;
        self.api.each(keys.iter().map(|key| self.version_of(served, key)).collect()).await
    }

    /// Every object with the name that the whitelist admits.
    ///
    /// # Errors
    /// `Invalid` for criteria that cannot be served.
    pub(super) async fn find(&self, find: &Find, keep: &Keep) -> Result<BTreeMap<String, Fetched>, Error> {
        let call = self.api.call("list", "find");
        if let Some(refusal) = self.store.refuses(find) {
            return Err(call.error(Kind::Invalid, refusal));
        }
        let pattern = find.pattern().map_err(|error| call.error(Kind::Invalid, error))?;
        let (served, whitelist) = (self.served().await?, self.store.whitelist());
        let found = self.list(served).await?;
        let is_found = |metadata: &&Metadata| {
            let (namespace, name) = (namespace_of(metadata), name_of(&self.store, served, metadata));
            pattern.is_match(&name)
                && whitelist.admits(namespace, &metadata.name, None)
                && keep.allows(&key_named(&self.store, &name))
        };
        let found: Vec<&Metadata> = found.iter().filter(is_found).collect();
        let values = found.iter().map(|metadata| self.value(served, Place::of(metadata))).collect();
        let values = self.api.each(values).await?;
        let mut answer = BTreeMap::new();
        for (metadata, value) in found.into_iter().zip(values) {
            match value {
                Ok(fetched) => drop(answer.insert(name_of(&self.store, served, metadata), fetched)),
                // It went meanwhile.
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(answer)
    }

    /// All objects, with their versions.
    pub(super) async fn listing(&self) -> Result<Listing, Error> {
        let served = self.served().await?;
        let listed = |metadata: Metadata| Listed {
            names: BTreeSet::from([key_named(&self.store, &name_of(&self.store, served, &metadata))]),
            version: Some(metadata.version()),
            changed: None,
            labels: None,
            tags: None,
        };
        let all = self.list(served).await?;
        Ok(Listing { keys: all.into_iter().map(listed).collect(), complete: true })
    }

    /// Begins to watch all of them, as [`Api::watch`] says.
    pub(super) async fn watch(self, from: Option<String>) -> Result<Option<Watch>, Error> {
        let served = self.served().await?.clone();
        let Self { api, store } = self;
        api.watch(collection(&store, &served, own_namespace(&store, &served)), from).await
    }

    /// Whether the kind is served and the identity may get objects of it, wherever the store reads. Source: ESO's client.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let served = self.served().await?;
        let at = self.at(served, self.own_namespace(served));
        match self.api.may("get", at).await? {
            true => Ok(()),
            false => Err(self.api.not_allowed("get", at)),
        }
    }

    async fn served(&self) -> Result<&Served, Error> {
        let resource = &self.store.resource;
        let look_up = || self.api.served(&resource.group, &resource.version, &resource.kind);
        self.api.session.served.get_or_try_init(look_up).await
    }

    async fn list(&self, served: &Served) -> Result<Vec<Metadata>, Error> {
        self.api.list(self.at(served, self.own_namespace(served)), "").await
    }

    async fn value_of(&self, served: &Served, key: &str) -> Result<Fetched, Error> {
        self.value(served, self.place(served, key)?).await
    }

    async fn version_of(&self, served: &Served, key: &str) -> Result<Version, Error> {
        let place = self.place(served, key)?;
        let reply = self.present(served, place, Form::Metadata).await?;
        let metadata = self.api.metadata(self.at(served, place.namespace), place.name, &reply)?;
        Ok(Version { id: metadata.version(), since: None })
    }

    async fn value(&self, served: &Served, place: Place<'_>) -> Result<Fetched, Error> {
        let reply = self.present(served, place, Form::Whole).await?;
        let metadata = self.api.metadata(self.at(served, place.namespace), place.name, &reply)?;
        let unreadable = |_| self.api.call("get", place.name).unreadable();
        let value: SecretValue = entries::object(&reply.body).map_err(unreadable)?;
        let version = Version { id: metadata.version(), since: None };
        Ok(Fetched { provider: Provider::Crd, value, version, labels: Vec::new() })
    }

    async fn present(&self, served: &Served, place: Place<'_>, form: Form) -> Result<Reply, Error> {
        let reply = self.api.object(self.at(served, place.namespace), place.name, form).await?;
        let kind = &self.store.resource.kind;
        reply.ok_or_else(|| self.api.call("get", &format!("{kind} {}", place.name)).missing())
    }

    /// Where the object is that a key means. In a ClusterSecretStore a key says the namespace of what has one; in a SecretStore
    /// that is always its own.
    fn place<'k>(&'k self, served: &Served, key: &'k str) -> Result<Place<'k>, Error> {
        let refused = |what| Err(self.api.call("get", key).error(Kind::Invalid, what));
        let (namespace, name) = match &self.store.namespace {
            Some(own) => {
                let name = key.strip_prefix(own.as_str()).and_then(|rest| rest.strip_prefix('/'));
                (served.namespaced.then_some(own.as_str()), name.unwrap_or_default())
            }
            None => match (self.store.parts_of(key), served.namespaced) {
                ((Some(namespace), name), true) if !namespace.is_empty() => (Some(namespace), name),
                ((None, name), false) => (None, name),
                (_, true) => {
                    return refused("objects of this kind have a namespace; write <namespace>/<name>");
                }
                (_, false) => return refused("objects of this kind have no namespace; write the name alone"),
            },
        };
        match name.is_empty() || name.contains('/') {
            true => refused("it is no name of an object; correct the key"),
            false => Ok(Place { namespace, name }),
        }
    }

    /// The namespace that the store reads; `None` for all, and for what has none.
    fn own_namespace(&self, served: &Served) -> Option<&str> {
        own_namespace(&self.store, served)
    }

    fn at<'a>(&'a self, served: &'a Served, namespace: Option<&'a str>) -> Collection<'a> {
        collection(&self.store, served, namespace)
    }
}

/// The key of an object of a kind that was looked up.
pub(super) fn key_of(store: &CrdStore, api: &Api, metadata: &Metadata) -> String {
    match api.session.served.get() {
        Some(served) => key_named(store, &name_of(store, served, metadata)),
        None => metadata.name.clone(),
    }
}

/// What ESO calls an object.
fn name_of(store: &CrdStore, served: &Served, metadata: &Metadata) -> String {
    match served.namespaced && store.namespace.is_none() {
        true => format!("{}/{}", metadata.namespace, metadata.name),
        false => metadata.name.clone(),
    }
}

/// The key that a search's name means.
fn key_named(store: &CrdStore, name: &str) -> String {
    match &store.namespace {
        Some(own) => format!("{own}/{name}"),
        None => name.to_owned(),
    }
}

fn own_namespace<'a>(store: &'a CrdStore, served: &Served) -> Option<&'a str> {
    store.namespace.as_ref().filter(|_| served.namespaced).map(Namespace::as_str)
}

fn collection<'a>(store: &'a CrdStore, served: &'a Served, namespace: Option<&'a str>) -> Collection<'a> {
    let resource = &store.resource;
    Collection { group: &resource.group, version: &resource.version, plural: &served.plural, namespace }
}

fn namespace_of(metadata: &Metadata) -> Option<&str> {
    Some(metadata.namespace.as_str()).filter(|namespace| !namespace.is_empty())
}
