//! A cluster with credentials, and the adapter of a store beside it.

use pawl_domain::store::{Backend, SecretKeyRef};
use pawl_domain::{Access, DigestKey, Fetched, Find, Grant, Keep, Kind, SecretValue, Step, VersionSelector};
use pawl_ports::{Error, Part, Sources, Wanted};
use pawl_servers::pairs::{Fault, Pairs, Reply};
use pawl_stores::kit::{Adapter, Bounds, Dialect};
use pawl_world::build::{cluster_name, namespace};
use pawl_world::{FakeClock, FakeClusters};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What stands in every value and text of a server that must never be seen.
pub(crate) const CANARY: &str = "hunter2";

/// A store, read by its adapter.
pub(crate) struct World<D: Dialect> {
    pub(crate) clusters: Arc<FakeClusters>,
    pub(crate) clock: FakeClock,
    pub(crate) sources: Adapter<D, FakeClusters>,
    pub(crate) access: Access,
}

/// A key of the Secret `creds`, which is in the store's namespace.
pub(crate) fn at(key: &str) -> SecretKeyRef {
    SecretKeyRef { name: "creds".parse().unwrap(), key: key.to_owned(), namespace: None }
}

pub(crate) fn digest(value: &str) -> String {
    digest_key().parts().with(value).digest()
}

pub(crate) fn digest_key() -> DigestKey {
    DigestKey::new(SecretValue::new("0123456789abcdef")).unwrap()
}

pub(crate) fn current(key: &str) -> Wanted {
    Wanted { key: key.to_owned(), selector: VersionSelector::Current, part: Part::Value }
}

/// The value, or the kind of failure.
pub(crate) fn told(answer: &Result<Fetched, Error>) -> String {
    match answer {
        Ok(fetched) => fetched.value.expose_str().unwrap().to_owned(),
        Err(error) => error.kind.to_string(),
    }
}

/// What each failure of a server is, once the identity is proven: how often it is asked, and that nothing is quoted. `key` is
/// one that the double does not know.
pub(crate) async fn failures_are_told_apart<D: Dialect>(
    world: &World<D>,
    server: &Pairs,
    key: &str,
    own: &[(u16, Kind)],
) {
    let common = [
        (403, Kind::Denied, 1),
        (302, Kind::Invalid, 1),
        (422, Kind::Invalid, 1),
        (429, Kind::Throttled, 1),
        (500, Kind::Transient, 3),
        (503, Kind::Transient, 3),
    ];
    let own = own.iter().map(|&(status, kind)| (status, kind, 1));
    world.sources.validate(&world.access).await.unwrap();
    for (status, kind, asked) in common.into_iter().chain(own) {
        server.asked();
        let reply = Reply::of(status, json!({ "message": CANARY, "error": CANARY }));
        let reply = match status {
            429 => reply.header("retry-after", "120"),
            302 => reply.header("location", "https://elsewhere.example.com/"),
            _ => reply,
        };
        (0..asked).for_each(|call| server.fault(call, Fault::Answer(reply.clone())));
        let error = world.failure(key).await;
        assert_eq!((error.step, error.kind), (Step::Fetch, kind), "{status}: {error}");
        assert_eq!(server.asked().len(), asked, "{status}");
        assert_eq!(error.retry_after(), (status == 429).then_some(Duration::from_secs(120)), "{status}");
    }
    server.fault(0, Fault::Cut);
    server.fault(1, Fault::Answer(Reply::of(403, json!(null))));
    assert_eq!(world.failure(key).await.kind, Kind::Denied, "an answer that broke off is asked for again");
    world.clock.advance(Duration::from_secs(10));
    server.fault(0, Fault::Answer(Reply::of(401, json!(CANARY))));
    // The identity is proven anew, and this time the answer is another.
    server.asked();
    let error = world.failure(key).await;
    assert!(server.asked().len() >= 2, "{error}");
    server.strays();
}

impl<D: Dialect> World<D> {
    /// A store whose credentials stand in the Secret `creds`.
    pub(crate) fn of(store: impl Into<Backend>, credentials: &[(&str, &str)]) -> Self
    where
        D: Default,
    {
        Self::asked(D::default(), store, credentials)
    }

    pub(crate) fn asked(dialect: D, store: impl Into<Backend>, credentials: &[(&str, &str)]) -> Self {
        let clusters = Arc::new(FakeClusters::default());
        clusters.add(&cluster_name("blue"));
        clusters.edit("blue/shop/creds", |secret| {
            for (key, value) in credentials {
                secret.set(key, value);
            }
        });
        let bounds = Bounds {
            attempt_timeout: Duration::from_secs(1),
            deadline: Duration::from_secs(4),
            first_pause: Duration::from_millis(1),
            last_pause: Duration::from_millis(50),
            ..Bounds::default()
        };
        let clock = FakeClock::default();
        let sources = Adapter::of(dialect, Arc::clone(&clusters), Arc::new(clock.clone()), digest_key());
        let access = Access {
            backend: store.into(),
            cluster: Some(cluster_name("blue")),
            namespace: Some(namespace("shop")),
            tags: None,
            grant: Grant::default(),
        };
        Self { clusters, clock, sources: sources.bounded(bounds), access }
    }

    pub(crate) async fn read(&self, keys: &[&str]) -> Vec<String> {
        let wanted: Vec<_> = keys.iter().map(|key| current(key)).collect();
        self.sources.fetch(&self.access, &wanted).await.iter().map(told).collect()
    }

    pub(crate) async fn failure(&self, key: &str) -> Error {
        let error = self.sources.fetch(&self.access, &[current(key)]).await.remove(0).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
        error
    }

    pub(crate) async fn found(&self, find: &Find) -> Result<BTreeMap<String, String>, Error> {
        let keep = Keep::everything(self.access.backend.location().provider);
        let found = self.sources.find(&self.access, find, &keep).await?;
        Ok(found.into_iter().map(|(key, fetched)| (key, told(&Ok(fetched)))).collect())
    }
}
