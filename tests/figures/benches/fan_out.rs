//! One key to 1,000 targets in 20 clusters: the second rotation, when the ledger knows every target.
//!
//! Pawl's turns and the bare loop's alternate, on Secrets of the same shape in the same clusters; the figure is the
//! median of their ratios. Pawl's turn has the lookup, the fetch and 1,000 records in the ledger's file on top, and each
//! commit of that reaches the disk.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made must end")]

use pawl_domain::{Declaration, Outcome, SecretValue};
use pawl_figures::{Bare, OnFile, Size, Stage, Table, Target, middle, runtime};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::Clock;
use pawl_runtime::clock::SystemClock;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const KEY: &str = "app/db";
const BARE_KEY: &str = "bare/db";
const ENTRY: &str = "password";

fn main() {
    let size = Size::read();
    let (targets, clusters, rounds) = (size.of(1_000, 20), size.of(20, 2), size.of(11, 3));
    let servers = runtime(1);
    let stage = servers.block_on(Stage::start(clusters));
    runtime(1).block_on(measure(&stage, targets, rounds));
}

async fn measure(stage: &Stage, targets: usize, rounds: usize) {
    let settings = Settings { inline_targets: targets, ..Settings::default() };
    let at_once = settings.concurrency;
    let pipeline = stage.pipeline(settings, SystemClock);
    let declared = |name: &str, key: &str| -> Vec<Declaration> {
        let one = |index: usize| {
            let cluster = index % stage.clusters.len();
            let id = format!("cluster-{cluster}/team-{}/{name}-{index}", index / 20 % 10);
            pawl_world::declaration(&id).reads(key).property(ENTRY).into_key(ENTRY).build()
        };
        (0..targets).map(one).collect()
    };
    let (declarations, bare_declarations) = (declared("service", KEY), declared("bare", BARE_KEY));
    for (declarations, key) in [(&declarations, KEY), (&bare_declarations, BARE_KEY)] {
        stage.declare(declarations).await;
        rotate(stage, &pipeline, key, "first", targets).await;
    }
    let bare = Bare::new(&stage.clusters);
    let mut bare_targets: Vec<Target> =
        bare_declarations.iter().map(|it| Bare::target(&stage.clusters, it)).collect();
    loop_over(&bare, &mut bare_targets, "warm", at_once).await;
    rotate(stage, &pipeline, KEY, "warm", targets).await;

    let mut table = Table::new(format!(
        "One key to {targets} targets in {} clusters, {at_once} at a time, {rounds} rounds",
        stage.clusters.len()
    ));
    let (mut pawl_took, mut bare_took) = (Vec::new(), Vec::new());
    let mut counted = Vec::new();
    for round in 0..rounds {
        let value = format!("value-{round}");
        stage.reset_calls();
        pawl_took.push(rotate(stage, &pipeline, KEY, &value, targets).await.as_secs_f64());
        counted.push((stage.store.values(), stage.store.calls(), stage.cluster_calls()));
        bare_took.push(loop_over(&bare, &mut bare_targets, &value, at_once).await.as_secs_f64());
        for declaration in declarations.iter().chain(&bare_declarations) {
            assert_eq!(found(stage, declaration).as_deref(), Some(value.as_bytes()), "{}", declaration.id);
        }
    }
    let most = |count: &dyn Fn(usize) -> usize| (0..rounds).map(count).max().unwrap_or_default();
    let calls = |round: usize| counted[round].2.values().sum::<usize>();
    let patches = |round: usize| counted[round].2.get("patch secrets").copied().unwrap_or_default();
    table.exactly("values fetched, the most of all rounds", 1, most(&|round| counted[round].0));
    table.exactly("calls to the store", 1, most(&|round| counted[round].1.values().sum()));
    table.at_most("writes to clusters", targets as f64, most(&patches) as f64, "");
    table.exactly("other calls to clusters", 0, most(&|round| calls(round) - patches(round)));
    let ratios = pawl_took.iter().zip(&bare_took).map(|(pawl, bare)| pawl / bare);
    table.at_most("time as a multiple of the bare loop's, median", 1.25, middle(ratios), "");
    table.beside("Pawl, median", format!("{:.1?}", Duration::from_secs_f64(middle(pawl_took))));
    table.beside(
        "the bare loop of the same patches, median",
        format!("{:.1?}", Duration::from_secs_f64(middle(bare_took))),
    );
    table.print();
}

/// What Pawl does with the event of a rotation.
async fn rotate(
    stage: &Stage,
    pipeline: &Pipeline<OnFile<SystemClock>>,
    key: &str,
    value: &str,
    targets: usize,
) -> Duration {
    let change = stage.store.rotate(key, &format!(r#"{{"{ENTRY}":"{value}"}}"#), SystemClock.now());
    let started = Instant::now();
    let report = pipeline.sync(&change).await.unwrap();
    let took = started.elapsed();
    assert_eq!(report.count(Outcome::Written), targets, "{:?}", report.failures().next());
    took
}

async fn loop_over(bare: &Bare, targets: &mut [Target], value: &str, at_once: usize) -> Duration {
    let data = BTreeMap::from([(ENTRY.to_owned(), SecretValue::new(value))]);
    let started = Instant::now();
    bare.replace(targets, &data, at_once).await;
    started.elapsed()
}

fn found(stage: &Stage, declaration: &Declaration) -> Option<Vec<u8>> {
    let id = &declaration.id;
    let cluster = stage.clusters.iter().find(|it| it.name() == id.cluster.as_str())?;
    cluster.secret_value(id.namespace.as_str(), declaration.target.name.as_str(), ENTRY)
}
