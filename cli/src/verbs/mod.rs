//! The verbs, one file each.

mod absent;
mod apply;
mod check;
mod clusters;
mod convert;
mod delete;
mod diff;
mod explain;
mod get;
mod history;
mod import;
mod input;
mod jobs;
mod man;
mod manifests;
mod migrate;
mod offer;
mod place;
mod plan;
mod problems;
mod rbac;
mod render;
mod report;
mod results;
mod selector;
mod status;
mod sweep;
mod sync;
mod targets;
mod wait;
mod watch;
mod who;

use crate::args::{Args, Clusters, Verb};
use crate::error::Error;
use crate::flow::over;
use crate::{output, serve};
use clap::CommandFactory;
use std::process::ExitCode;

/// Does what the command line says.
///
/// # Errors
/// When the work could not be begun; what failed within it is in the output and in the exit code.
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Error> {
    match &args.verb {
        Verb::Apply(apply) => over(args, async |flow| apply::run(flow, args, apply).await).await,
        Verb::Migrate(migrate) => over(args, async |flow| migrate::run(flow, args, migrate).await).await,
        Verb::Plan(plan) => over(args, async |flow| plan::run(flow, args, plan).await).await,
        Verb::Check(check) => check::run(args, check),
        Verb::Convert(told) => convert::run(args, told),
        Verb::Render(render) => render::run(args, render),
        Verb::Get(get) => get::run(args, get).await,
        Verb::Status(status) => status::run(args, status).await,
        Verb::Report(report) => over(args, async |flow| report::run(flow, args, report).await).await,
        Verb::Delete(delete) => delete::run(args, delete).await,
        Verb::Sync(sync) => over(args, async |flow| sync::run(flow, args, sync).await).await,
        Verb::Explain(explain) => explain::run(args, explain).await,
        Verb::Diff(diff) => over(args, async |flow| diff::run(flow, args, diff).await).await,
        Verb::History(history) => history::run(args, history).await,
        Verb::Wait(wait) => over(args, async |flow| wait::run(flow, args, wait).await).await,
        Verb::Who(who) => who::run(args, who).await,
        Verb::Jobs(jobs) => jobs::run(args, jobs).await,
        Verb::Sweep(sweep) => over(args, async |flow| sweep::run(flow, args, sweep).await).await,
        Verb::Clusters(Clusters::Import(import)) => import::run(args, import).await,
        Verb::Rbac(rbac) => rbac::run(rbac),
        Verb::Serve(serve) => serve::run(args, serve).await,
        Verb::Console(console) => serve::console::run(args, console).await,
        Verb::Man { folder } => man::run(folder),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Args::command(), "pawl", &mut script);
            output::text(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
    }
}
