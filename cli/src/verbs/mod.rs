//! The verbs, one file each.

mod apply;
mod check;
mod clusters;
mod delete;
mod explain;
mod get;
mod input;
mod jobs;
mod key;
mod manifests;
mod rbac;
mod render;
mod results;
mod sweep;
mod sync;
mod wait;
mod who;

use crate::args::{Args, Verb};
use crate::error::Error;
use crate::{output, serve};
use clap::CommandFactory;
use pawl_pipeline::Pipeline;
use pawl_runtime::World;
use std::process::ExitCode;
use std::time::Duration;

/// How long giving up tokens may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Does what the command line says.
///
/// # Errors
/// When the work could not be begun; what failed within it is in the output and in the exit code.
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Error> {
    match &args.verb {
        Verb::Apply(apply) => over(args, async |flow| apply::run(flow, args, apply).await).await,
        Verb::Check(check) => check::run(args, check),
        Verb::Render(render) => render::run(args, render),
        Verb::Get(get) => get::run(args, get).await,
        Verb::Delete(delete) => delete::run(args, delete).await,
        Verb::Sync(sync) => over(args, async |flow| sync::run(flow, args, sync).await).await,
        Verb::Explain(explain) => explain::run(args, explain).await,
        Verb::Wait(wait) => over(args, async |flow| wait::run(flow, args, wait).await).await,
        Verb::Who(who) => who::run(args, who).await,
        Verb::Jobs(jobs) => jobs::run(args, jobs).await,
        Verb::Sweep(sweep) => over(args, async |flow| sweep::run(flow, args, sweep).await).await,
        Verb::Rbac(rbac) => rbac::run(rbac),
        Verb::Serve(serve) => serve::run(args, serve).await,
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "pawl", &mut script);
            output::text(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Does something that may log in to stores, and gives up what they keep for this process, however it went.
async fn over(
    args: &Args,
    work: impl AsyncFnOnce(&Pipeline<World>) -> Result<ExitCode, Error>,
) -> Result<ExitCode, Error> {
    let pipeline = open(args).await?;
    let result = work(&pipeline).await;
    farewell(&pipeline).await;
    result
}

/// Gives up what stores keep for this process; one that does not answer does not hold it up.
pub(crate) async fn farewell(pipeline: &Pipeline<World>) {
    let _ = tokio::time::timeout(FAREWELL, pipeline.ports().close()).await;
}

async fn open(args: &Args) -> Result<Pipeline<World>, Error> {
    Ok(pawl_runtime::open(&args.lookup()).await?)
}

/// For what asks neither stores nor clusters: without AWS where the registry is a file.
async fn registry(args: &Args) -> Result<Pipeline<World>, Error> {
    Ok(pawl_runtime::open_registry(&args.lookup()).await?)
}

fn code(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
