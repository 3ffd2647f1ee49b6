//! `pawl sweep`: the polling fallback, once.

use super::results::Results;
use crate::args::{Args, Sweep};
use crate::error::Error;
use crate::output::{self, code};
use pawl_pipeline::Pipeline;
use pawl_runtime::World;
use std::process::ExitCode;

pub(super) async fn run(pipeline: &Pipeline<World>, args: &Args, sweep: &Sweep) -> Result<ExitCode, Error> {
    let swept = pipeline.sweep(sweep.all).await?;
    for (store, error) in &swept.failed {
        output::note(&format!("{store}: {error}"));
    }
    let results = Results::from(swept.report);
    output::show(&results, args.output);
    Ok(code(results.all_well() && swept.failed.is_empty()))
}
