//! The `sweep` Lambda: on a schedule, the polling fallback that keeps `refreshInterval` as a promise.

use pawl_domain::Outcome;
use pawl_pipeline::Pipeline;
use pawl_ports::{Error, Ports};
use pawl_runtime::measure;
use serde::{Deserialize, Serialize};

/// What the function is called with. A schedule's own event reads as the default.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Request {
    /// Sweep what is not due as well.
    #[serde(default)]
    pub all: bool,
}

/// What the sweep found and did.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Identities whose stores were listed.
    pub listed: usize,
    /// Identities that were not due.
    pub rested: usize,
    /// Targets written.
    pub written: usize,
    /// Declarations handed to the job queue.
    pub queued: usize,
    /// Declarations that failed.
    pub failed: usize,
    /// Declarations whose last attempt failed, whenever that was.
    pub failing: usize,
    /// Declarations that are staler than their `refreshInterval` and one sweep period.
    pub overdue: usize,
    /// Stores and clusters that could not be asked, with why.
    pub unreachable: Vec<String>,
}

/// Sweeps once.
///
/// # Errors
/// When registry or ledger could not be asked; Lambda then calls again, and so does the schedule.
pub async fn handle<P: Ports>(pipeline: &Pipeline<P>, request: Request) -> Result<Summary, Error> {
    let swept = pipeline.sweep(request.all).await?;
    measure::swept(&swept);
    Ok(Summary {
        listed: swept.listed,
        rested: swept.rested,
        written: swept.report.count(Outcome::Written),
        queued: swept.report.count(Outcome::Queued),
        failed: swept.report.failures().count(),
        failing: swept.promise.failing,
        overdue: swept.promise.overdue,
        unreachable: swept.failed.iter().map(|(name, error)| format!("{name}: {error}")).collect(),
    })
}
