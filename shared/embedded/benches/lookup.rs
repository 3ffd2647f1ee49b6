//! How long a lookup takes in a registry of N declarations (`PAWL_BENCH_DECLARATIONS`, default 1,000,000), how
//! much memory that needs, and how fast such a registry is filled. Prints a table.
//!
//! With `--bench`, or with the variable set, all of it runs; else each part once, on a small registry, as a test.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark is a test that prints")]

use futures::StreamExt;
use pawl_domain::Declaration;
use pawl_embedded::Embedded;
use pawl_ports::{Catalogue, Registry};
use pawl_world::build::index_keys;
use pawl_world::declaration;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const VARIABLE: &str = "PAWL_BENCH_DECLARATIONS";
/// Callers that fill the registry at the same time, as an index of many clusters does.
const CALLERS: usize = 256;

fn main() {
    let declared = std::env::var_os(VARIABLE).and_then(|text| text.to_str()?.parse().ok());
    let measured = declared.is_some() || std::env::args().any(|argument| argument == "--bench");
    let (number, lookups) = if measured { (declared.unwrap_or(1_000_000), 50_000) } else { (200, 200) };

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pawl.db");
    let file = runtime.block_on(Embedded::open(&path)).unwrap();

    let filled = fill(&runtime, &file, number);
    let unchanged = fill(&runtime, &file, number.min(20_000));
    drop(file);
    // A process that only looks up: what it takes in memory does not come from filling.
    let file = runtime.block_on(Embedded::open(&path)).unwrap();
    let before = resident();
    let first = percentiles(&runtime, &file, number, lookups);
    let settled = resident();
    let second = percentiles(&runtime, &file, number, lookups);
    let bare = bare(&path, number, lookups);
    let hop = hop(&runtime, lookups);

    let per_second = |number: usize, took: Duration| format!("{:.0}/s", number as f64 / took.as_secs_f64());
    let kib =
        |kib: Option<u64>| kib.map_or("unknown".to_owned(), |kib| format!("{:.1} MiB", kib as f64 / 1024.0));
    println!("{:<50}{:>16}", "declarations", number);
    println!(
        "{:<50}{:>16}",
        "size of the file",
        kib(std::fs::metadata(&path).ok().map(|file| file.len() / 1024))
    );
    println!("{:<50}{:>16}", format!("put, new, {CALLERS} callers"), per_second(number, filled));
    println!("{:<50}{:>16}", "put, unchanged", per_second(number.min(20_000), unchanged));
    for (name, (median, high)) in [
        ("candidates, first pass", first),
        ("candidates, second pass", second),
        ("beside: the same question to bare SQLite", bare),
        ("beside: a blocking task that does nothing", hop),
    ] {
        println!("{:<50}{:>16}", format!("{name}, p50"), format!("{median:.1?}"));
        println!("{:<50}{:>16}", format!("{name}, p99"), format!("{high:.1?}"));
    }
    println!("{:<50}{:>16}", "memory after filling", kib(before));
    println!("{:<50}{:>16}", format!("memory after {lookups} lookups"), kib(settled));
    println!("{:<50}{:>16}", format!("memory after {} lookups", lookups * 2), kib(resident()));
    let ratio = |ours: Duration, bare: Duration| format!("{:.2}", ours.as_secs_f64() / bare.as_secs_f64());
    println!("{:<50}{:>16}", "second pass over bare SQLite, p50, goal 1.2", ratio(second.0, bare.0));
    println!("{:<50}{:>16}", "second pass over bare SQLite, p99, goal 2", ratio(second.1, bare.1));
}

fn fill(runtime: &Runtime, file: &Embedded, number: usize) -> Duration {
    let started = Instant::now();
    runtime.block_on(async {
        let puts = (0..number).map(|index| async move {
            let keys = index_keys([key(index).as_str()]);
            file.put(&declared(index), &keys, None).await.unwrap();
        });
        futures::stream::iter(puts).buffer_unordered(CALLERS).for_each(|()| async {}).await;
    });
    started.elapsed()
}

/// Median and 99th percentile of lookups all over the registry, as a caller of the port sees them.
fn percentiles(runtime: &Runtime, file: &Embedded, number: usize, lookups: usize) -> (Duration, Duration) {
    let file = file.clone();
    // On a worker of the runtime, where the flow runs too.
    let looking = runtime.spawn(async move {
        let mut took = Vec::with_capacity(lookups);
        for turn in 0..lookups {
            let keys = index_keys([key(spread(turn, number)).as_str()]);
            let started = Instant::now();
            let found = file.candidates(&keys).await.unwrap();
            took.push(started.elapsed());
            assert_eq!(found.len(), 1);
        }
        took
    });
    middle_and_high(runtime.block_on(looking).unwrap())
}

/// What SQLite alone takes for it, on one connection of its own.
fn bare(path: &Path, number: usize, lookups: usize) -> (Duration, Duration) {
    let file = rusqlite::Connection::open(path).unwrap();
    let mut statement = file.prepare("SELECT id FROM index_keys WHERE key = ?1").unwrap();
    let mut took = Vec::with_capacity(lookups);
    for turn in 0..lookups {
        let keys = index_keys([key(spread(turn, number)).as_str()]);
        let started = Instant::now();
        let found: String = statement.query_row([keys.first().unwrap().as_str()], |row| row.get(0)).unwrap();
        took.push(started.elapsed());
        assert!(!found.is_empty());
    }
    middle_and_high(took)
}

/// What the way to a thread that may block and back takes on this machine, at this load.
fn hop(runtime: &Runtime, hops: usize) -> (Duration, Duration) {
    let hopping = runtime.spawn(async move {
        let mut took = Vec::with_capacity(hops);
        for _ in 0..hops {
            let started = Instant::now();
            tokio::task::spawn_blocking(|| ()).await.unwrap();
            took.push(started.elapsed());
        }
        took
    });
    middle_and_high(runtime.block_on(hopping).unwrap())
}

fn middle_and_high(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort();
    (took[took.len() / 2], took[took.len() * 99 / 100])
}

fn declared(index: usize) -> Declaration {
    let id = format!("cluster-{}/team-{}/service-{index}", index % 20, index / 20 % 50);
    declaration(&id).reads(&key(index)).property("password").into_key("password").build()
}

fn key(index: usize) -> String {
    format!("production/team-{}/service-{index}/database", index / 20 % 50)
}

/// A fixed shuffle.
fn spread(turn: usize, number: usize) -> usize {
    turn.wrapping_mul(2_654_435_761) % number
}

/// Resident memory in KiB, where the system says so.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
