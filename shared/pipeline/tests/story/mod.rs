//! What the stories of this folder begin with: a world, its flow, and a canary that must not show up.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each story needs another part of it, and fails where it cannot go on"
)]

use pawl_domain::{DigestKey, SecretValue};
use pawl_pipeline::{Pipeline, Settings};
use pawl_world::{Canary, World, cluster, declaration, secrets_manager};

/// A world with one store, the clusters blue and green, and a value that must show up nowhere.
pub(crate) struct Story {
    pub(crate) world: World,
    pub(crate) canary: Canary,
}

impl Story {
    pub(crate) fn new() -> Self {
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

    /// Ends the story: no value is where none belongs.
    pub(crate) fn end(&self) {
        self.world.assert_free_of(&self.canary);
    }
}

pub(crate) fn flow(world: &World, settings: Settings) -> Pipeline<World> {
    let key = DigestKey::new(SecretValue::new("a key of sixteen bytes or more")).unwrap();
    Pipeline::new(world.clone(), settings, key)
}
