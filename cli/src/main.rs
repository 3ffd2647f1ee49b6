//! `pawl`: the same use cases by hand and as a server.

mod args;
mod error;
mod output;
mod serve;
mod verbs;

use args::Args;
use clap::Parser;
use std::process::ExitCode;

/// The stack of each worker thread. The futures of a sweep are large, and a build that is not optimised moves them over
/// the stack several times; only what is used takes memory.
const STACK: usize = 16 << 20;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
    match runtime {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => {
            let error = error::Error::Threads(error);
            output::complain(&error);
            error.exit_code()
        }
    }
}

async fn run() -> ExitCode {
    let args = Args::parse();
    pawl_runtime::telemetry::logs(&args.lookup(), args.log_format(), std::io::stderr);
    match verbs::run(&args).await {
        Ok(code) => code,
        Err(error) => {
            output::complain(&error);
            error.exit_code()
        }
    }
}
