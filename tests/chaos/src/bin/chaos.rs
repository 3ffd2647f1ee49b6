//! `make chaos`: one run, told on standard output. Exit code 0 when all is well, 1 when something is wrong.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a run is there to be read")]

use pawl_chaos::{Options, run};
use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    // A hasher with random keys stands in for a crate of random numbers.
    let seed = RandomState::new().hash_one("seed") % 1_000_000;
    let options = match Options::read(std::env::args().skip(1), seed) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    println!("{}", options.replay());
    match run(&options).await {
        Ok(report) => {
            println!("{report}");
            if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("the stage broke: {error}\nagain: {}", options.replay());
            ExitCode::FAILURE
        }
    }
}
