//! The fake stores keep what the port promises: the suite that every adapter runs.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

use pawl_domain::{Access, Location, Provider};
use pawl_world::build::{cluster_name, namespace};
use pawl_world::contract::sources::{Held, suite};
use pawl_world::{FakeSources, parameter_store, secrets_manager};

#[tokio::test]
async fn secrets_are_a_source() {
    suite(&Fake::of(Provider::SecretsManager)).await;
}

#[tokio::test]
async fn parameters_are_a_source() {
    suite(&Fake::of(Provider::ParameterStore)).await;
}

struct Fake {
    sources: FakeSources,
    access: Access,
    location: Location,
}

impl Fake {
    fn of(provider: Provider) -> Self {
        let store = match provider {
            Provider::SecretsManager => secrets_manager("store"),
            Provider::ParameterStore => parameter_store("store"),
        };
        let store = store.build();
        let access = store.access(&cluster_name("blue"), &namespace("shop"));
        Self { sources: FakeSources::default(), access, location: store.location() }
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
        self.sources.rotate(&self.location, key, value).version.unwrap()
    }

    async fn label(&self, key: &str, version: &str, label: &str) {
        self.sources.label(&self.location, key, version, label);
    }

    async fn delete(&self, key: &str) {
        self.sources.delete(&self.location, key);
    }

    fn unknown_version(&self) -> &'static str {
        "99"
    }
}
