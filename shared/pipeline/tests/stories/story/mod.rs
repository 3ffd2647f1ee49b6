//! What the stories of this folder begin with: a world, its flow, and a canary that must not show up.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use futures::FutureExt;
use futures::future::{Either, select};
use pawl_domain::policy::Allow;
use pawl_domain::{Declaration, DigestKey, Manifests, SecretValue, StorePolicy};
use pawl_pipeline::{Apply, ClusterRights, Pipeline, Report, Settings};
use pawl_ports::Ports;
use pawl_world::build::{patterns, policy};
use pawl_world::gate::Gate;
use pawl_world::{Canary, World, cluster, declaration, secrets_manager};
use std::time::Duration;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// A world with one store, the clusters blue and green, and a value that must show up nowhere.
pub(crate) struct Story {
    pub(crate) world: World,
    pub(crate) canary: Canary,
}

impl Story {
    /// Stores that live in clusters may use Pawl's own identity, as most stories are about other things.
    pub(crate) fn new() -> Self {
        let story = Self::without_policies();
        let allow = Allow { own_identity: true, keys: patterns(&["*"]), ..Allow::default() };
        story.world.registry().add_policy(StorePolicy { allow, ..policy("everything") });
        story
    }

    pub(crate) fn without_policies() -> Self {
        let world = World::new();
        world.add_store(secrets_manager("aws"));
        for name in ["blue", "green"] {
            world.add_cluster(cluster(name));
        }
        Self { world, canary: Canary::new() }
    }

    pub(crate) fn flow(&self) -> Pipeline<World> {
        flow(&self.world, Settings::default())
    }

    /// Declares `<cluster>/<namespace>/<name>`, which reads the whole of `key` into `value`.
    pub(crate) fn declare(&self, id: &str, key: &str) {
        self.world.declare(declaration(id).reads(key));
    }

    /// A canary value with a number, so that values can be told apart.
    pub(crate) fn value(&self, number: usize) -> String {
        format!("{}-{number}", self.canary.value())
    }

    /// Delivers all jobs that wait, once.
    pub(crate) async fn work_off(&self) -> Report {
        let mut report = Report::default();
        for job in self.world.jobs().take() {
            report.extend(self.flow().deliver(&job).await.unwrap());
        }
        report
    }

    /// Sweeps every ten minutes, and works the job queue off each time.
    pub(crate) async fn sweep_for(&self, hours: u32) {
        for _ in 0..hours * 6 {
            self.world.advance(10 * MINUTE);
            let _ = self.flow().sweep(false).await;
            self.work_off().await;
        }
    }

    /// A namespace comes into being in the cluster blue.
    pub(crate) fn with_namespace(&self, namespace: &str) {
        self.world.clusters().ensure_namespace(&"blue".parse().unwrap(), &namespace.parse().unwrap());
    }

    /// Ends the story: no value is where none belongs.
    pub(crate) fn end(&self) {
        self.world.assert_free_of(&self.canary);
    }
}

pub(crate) fn flow(world: &World, settings: Settings) -> Pipeline<World> {
    let key = DigestKey::new(SecretValue::new("a key of sixteen bytes or more")).unwrap();
    Pipeline::new(world.clone(), settings, key)
}

/// Pauses are one more thing that can end before or after others' steps, at random; a single stale answer needs none.
pub(crate) fn patient() -> Settings {
    Settings { stale_attempts: 0, pause: Duration::ZERO, ..Settings::default() }
}

/// Ends work that creates a target right before it records that, as when its process is killed. What it records first is
/// that it begins to.
pub(crate) async fn killed_before_its_record<T>(records: &Gate, work: impl Future<Output = T> + Send) {
    let dying = async {
        records.arrived().await.release();
        records.arrived().await
    };
    let ended = select(work.boxed(), dying.boxed()).await;
    assert!(matches!(ended, Either::Right(_)), "it ended by itself");
}

/// An apply that removes nothing.
pub(crate) fn applying() -> Apply {
    Apply { clusters: ClusterRights::Change, ..Apply::default() }
}

/// An apply that removes what is not given, however much that is.
pub(crate) fn pruning() -> Apply {
    Apply { prune: true, prune_most: true, ..applying() }
}

/// These declarations, the store `aws` and the cluster blue.
pub(crate) fn manifests(declarations: Vec<Declaration>) -> Manifests {
    Manifests {
        declarations,
        stores: vec![secrets_manager("aws").into()],
        clusters: vec![cluster("blue").into()],
        ..Manifests::default()
    }
}
