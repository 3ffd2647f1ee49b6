//! One key to one target, warm: connections stand, and the ledger knows the target. Beside it one fetch and one patch,
//! done bare with the same clients, turn by turn.
//!
//! What Pawl has on top is the lookup, the render and one record that reaches the disk before it returns. Servers on the
//! same machine answer at once, so nothing hides that: towards real ones each request takes milliseconds.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made must end")]

use pawl_domain::{Outcome, SecretValue};
use pawl_figures::{Bare, Size, Stage, Table, middle, runtime, sdk_config};
use pawl_pipeline::Settings;
use pawl_pipeline::ports::{Clock, Ledger};
use pawl_runtime::wiring::SystemClock;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn main() {
    let rounds = Size::read().of(500, 10);
    let servers = runtime(1);
    let stage = servers.block_on(Stage::start(1));
    runtime(1).block_on(measure(&stage, rounds));
}

async fn measure(stage: &Stage, rounds: usize) {
    let pipeline = stage.pipeline(Settings::default(), SystemClock);
    let declared = |name: &str, key: &str| {
        pawl_world::declaration(&format!("cluster-0/shop/{name}")).reads(key).into_key("password").build()
    };
    let declarations = [declared("pawl", "app/db"), declared("bare", "bare/db")];
    stage.declare(&declarations).await;
    for key in ["app/db", "bare/db", "app/db"] {
        let change = stage.store.rotate(key, &format!("first of {key}"), SystemClock.now());
        pipeline.sync(&change).await.unwrap();
        stage.store.rotate(key, "second", SystemClock.now());
    }
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk_config(stage.store.endpoint()));
    let bare = Bare::new(&stage.clusters);
    let mut targets = [Bare::target(&stage.clusters, &declarations[1])];

    let (mut pawl_took, mut bare_took, mut record_took) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let value = format!("value-{round}");
        let change = stage.store.rotate("app/db", &value, SystemClock.now());
        stage.store.rotate("bare/db", &value, SystemClock.now());
        stage.reset_calls();

        let started = Instant::now();
        let report = pipeline.sync(&change).await.unwrap();
        pawl_took.push(started.elapsed().as_secs_f64());
        assert_eq!(report.count(Outcome::Written), 1, "{:?}", report.failures().next());
        assert_eq!(stage.store.calls(), BTreeMap::from([("GetSecretValue".to_owned(), 1)]));
        assert_eq!(stage.cluster_calls(), BTreeMap::from([("patch secrets".to_owned(), 1)]));

        let started = Instant::now();
        let fetch = secrets.get_secret_value().secret_id("bare/db").version_stage("AWSCURRENT");
        let fetched = fetch.send().await.unwrap().secret_string.unwrap();
        let data = BTreeMap::from([("password".to_owned(), SecretValue::new(fetched))]);
        bare.replace(&mut targets, &data, 1).await;
        bare_took.push(started.elapsed().as_secs_f64());

        for name in ["pawl", "bare"] {
            let stands = stage.clusters[0].secret_value("shop", name, "password");
            assert_eq!(stands.as_deref(), Some(value.as_bytes()), "{name}");
        }
        record_took.push(record(stage).await);
    }

    // The first turns open the connections.
    let warm = rounds / 10;
    let ratios = pawl_took[warm..].iter().zip(&bare_took[warm..]).map(|(pawl, bare)| pawl / bare);
    let shown =
        |took: &[f64]| format!("{:.2?}", Duration::from_secs_f64(middle(took[warm..].iter().copied())));
    let mut table = Table::new(format!("One key to one target, warm, {} turns", rounds - warm));
    table.at_most("time as a multiple of one fetch and one patch, median", 1.5, middle(ratios), "");
    table.beside("Pawl, median", shown(&pawl_took));
    table.beside("one fetch and one patch, median", shown(&bare_took));
    table.beside("of Pawl's: one write to the ledger, until the disk has it", shown(&record_took));
    table.print();
}

/// What the ledger's part is on this disk: a mark is one small write, as a record is.
async fn record(stage: &Stage) -> f64 {
    let started = Instant::now();
    stage.file.set_mark("figures", SystemClock.now()).await.unwrap();
    started.elapsed().as_secs_f64()
}
