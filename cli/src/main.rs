//! `pawl`: the same use cases by hand and as a server.

mod args;
mod error;
mod flow;
mod output;
mod queued;
mod serve;
mod verbs;

use args::Args;
use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    pawl_runtime::telemetry::logs(&args.lookup(), args.log_format(), std::io::stderr);
    pawl_runtime::process::keep_memory_private();
    match verbs::run(&args).await {
        Ok(code) => output::lost().map_or(code, |why| {
            output::note(&format!("pawl: {why}"));
            ExitCode::FAILURE
        }),
        Err(error) => {
            output::complain(&error);
            error.exit_code()
        }
    }
}
