//! One key to one target, warm, while 10, 100 and 1,000 events a second come in; and 10,000 different keys that change at
//! once.
//!
//! Events come by the clock, whether those before them are done or not, so that a queue that grows shows in the time of
//! those behind it. Time is counted from when an event is due until its Secret is written and the ledger's file has it.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made must end")]

use futures::stream::FuturesUnordered;
use futures::{StreamExt, stream};
use pawl_domain::{Change, Declaration};
use pawl_figures::{OnFile, Size, Stage, Table, part, runtime};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::Clock;
use pawl_runtime::clock::SystemClock;
use std::time::{Duration, Instant};

const CLUSTERS: usize = 20;
const RATES: [usize; 3] = [10, 100, 1_000];
/// How many events one process works on at a time.
const AT_ONCE: usize = 64;

fn main() {
    let size = Size::read();
    let (keys, lasting) = (size.of(10_000, 100), Duration::from_secs(size.of(20, 1) as u64));
    let servers = runtime(1);
    let stage = servers.block_on(Stage::start(CLUSTERS));
    runtime(1).block_on(measure(&stage, keys, lasting));
}

async fn measure(stage: &Stage, keys: usize, lasting: Duration) {
    let pipeline = stage.pipeline(Settings::default(), SystemClock);
    let declare = |index: usize| -> Declaration {
        let id = format!("cluster-{}/team-{}/service-{index}", index % CLUSTERS, index / CLUSTERS % 50);
        pawl_world::declaration(&id).reads(&key(index)).into_key("password").build()
    };
    stage.declare(&(0..keys).map(declare).collect::<Vec<_>>()).await;
    let mut table = Table::new(format!("Events that come by the clock, {keys} keys in {CLUSTERS} clusters"));
    // The first time, every Secret is created.
    burst(stage, &pipeline, keys, "first").await;
    for rate in RATES {
        let took = at_rate(stage, &pipeline, keys, rate, lasting).await;
        let shown = |share: f64| format!("{:.2} ms", part(&took, share) * 1e3);
        table.beside(&format!("{rate} a second: events"), took.len());
        table.beside("  written within, half of them", shown(0.5));
        table.beside("  written within, 99 of 100", shown(0.99));
        table.beside("  written within, 999 of 1,000", shown(0.999));
    }
    stage.reset_calls();
    let took = burst(stage, &pipeline, keys, "burst").await;
    table.exactly(&format!("{keys} keys at once: values fetched"), keys, stage.store.values());
    table.exactly("  calls to clusters", keys, stage.cluster_calls().values().sum());
    table.beside("  until all are written", format!("{took:.1?}"));
    table.beside("  a second", format!("{:.0}", keys as f64 / took.as_secs_f64()));
    table.print();
}

/// Seconds from when each event was due until its Secret was written.
async fn at_rate(
    stage: &Stage,
    pipeline: &Pipeline<OnFile<SystemClock>>,
    keys: usize,
    rate: usize,
    lasting: Duration,
) -> Vec<f64> {
    let events = rate * usize::try_from(lasting.as_secs()).unwrap();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(rate).unwrap());
    let (mut running, mut took) = (FuturesUnordered::new(), Vec::with_capacity(events));
    let mut told = 0;
    while took.len() < events {
        tokio::select! {
            due = ticks.tick(), if told < events => {
                let change = rotate(stage, told % keys, &format!("at-{rate}-{told}"));
                told += 1;
                running.push(async move {
                    sync(pipeline, &change).await;
                    due.elapsed().as_secs_f64()
                });
            }
            Some(one) = running.next() => took.push(one),
        }
    }
    took
}

async fn burst(
    stage: &Stage,
    pipeline: &Pipeline<OnFile<SystemClock>>,
    keys: usize,
    value: &str,
) -> Duration {
    let changes: Vec<Change> = (0..keys).map(|index| rotate(stage, index, value)).collect();
    let started = Instant::now();
    stream::iter(&changes).for_each_concurrent(AT_ONCE, |change| sync(pipeline, change)).await;
    started.elapsed()
}

async fn sync(pipeline: &Pipeline<OnFile<SystemClock>>, change: &Change) {
    let report = pipeline.sync(change).await.unwrap();
    // An event that a later one of its key overtook has nothing left to write.
    assert_eq!(report.failures().count(), 0, "{:?}", report.failures().next());
}

fn rotate(stage: &Stage, index: usize, value: &str) -> Change {
    stage.store.rotate(&key(index), value, SystemClock.now())
}

fn key(index: usize) -> String {
    format!("production/team-{}/service-{index}/database", index / CLUSTERS % 50)
}
