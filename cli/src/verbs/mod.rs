//! The verbs, one file each.

mod apply;
mod check;
mod delete;
mod explain;
mod get;
mod input;
mod manifests;
mod render;
mod results;
mod sweep;
mod sync;

use crate::args::{Args, Verb};
use crate::error::Error;
use crate::{output, serve};
use clap::CommandFactory;
use pawl_pipeline::Pipeline;
use pawl_runtime::World;
use std::process::ExitCode;

/// Does what the command line says.
///
/// # Errors
/// When the work could not be begun; what failed within it is in the output and in the exit code.
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Error> {
    match &args.verb {
        Verb::Apply(apply) => apply::run(args, apply).await,
        Verb::Check(check) => check::run(args, check),
        Verb::Render(render) => render::run(args, render),
        Verb::Get(get) => get::run(args, get).await,
        Verb::Delete(delete) => delete::run(args, delete).await,
        Verb::Sync(sync) => sync::run(args, sync).await,
        Verb::Explain(explain) => explain::run(args, explain).await,
        Verb::Sweep(sweep) => sweep::run(args, sweep).await,
        Verb::Serve(serve) => serve::run(args, serve).await,
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "pawl", &mut script);
            output::text(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn open(args: &Args) -> Result<Pipeline<World>, Error> {
    Ok(pawl_runtime::open(&args.lookup()).await?)
}

fn code(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
