//! One key to one target, warm: connections stand, and the ledger knows the target. Beside it one fetch and one patch,
//! done bare with the same clients, turn by turn.
//!
//! What Pawl has on top is the lookup, the render and one record that reaches the disk before it returns. Servers on the
//! same machine answer at once, so that nothing hides that; measured again where each answer takes a few milliseconds, as
//! those of near services do.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made must end")]

use pawl_domain::{Change, Declaration, Outcome, SecretValue};
use pawl_figures::{Bare, OnFile, Size, Stage, Table, Target, middle, runtime, sdk_config};
use pawl_pipeline::{Pipeline, Settings};
use pawl_ports::{Clock, Ledger};
use pawl_runtime::clock::SystemClock;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const KEY: &str = "app/db";
const BARE_KEY: &str = "bare/db";
const ENTRY: &str = "password";
/// How far away servers are in the second measurement.
const DISTANCE: Duration = Duration::from_millis(5);

fn main() {
    let rounds = Size::read().of(500, 10);
    let servers = runtime(1);
    let stage = servers.block_on(Stage::start(1));
    let mut table = Table::new("One key to one target, warm");
    runtime(1).block_on(async {
        let declarations = [declared("pawl", KEY), declared("bare", BARE_KEY)];
        let pipeline = stage.pipeline(Settings::default(), SystemClock);
        stage.declare(&declarations).await;
        for key in [KEY, BARE_KEY] {
            let change = stage.store.rotate(key, "first", SystemClock.now());
            pipeline.sync(&change).await.unwrap();
        }
        let target = Bare::target(&stage.clusters, &declarations[1]);
        let mut turns = Turns {
            stage: &stage,
            pipeline,
            secrets: aws_sdk_secretsmanager::Client::new(&sdk_config(stage.store.endpoint())),
            bare: Bare::new(&stage.clusters),
            target: [target],
        };
        // The first turns open the connections.
        turns.take(rounds.div_ceil(10), "warm").await;
        let near = turns.take(rounds, "near").await;
        stage.delay(DISTANCE);
        let far = turns.take(rounds, "far").await;
        show(&mut table, "servers on this machine", &near);
        show(&mut table, &format!("servers that answer after {DISTANCE:?}"), &far);
    });
    table.print();
}

/// Seconds, turn by turn.
#[derive(Default)]
struct Took {
    pawl: Vec<f64>,
    bare: Vec<f64>,
    record: Vec<f64>,
}

struct Turns<'a> {
    stage: &'a Stage,
    pipeline: Pipeline<OnFile<SystemClock>>,
    secrets: aws_sdk_secretsmanager::Client,
    bare: Bare,
    target: [Target; 1],
}

impl Turns<'_> {
    async fn take(&mut self, rounds: usize, name: &str) -> Took {
        let (stage, mut took) = (self.stage, Took::default());
        for round in 0..rounds {
            let value = format!("{name}-{round}");
            let change = stage.store.rotate(KEY, &value, SystemClock.now());
            stage.store.rotate(BARE_KEY, &value, SystemClock.now());
            took.pawl.push(self.pawl(&change).await);
            took.bare.push(self.bare().await);
            took.record.push(record(stage).await);
            for name in ["pawl", "bare"] {
                let stands = stage.clusters[0].secret_value("shop", name, ENTRY);
                assert_eq!(stands.as_deref(), Some(value.as_bytes()), "{name}");
            }
        }
        took
    }

    async fn pawl(&self, change: &Change) -> f64 {
        self.stage.reset_calls();
        let started = Instant::now();
        let report = self.pipeline.sync(change).await.unwrap();
        let took = started.elapsed().as_secs_f64();
        assert_eq!(report.count(Outcome::Written), 1, "{:?}", report.failures().next());
        assert_eq!(self.stage.store.calls(), BTreeMap::from([("GetSecretValue".to_owned(), 1)]));
        assert_eq!(self.stage.cluster_calls(), BTreeMap::from([("patch secrets".to_owned(), 1)]));
        took
    }

    async fn bare(&mut self) -> f64 {
        let started = Instant::now();
        let fetch = self.secrets.get_secret_value().secret_id(BARE_KEY).version_stage("AWSCURRENT");
        let fetched = fetch.send().await.unwrap().secret_string.unwrap();
        let data = BTreeMap::from([(ENTRY.to_owned(), SecretValue::new(fetched))]);
        self.bare.replace(&mut self.target, &data, 1).await;
        started.elapsed().as_secs_f64()
    }
}

fn show(table: &mut Table, place: &str, took: &Took) {
    let ratios = took.pawl.iter().zip(&took.bare).map(|(pawl, bare)| pawl / bare);
    let shown = |took: &[f64]| format!("{:.2?}", Duration::from_secs_f64(middle(took.iter().copied())));
    table.at_most(&format!("multiple of one fetch and one patch, {place}"), 1.5, middle(ratios), "");
    table.beside("  Pawl, median", shown(&took.pawl));
    table.beside("  one fetch and one patch, median", shown(&took.bare));
    table.beside("  of Pawl's: one write to the ledger, until the disk has it", shown(&took.record));
}

fn declared(name: &str, key: &str) -> Declaration {
    pawl_world::declaration(&format!("cluster-0/shop/{name}")).reads(key).into_key(ENTRY).build()
}

/// What the ledger's part is on this disk: a mark is one small write, as a record is.
async fn record(stage: &Stage) -> f64 {
    let started = Instant::now();
    stage.file.set_mark("figures", SystemClock.now()).await.unwrap();
    started.elapsed().as_secs_f64()
}
