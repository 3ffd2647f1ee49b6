//! A sweep of 100,000 declarations when nothing changed, and beside it the first one, which has to list the whole store.
//!
//! Registry and ledger are the local file, the store is the real adapter towards a server with as many secrets, and the
//! clusters would answer. The clock is moved on by the declarations' interval before each sweep, so that the store is due.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made must end")]
// Sweeps over the real adapters nest deeper than the compiler looks by itself.
#![recursion_limit = "256"]

use jiff::SignedDuration;
use pawl_domain::Declaration;
use pawl_figures::{Size, Stage, Table, middle, runtime};
use pawl_pipeline::Settings;
use pawl_ports::{Clock, Ledger};
use pawl_world::FakeClock;
use std::time::{Duration, Instant};

const CLUSTERS: usize = 20;
const INTERVAL: Duration = Duration::from_secs(5 * 60);

fn main() {
    let size = Size::read();
    let (number, rounds) = (size.of(100_000, 200), size.of(5, 2));
    let servers = runtime(1);
    let stage = servers.block_on(Stage::start(CLUSTERS));
    runtime(2).block_on(measure(&stage, number, rounds));
}

async fn measure(stage: &Stage, number: usize, rounds: usize) {
    let clock = FakeClock::default();
    fill(stage, number, &clock).await;
    let pipeline = stage.pipeline(Settings::default(), clock.clone());
    stage.reset_calls();
    let mut table = Table::new(format!("Sweep of {number} declarations, nothing changed"));

    let started = Instant::now();
    let swept = pipeline.sweep(false).await.unwrap();
    let first = started.elapsed();
    assert_eq!((swept.listed, swept.report.outcomes.len(), swept.failed.len()), (1, 0, 0), "{swept:?}");
    let first_calls: usize = stage.store.calls().values().sum();

    let (mut took, mut store_calls, mut values, mut cluster_calls) = (Vec::new(), 0, 0, 0);
    for _ in 0..rounds {
        clock.advance(INTERVAL);
        stage.reset_calls();
        let started = Instant::now();
        let swept = pipeline.sweep(false).await.unwrap();
        took.push(started.elapsed().as_secs_f64());
        assert_eq!((swept.listed, swept.report.outcomes.len(), swept.failed.len()), (1, 0, 0), "{swept:?}");
        store_calls = store_calls.max(stage.store.calls().values().sum::<usize>());
        values = values.max(stage.store.values());
        cluster_calls = cluster_calls.max(stage.cluster_calls().values().sum::<usize>());
    }
    table.at_most("calls to the store", 1.0, store_calls as f64, "");
    table.exactly("values read", 0, values);
    table.exactly("calls to clusters", 0, cluster_calls);
    table.at_most("time, median", 0.05, middle(took), " s");
    table.at_most(
        "calls of the first sweep, which lists the whole store",
        number as f64 / 100.0,
        first_calls as f64,
        "",
    );
    table.beside("time of the first sweep", format!("{first:.1?}"));
    table.print();
}

/// Every key was written in its first version, and each cluster was looked at for drift just now.
async fn fill(stage: &Stage, number: usize, clock: &FakeClock) {
    let key = |index: usize| format!("production/team-{}/service-{index}/database", index / CLUSTERS % 50);
    let declare = |index: usize| -> Declaration {
        let id = format!("cluster-{}/team-{}/service-{index}", index % CLUSTERS, index / CLUSTERS % 50);
        pawl_world::declaration(&id).reads(&key(index)).into_key("password").every(INTERVAL).build()
    };
    let declarations: Vec<Declaration> = (0..number).map(declare).collect();
    stage.declare(&declarations).await;
    stage.settle(&declarations, clock).await;
    for index in 0..number {
        let ago = SignedDuration::from_hours(24) + SignedDuration::from_secs(i64::try_from(index).unwrap());
        stage.store.rotate(&key(index), "never read", clock.now() - ago);
    }
    for cluster in &stage.clusters {
        stage.file.set_mark(&format!("drift/{}", cluster.name()), clock.now()).await.unwrap();
    }
}
