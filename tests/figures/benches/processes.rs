//! Figures of whole processes: what memory they take, how soon they are there, how large they are.
//!
//! The binaries are those in `PAWL_BINARIES`, or else those that cargo built beside this program: `make bench` builds
//! them first. What is not built is said to be so. Memory is as Linux counts it, in MB of 10^6 bytes.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made must end")]

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use pawl_domain::{Declaration, Outcome};
use pawl_figures::process::{binary, memory};
use pawl_figures::{Size, Stage, Table, middle, runtime};
use pawl_pipeline::Settings;
use pawl_ports::{Clock, Ledger};
use pawl_runtime::clock::SystemClock;
use pawl_servers::process::{Process, clean_command};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const CLUSTERS: usize = 20;
const FUNCTIONS: [&str; 4] = ["sync", "deliver", "sweep", "index"];
/// How long anything may take that is waited for; never a figure.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() {
    let size = Size::read();
    let servers = runtime(1);
    let client = runtime(2);
    let mut table = Table::new("Processes");
    {
        let stage = servers.block_on(Stage::start(CLUSTERS));
        client.block_on(serve(&stage, size.of(100_000, 200), &mut table));
    }
    let stage = servers.block_on(Stage::start(CLUSTERS));
    client.block_on(async {
        large_sync(&stage, size.of(1_000, 40), &mut table).await;
        starts(&stage, size.of(21, 3), &mut table).await;
    });
    zips(&mut table);
    table.print();
}

/// `pawl serve`, with a registry of so many declarations, after its first sweep, which lists the whole store.
async fn serve(stage: &Stage, number: usize, table: &mut Table) {
    let Some(pawl) = binary("pawl") else { return table.beside("pawl serve", "not built") };
    let key = |index: usize| format!("production/team-{}/service-{index}/database", index / CLUSTERS % 50);
    let declare = |index: usize| -> Declaration {
        let id = format!("cluster-{}/team-{}/service-{index}", index % CLUSTERS, index / CLUSTERS % 50);
        pawl_world::declaration(&id).reads(&key(index)).into_key("password").build()
    };
    let declarations: Vec<Declaration> = (0..number).map(declare).collect();
    let now = SystemClock.now();
    stage.declare(&declarations).await;
    stage.settle(&declarations, &SystemClock).await;
    for index in 0..number {
        let ago = jiff::SignedDuration::from_secs(86_400 + i64::try_from(index).unwrap());
        stage.store.rotate(&key(index), "never read", now - ago);
    }
    // The clusters hold none of these Secrets, so the look for drift would find that all are gone.
    for cluster in &stage.clusters {
        stage.file.set_mark(&format!("drift/{}", cluster.name()), now).await.unwrap();
    }
    drop(declarations);

    // The shell tells its process id and then becomes the server.
    let mut command = clean_command("sh");
    command.args(["-c", r#"echo "pid $$"; exec "$0" serve --listen 127.0.0.1:0"#]).arg(pawl);
    command.envs(stage.environment());
    let mut process = Process::start("pawl", &command).unwrap();
    let pid = process.ready(PATIENCE, async |log| announced(log)).await.unwrap();
    process.ready(PATIENCE, async |log| log.contains("\"swept\"").then_some(())).await.unwrap();
    let (now, most) = memory(pid).unwrap_or((f64::NAN, f64::NAN));
    assert!(stage.store.calls()["ListSecrets"] >= number / 100, "the store was not listed");
    table.at_most(&format!("pawl serve, {number} declarations, after a sweep"), 150.0, now, " MB");
    table.at_most("  at most, while it listed the whole store", 150.0, most, " MB");
}

fn announced(log: &str) -> Option<u32> {
    log.contains("pawl serves on").then_some(())?;
    log.lines().find_map(|line| line.strip_prefix("pid "))?.parse().ok()
}

/// `pawl sync` of a key that so many targets read: the flow of the function, with the registry in a file.
async fn large_sync(stage: &Stage, targets: usize, table: &mut Table) {
    let Some(pawl) = binary("pawl") else { return table.beside("pawl sync", "not built") };
    let declare = |index: usize| -> Declaration {
        let id = format!("cluster-{}/shop/service-{index}", index % CLUSTERS);
        pawl_world::declaration(&id).reads("app/db").into_key("password").build()
    };
    let declarations: Vec<Declaration> = (0..targets).map(declare).collect();
    stage.declare(&declarations).await;
    let pipeline = stage.pipeline(Settings { inline_targets: targets, ..Settings::default() }, SystemClock);
    let change = stage.store.rotate("app/db", "first", SystemClock.now());
    let report = pipeline.sync(&change).await.unwrap();
    assert_eq!(report.count(Outcome::Written), targets, "{:?}", report.failures().next());

    stage.store.rotate("app/db", "second", SystemClock.now());
    stage.reset_calls();
    let mut command = tokio::process::Command::from(clean_command(pawl));
    command
        .args(["sync", "app/db"])
        .envs(stage.environment())
        .env("PAWL_INLINE_TARGETS", targets.to_string());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = child.id().unwrap();
    let mut most = f64::NAN;
    let status = loop {
        // The highest mark only rises, so that the last look before the end tells it.
        most = memory(pid).map_or(most, |(_, high)| high);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    };
    assert!(status.success(), "pawl sync ended with {status}");
    assert_eq!(stage.cluster_calls().get("patch secrets"), Some(&targets));
    table.at_most(&format!("pawl sync, {targets} targets, memory at most"), 64.0, most, " MB");
}

/// From the start of a function's process to its first question to the Lambda service.
async fn starts(stage: &Stage, rounds: usize, table: &mut Table) {
    let (polled, mut polls) = unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = Router::new().fallback(runtime_api).with_state(polled);
    let service = tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
    for function in FUNCTIONS {
        let name = format!("pawl-{function}");
        let figure = format!("{name}, process start to first poll, median of {rounds}");
        let Some(program) = binary(&name) else {
            table.beside(&figure, "not built");
            continue;
        };
        let (mut took, mut held) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let mut command = function_command(&program, &address.to_string(), stage);
            let started = Instant::now();
            let child = command.spawn().unwrap();
            let at = tokio::time::timeout(PATIENCE, polls.recv()).await.unwrap().unwrap();
            let at = at.unwrap_or_else(|path| panic!("{name} did not start: it called {path}"));
            took.push(at.duration_since(started).as_secs_f64() * 1e3);
            held.extend(child.id().and_then(memory).map(|(_, most)| most));
            end(child).await;
        }
        // A busy machine slows the median; the quickest start shows what is Pawl's own part.
        let quickest = took.iter().copied().fold(f64::INFINITY, f64::min);
        table.at_most(&figure, 60.0, middle(took), " ms");
        table.beside("  the quickest", format!("{quickest:.1} ms"));
        table.beside("  its memory then", format!("{:.1} MB", middle(held)));
    }
    service.abort();
}

/// The Lambda service as far as a function's first poll, which is never answered.
async fn runtime_api(State(polled): State<UnboundedSender<Result<Instant, String>>>, uri: Uri) {
    let now = Instant::now();
    let next = uri.path().ends_with("/invocation/next");
    let _ = polled.send(if next { Ok(now) } else { Err(uri.path().to_owned()) });
    std::future::pending().await
}

fn function_command(program: &Path, service: &str, stage: &Stage) -> tokio::process::Command {
    let mut command = tokio::process::Command::from(clean_command(program));
    command.envs(stage.environment()).envs([
        ("AWS_LAMBDA_RUNTIME_API", service),
        ("AWS_LAMBDA_FUNCTION_NAME", "measured"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "measured"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "measured"),
        ("PAWL_TABLE", "pawl"),
        ("PAWL_JOB_QUEUE_URL", "http://127.0.0.1:9/jobs"),
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command
}

async fn end(mut child: tokio::process::Child) {
    child.kill().await.unwrap();
}

/// The zips that `make lambda` made, if it did.
fn zips(table: &mut Table) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lambda");
    for function in FUNCTIONS {
        let zip: PathBuf = directory.join(format!("pawl-{function}")).join("bootstrap.zip");
        let figure = format!("pawl-{function}, zip for arm64");
        match std::fs::metadata(zip) {
            Ok(zip) => table.at_most(&figure, 10.0, zip.len() as f64 / 1e6, " MB"),
            Err(_) => table.beside(&figure, "not built; make lambda"),
        }
    }
}
