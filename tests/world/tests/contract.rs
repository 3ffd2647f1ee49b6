//! The fakes keep what the ports promise: the suites that every adapter runs.

#![allow(clippy::expect_used, reason = "what a test cannot do must end it")]

use pawl_domain::{Access, Kind, Location, Provider, Store};
use pawl_ports::{DocumentKind, Ports};
use pawl_world::build::{
    cluster_name, namespace, object_name, parameter_store_location, secrets_manager_location,
};
use pawl_world::contract::clusters::{Backstage, Edit};
use pawl_world::contract::searches::Tagged;
use pawl_world::contract::sinks::{Kept, Takes};
use pawl_world::contract::sources::Held;
use pawl_world::{
    FakeClusters, FakeJobs, FakeLedger, FakeRegistry, FakeSink, FakeSources, Fault, Point, World, contract,
    parameter_store, secrets_manager, vault,
};
use std::sync::OnceLock;

#[tokio::test]
async fn the_registry_keeps_its_contract() {
    contract::registry::suite(async || FakeRegistry::default()).await;
}

#[tokio::test]
async fn what_is_kept_of_push_secrets_is_as_promised() {
    contract::pushes::suite(async || FakeRegistry::default()).await;
    contract::pushes::damaged(&FakeRegistry::default(), async |registry, id, record| {
        let kind = if record { DocumentKind::PushRecord } else { DocumentKind::Push };
        registry.damage_push(kind, id);
    })
    .await;
}

#[tokio::test]
async fn the_ledger_keeps_its_contract() {
    contract::ledger::suite(async || FakeLedger::default()).await;
}

#[tokio::test]
async fn what_cannot_be_read_hurts_nobody() {
    contract::damaged::registry(
        async || FakeRegistry::default(),
        async |registry, kind, id, _| {
            registry.damage(kind, id);
        },
    )
    .await;
    contract::damaged::ledger(async || FakeLedger::default(), async |ledger, id, _| ledger.damage(id)).await;
}

#[tokio::test]
async fn the_job_queue_keeps_its_contract() {
    contract::jobs::suite(async || FakeJobs::default(), async |queue, _| queue.take()).await;
}

#[tokio::test]
async fn the_stores_keep_their_contract() {
    for location in [secrets_manager_location(), parameter_store_location()] {
        contract::sources::suite(&Fake::of(&location)).await;
        contract::searches::suite(&Fake::of(&location)).await;
    }
    contract::sources::suite(&Fake::of(&vault("store").location())).await;
}

#[tokio::test]
async fn the_stores_take_values_as_they_promise() {
    contract::sinks::suite(&Taking(World::new())).await;
}

#[tokio::test]
async fn the_clusters_keep_their_contract() {
    let clusters = FakeClusters::default();
    clusters.add(&cluster_name("blue"));
    contract::clusters::suite(&Blue(clusters)).await;
}

/// The fake clusters, and the people who work there.
struct Blue(FakeClusters);

impl Backstage for Blue {
    type Clusters = FakeClusters;

    fn clusters(&self) -> &FakeClusters {
        &self.0
    }

    async fn namespace(&self, name: &str, label: (&str, &str)) {
        self.0.set_namespace(&cluster_name("blue"), &namespace(name), &[label]);
    }

    async fn edit(&self, namespace: &str, name: &str, edit: Edit<'_>) {
        self.0.edit(&format!("blue/{namespace}/{name}"), |secret| match edit {
            Edit::Make((key, value)) => {
                secret.labels.insert("made".to_owned(), "by-hand".to_owned());
                secret.set(key, value);
            }
            Edit::Label(key, value) => drop(secret.labels.insert(key.to_owned(), value.to_owned())),
            Edit::NoAnnotations => secret.annotations.clear(),
            Edit::Freeze => secret.immutable = true,
        });
    }

    async fn config_map(&self, namespace: &str, name: &str, data: (&str, &str)) {
        let namespace = pawl_world::build::namespace(namespace);
        self.0.set_config_map(&cluster_name("blue"), &namespace, &object_name(name), &[data]);
    }
}

/// The fake stores, as a suite pushes to them.
struct Taking(World);

impl Kept for Taking {
    type Sink = FakeSink;

    fn sink(&self) -> &FakeSink {
        self.0.sink()
    }

    fn access(&self) -> &Access {
        static ACCESS: OnceLock<Access> = OnceLock::new();
        ACCESS.get_or_init(|| {
            let store: Store = secrets_manager("store").into();
            store.access(&cluster_name("blue"), &namespace("shop"))
        })
    }

    fn takes(&self) -> Takes {
        Takes::ALL
    }

    async fn value(&self, key: &str) -> Option<String> {
        self.0.stored(key)
    }

    async fn put(&self, key: &str, value: &str) {
        self.0.rotate(key, value);
    }

    async fn writes(&self) -> usize {
        self.0.calls().store_writes
    }

    async fn fail_reads(&self, fail: bool) -> bool {
        let points = [Point::Push, Point::Exists, Point::Unpush];
        if fail {
            self.0.inject(Fault::fail(Kind::Transient).among(&points))
        } else {
            self.0.mend_all()
        }
        true
    }

    async fn forbid_writes(&self, forbid: bool) -> bool {
        if forbid {
            self.0.inject(Fault::fail(Kind::Denied).at(Point::Push))
        } else {
            self.0.mend_all()
        }
        true
    }
}

/// The fake stores, as a suite changes them.
struct Fake {
    location: Location,
    sources: FakeSources,
    access: Access,
}

impl Fake {
    fn of(location: &Location) -> Self {
        let store: Store = match location.provider {
            Provider::ParameterStore => parameter_store("store").into(),
            Provider::Vault => vault("store"),
            _ => secrets_manager("store").into(),
        };
        let access = store.access(&cluster_name("blue"), &namespace("shop"));
        Self { location: location.clone(), sources: FakeSources::default(), access }
    }
}

impl Held for Fake {
    type Sources = FakeSources;

    fn sources(&self) -> &FakeSources {
        &self.sources
    }

    fn access(&self) -> &Access {
        &self.access
    }

    async fn put(&self, key: &str, value: &str) -> String {
        self.sources.rotate(&self.location, key, value).version.expect("a rotation has a version")
    }

    async fn label(&self, key: &str, version: &str, label: &str) {
        self.sources.label(&self.location, key, version, label);
    }

    async fn delete(&self, key: &str) {
        self.sources.delete(&self.location, key);
    }

    async fn destroy(&self, key: &str) {
        self.sources.destroy(&self.location, key);
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }
}

impl Tagged for Fake {
    async fn tag(&self, key: &str, tag: &str, value: &str) {
        self.sources.tag(&self.location, key, tag, value);
    }
}
