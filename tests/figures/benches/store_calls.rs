//! What a day costs in calls to the store: 10,000 keys at an interval of one hour, 1 % of which change in the day, with
//! a sweep every minute. Polling asks once for each key and hour.
//!
//! Everything is in memory and the day passes in minutes of a clock that is moved on, except for the store: it is asked
//! by the real adapter, so that every page of a listing is a call that a server counts.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made must end")]

use pawl_aws::AwsSources;
use pawl_domain::{DeclarationId, DigestKey, SecretValue};
use pawl_figures::{Assembled, SecretsManager, Size, Table, runtime, sdk_config};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::{Clock, Job, Ports};
use pawl_world::{FakeClock, FakeClusters, FakeJobs, FakeLedger, FakeRegistry, World};
use std::sync::Arc;
use std::time::Duration;

const CLUSTERS: usize = 10;
const MINUTES: usize = 24 * 60;

type Day = Assembled<FakeRegistry, FakeLedger, FakeClusters, FakeJobs, FakeClock>;

fn main() {
    let keys = Size::read().of(10_000, 1_000);
    runtime(2).block_on(async {
        let mut table =
            Table::new(format!("Calls to the store in a day, {keys} keys at 1 h, {} change", keys / 100));
        let polling = keys * 24;
        table.beside("polling: one for each key and hour", polling);
        for (name, events) in
            [("with events and sweeps", true), ("with every event lost, sweeps alone", false)]
        {
            let calls = day(keys, events).await;
            table.at_most(name, polling as f64 / 100.0, calls as f64, "");
            table.beside("  as a part of polling's", format!("1/{}", polling / calls.max(1)));
        }
        table.print();
    });
}

/// The calls of a day that begins with every key written.
async fn day(keys: usize, events: bool) -> usize {
    let world = World::new();
    let store = SecretsManager::start().await;
    let ids = begin(&world, &store, keys);
    let pipeline = pipeline(&world, &store);
    for job in Job::chunks(&ids, None, world.clock().now()) {
        let report = pipeline.deliver(&job).await.unwrap();
        assert!(report.failures().next().is_none(), "{:?}", report.failures().next());
    }
    pipeline.sweep(false).await.unwrap();
    store.reset();

    let changes = keys / 100;
    let mut changed = 0;
    for minute in 1..=MINUTES {
        world.advance(Duration::from_secs(60));
        while changed < changes * minute / MINUTES {
            let key = changed * 97 % keys;
            let change = store.rotate(&name(key), "changed", world.clock().now());
            if events {
                pipeline.sync(&change).await.unwrap();
            }
            changed += 1;
        }
        let swept = pipeline.sweep(false).await.unwrap();
        assert!(swept.failed.is_empty(), "{:?}", swept.failed);
    }
    let calls = store.calls().values().sum();

    // What changed in the last hour may wait for the next sweep when its event was lost.
    world.advance(Duration::from_secs(60 * 60));
    pipeline.sweep(false).await.unwrap();
    for change in 0..changes {
        let key = change * 97 % keys;
        assert_eq!(world.value(&id(key), "value").as_deref(), Some("changed"), "{}", id(key));
    }
    calls
}

fn begin(world: &World, store: &SecretsManager, keys: usize) -> Vec<DeclarationId> {
    world.add_store(pawl_world::secrets_manager(pawl_world::build::STORE));
    for cluster in 0..CLUSTERS {
        world.add_cluster(pawl_world::cluster(&format!("cluster-{cluster}")));
    }
    let declare = |key: usize| {
        let ago = jiff::SignedDuration::from_secs(86_400 + i64::try_from(key).unwrap());
        store.rotate(&name(key), "first", world.clock().now() - ago);
        world.declare(pawl_world::declaration(&id(key)).reads(&name(key))).id
    };
    (0..keys).map(declare).collect()
}

fn pipeline(world: &World, store: &SecretsManager) -> Pipeline<Day> {
    let clusters = Arc::new(world.clusters().clone());
    let clock = Arc::new(world.clock().clone());
    let ports = Assembled {
        registry: world.registry().clone(),
        ledger: world.ledger().clone(),
        sources: AwsSources::new(sdk_config(store.endpoint()), Arc::clone(&clusters), clock),
        clusters,
        jobs: world.jobs().clone(),
        clock: world.clock().clone(),
    };
    Pipeline::new(ports, Settings::default(), DigestKey::new(SecretValue::new([7; 32])).unwrap())
}

fn name(key: usize) -> String {
    format!("app/{key}")
}

fn id(key: usize) -> String {
    format!("cluster-{}/shop/db-{key}", key % CLUSTERS)
}
