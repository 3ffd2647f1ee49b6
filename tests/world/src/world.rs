//! The world: every port in memory, with what tests do to it and ask of it.

use crate::build::{parameter_store_location, secrets_manager_location};
use crate::calls::Calls;
use crate::canary::Canary;
use crate::door::{Door, lock};
use crate::fakes::{
    FakeClock, FakeClusters, FakeGenerators, FakeIdentity, FakeJobs, FakeLedger, FakeReceipts, FakeRegistry,
    FakeSink, FakeSources,
};
use crate::fault::{Fault, Point};
use crate::gate::{Gate, Gates};
use pawl_domain::{Change, Cluster, Declaration, Location, Provider, PushRecord, PushSecret, Record, Store};
use pawl_ports::{Ports, Pushes};
use std::collections::BTreeMap;
use std::time::Duration;

/// Every port in memory. Clones are the same world.
///
/// ```
/// use pawl_world::{World, cluster, declaration, secrets_manager};
/// let world = World::new();
/// world.add_store(secrets_manager("aws"));
/// world.add_cluster(cluster("blue"));
/// world.declare(declaration("blue/shop/db").reads("app/db").into_key("password"));
/// let change = world.rotate("app/db", "s3cret");
/// assert_eq!(change.version.as_deref(), Some("v1"));
/// assert!(world.data("blue/shop/db").is_empty()); // nobody has synced it yet
/// ```
#[derive(Clone, Debug)]
pub struct World {
    door: Door,
    registry: FakeRegistry,
    ledger: FakeLedger,
    sources: FakeSources,
    sink: FakeSink,
    generators: FakeGenerators,
    clusters: FakeClusters,
    identity: FakeIdentity,
    jobs: FakeJobs,
    receipts: FakeReceipts,
    clock: FakeClock,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world without stores, clusters and declarations, at [`EPOCH`](crate::build::EPOCH).
    pub fn new() -> Self {
        let mut world = Self {
            door: Door::default(),
            registry: FakeRegistry::default(),
            ledger: FakeLedger::default(),
            sources: FakeSources::default(),
            sink: FakeSink(FakeSources::default()),
            generators: FakeGenerators::default(),
            clusters: FakeClusters::default(),
            identity: FakeIdentity::default(),
            jobs: FakeJobs::default(),
            receipts: FakeReceipts::default(),
            clock: FakeClock::default(),
        };
        world.sources.clock = world.clock.clone();
        world.sink = FakeSink(world.sources.clone());
        world.generators.clock = world.clock.clone();
        world.identity.clock = world.clock.clone();
        let door = world.door.clone();
        world.behind(&door)
    }

    /// The same world as `actor` sees it: gates and schedules know who stands at them by this name.
    #[must_use]
    pub fn seen_by(&self, actor: &str) -> Self {
        self.behind(&self.door.of_actor(actor))
    }

    // What tests do to it.

    /// A store is declared.
    pub fn add_store(&self, store: impl Into<Store>) {
        self.registry.add_store(store.into());
    }

    /// A cluster is declared, and is there.
    pub fn add_cluster(&self, cluster: impl Into<Cluster>) {
        let cluster = cluster.into();
        self.clusters.add(&cluster.name);
        self.registry.add_cluster(cluster);
    }

    /// A declaration is put into the registry, under the index keys that the stores added before give it. Its
    /// namespace comes into being if its cluster was added before. Returns the declaration.
    pub fn declare(&self, declaration: impl Into<Declaration>) -> Declaration {
        let declaration = declaration.into();
        self.registry.add_declaration(&declaration);
        if self.clusters.has(&declaration.id.cluster) {
            self.clusters.ensure_namespace(&declaration.id.cluster, &declaration.id.namespace);
        }
        declaration
    }

    /// A new version of a secret of Secrets Manager, in the region of the default store. Returns the change that a
    /// complete event would become.
    pub fn rotate(&self, name: &str, value: impl Into<Vec<u8>>) -> Change {
        self.rotate_at(&secrets_manager_location(), name, value)
    }

    /// A new version of a parameter of Parameter Store, in the same region.
    pub fn rotate_parameter(&self, name: &str, value: impl Into<Vec<u8>>) -> Change {
        self.rotate_at(&parameter_store_location(), name, value)
    }

    /// A new version of a key anywhere.
    pub fn rotate_at(&self, location: &Location, name: &str, value: impl Into<Vec<u8>>) -> Change {
        self.sources.rotate(location, name, value)
    }

    /// A key anywhere is deleted for good.
    pub fn destroy_at(&self, location: &Location, name: &str) -> Change {
        self.sources.destroy(location, name)
    }

    /// Stores of this provider can be watched from now on.
    pub fn let_watch(&self, provider: Provider) {
        self.sources.let_watch(provider);
    }

    /// A secret of Secrets Manager is deleted.
    pub fn delete_secret(&self, name: &str) -> Change {
        self.sources.delete(&secrets_manager_location(), name)
    }

    /// A secret of Secrets Manager is deleted without a recovery window.
    pub fn destroy_secret(&self, name: &str) -> Change {
        self.sources.destroy(&secrets_manager_location(), name)
    }

    /// A parameter of Parameter Store is deleted.
    pub fn delete_parameter(&self, name: &str) -> Change {
        self.sources.delete(&parameter_store_location(), name)
    }

    /// A label of a secret of Secrets Manager moves to a version.
    pub fn label_secret(&self, name: &str, version: &str, label: &str) -> Change {
        self.sources.label(&secrets_manager_location(), name, version, label)
    }

    /// A label of a parameter of Parameter Store moves to a version.
    pub fn label_parameter(&self, name: &str, version: &str, label: &str) -> Change {
        self.sources.label(&parameter_store_location(), name, version, label)
    }

    /// A secret of Secrets Manager gets a tag.
    pub fn tag_secret(&self, name: &str, tag: &str, value: &str) -> Change {
        self.sources.tag(&secrets_manager_location(), name, tag, value)
    }

    /// Something begins to go wrong.
    pub fn inject(&self, fault: Fault) {
        lock(&self.door.shared.faults).push(fault);
    }

    /// Everything that goes wrong on exactly this subject ends.
    pub fn mend(&self, subject: &str) {
        lock(&self.door.shared.faults).retain(|fault| fault.subject.as_deref() != Some(subject));
    }

    /// Everything that goes wrong ends.
    pub fn mend_all(&self) {
        lock(&self.door.shared.faults).clear();
    }

    /// Closes a point: tasks stop right before it until they are released.
    pub fn gate(&self, point: Point) -> Gate {
        self.door.shared.gates.gate(point)
    }

    /// Moves the clock on. Tokio's clock is another one.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A PushSecret is put into the registry. Its namespace comes into being if its cluster was added before. Returns it.
    pub async fn declare_push(&self, push: impl Into<PushSecret>) -> PushSecret {
        let push = push.into();
        self.registry.put_push(&push).await.expect("the registry takes it");
        if self.clusters.has(&push.id.cluster) {
            self.clusters.ensure_namespace(&push.id.cluster, &push.id.namespace);
        }
        push
    }

    /// Somebody writes a Secret `<cluster>/<namespace>/<name>` with exactly this data.
    pub fn write_secret(&self, text: &str, data: &[(&str, &str)]) {
        self.clusters.edit(text, |secret| {
            secret.data.clear();
            for (key, value) in data {
                secret.set(key, value);
            }
        });
    }

    // What tests ask of it.

    /// How often each port was called.
    pub fn calls(&self) -> Calls {
        lock(&self.door.shared.calls).clone()
    }

    /// Counts from zero again, and returns what was counted.
    pub fn forget_calls(&self) -> Calls {
        std::mem::take(&mut *lock(&self.door.shared.calls))
    }

    /// The data of the Secret `<cluster>/<namespace>/<name>` as text; empty when it is not there.
    pub fn data(&self, text: &str) -> BTreeMap<String, String> {
        self.clusters.data(text)
    }

    /// One entry of it.
    pub fn value(&self, text: &str, key: &str) -> Option<String> {
        self.data(text).remove(key)
    }

    /// What Secrets Manager holds under a name, as text; `None` when it is not there.
    pub fn stored(&self, name: &str) -> Option<String> {
        let standing = self.sources.standing(&secrets_manager_location(), name)?;
        standing.value.expose_str().map(str::to_owned)
    }

    /// The ledger's record of the declaration `<cluster>/<namespace>/<name>`.
    pub fn record(&self, text: &str) -> Option<Record> {
        self.ledger.record(&crate::build::id(text))
    }

    /// What was done last for the PushSecret `<cluster>/<namespace>/<name>`.
    pub fn push_record(&self, text: &str) -> Option<PushRecord> {
        self.registry.push_record_of(&crate::build::id(text))
    }

    /// What connections to clusters need of AWS.
    pub fn identity(&self) -> &FakeIdentity {
        &self.identity
    }

    /// Panics when a canary shows up where no value belongs: registry, ledger, job queue, published statuses, logs.
    pub fn assert_free_of(&self, canary: &Canary) {
        canary.assert_absent_from("the registry", &self.registry.dump());
        canary.assert_absent_from("the ledger", &format!("{:?}", self.ledger.records()));
        canary.assert_absent_from("the job queue", &format!("{:?}", self.jobs.waiting()));
        canary.assert_absent_from("the published statuses", &self.clusters.all_published());
        canary.assert_absent_from_logs();
    }

    pub(crate) fn gates(&self) -> &Gates {
        &self.door.shared.gates
    }

    fn behind(&self, door: &Door) -> Self {
        let mut world = self.clone();
        for own in [
            &mut world.door,
            &mut world.registry.door,
            &mut world.ledger.door,
            &mut world.sources.door,
            &mut world.sink.0.door,
            &mut world.generators.door,
            &mut world.clusters.door,
            &mut world.identity.door,
            &mut world.jobs.door,
            &mut world.receipts.door,
        ] {
            *own = door.clone();
        }
        world
    }
}

impl Ports for World {
    type Registry = FakeRegistry;
    type Ledger = FakeLedger;
    type Sources = FakeSources;
    type Sink = FakeSink;
    type Generators = FakeGenerators;
    type Clusters = FakeClusters;
    type Jobs = FakeJobs;
    type Receipts = FakeReceipts;
    type Clock = FakeClock;

    fn registry(&self) -> &FakeRegistry {
        &self.registry
    }

    fn ledger(&self) -> &FakeLedger {
        &self.ledger
    }

    fn sources(&self) -> &FakeSources {
        &self.sources
    }

    fn sink(&self) -> &FakeSink {
        &self.sink
    }

    fn generators(&self) -> &FakeGenerators {
        &self.generators
    }

    fn clusters(&self) -> &FakeClusters {
        &self.clusters
    }

    fn jobs(&self) -> &FakeJobs {
        &self.jobs
    }

    fn receipts(&self) -> &FakeReceipts {
        &self.receipts
    }

    fn clock(&self) -> &FakeClock {
        &self.clock
    }
}
