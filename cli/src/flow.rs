//! How a command opens what it works with, and leaves it.

use crate::args::Args;
use crate::error::Error;
use pawl_pipeline::Pipeline;
use pawl_runtime::World;
use std::process::ExitCode;
use std::time::Duration;

/// How long giving up tokens may take.
const FAREWELL: Duration = Duration::from_secs(5);

/// Does something that may log in to stores, and gives up what they keep for this process, however it went.
pub(crate) async fn over(
    args: &Args,
    work: impl AsyncFnOnce(&Pipeline<World>) -> Result<ExitCode, Error>,
) -> Result<ExitCode, Error> {
    let pipeline = open(args).await?;
    let result = work(&pipeline).await;
    farewell(&pipeline).await;
    result
}

/// For what may ask stores and clusters.
pub(crate) async fn open(args: &Args) -> Result<Pipeline<World>, Error> {
    Ok(pawl_runtime::open(&args.lookup()).await?)
}

/// For what asks neither stores nor clusters: without AWS where the registry is a file.
pub(crate) async fn registry(args: &Args) -> Result<Pipeline<World>, Error> {
    Ok(pawl_runtime::open_registry(&args.lookup()).await?)
}

/// Gives up what stores keep for this process; one that does not answer does not hold it up.
pub(crate) async fn farewell(pipeline: &Pipeline<World>) {
    let _ = tokio::time::timeout(FAREWELL, pipeline.ports().close()).await;
}
