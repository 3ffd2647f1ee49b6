//! The short runs: with a file in each `make test`, with a table when asked for. One after the other: each has half a dozen processes, with `SETTING=table` a dozen.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a run is there to be read, and one that cannot begin has failed"
)]

use pawl_chaos::{Options, Setting, run};
use std::hash::{BuildHasher, RandomState};

/// Seconds of changes and faults in each run with a file: two minutes in all. Building up, healing and checking come on top.
const FILE: u64 = 60;
/// The same with a table.
const TABLE: u64 = 20;

/// A hasher with random keys stands in for a crate of random numbers.
fn any() -> u64 {
    RandomState::new().hash_one("seed") % 1_000_000
}

async fn play(options: Options) {
    println!("{}", options.replay());
    let report = run(&options).await.unwrap();
    println!("{report}");
    assert!(report.is_well(), "see above");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_goes_back_or_leaks_with_everything_in_a_file() {
    for seed in [1, any()] {
        play(Options::new(seed, FILE).on(Setting::File)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the double of DynamoDB makes a run take three to six minutes on two cores; `make chaos` plays it"]
async fn nothing_is_lost_goes_back_or_leaks_with_a_table_and_functions() {
    for seed in [1, any()] {
        play(Options::new(seed, TABLE)).await;
    }
}
