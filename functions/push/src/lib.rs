//! The `push` Lambda: on a schedule, Secrets of clusters to stores, as PushSecrets declare. It does nothing unless `PAWL_PUSH` is
//! `true`.

use pawl_pipeline::Pipeline;
use pawl_ports::{Error, Ports};
use pawl_runtime::measure;
use serde::{Deserialize, Serialize};

/// What the function is called with. A schedule's own event reads as the default.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Request {
    /// Carry out what is not due as well.
    #[serde(default)]
    pub all: bool,
}

/// What the pass did.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// PushSecrets that were carried out.
    pub pushed: usize,
    /// Entries that were written to stores.
    pub written: usize,
    /// Entries that were removed from stores.
    pub removed: usize,
    /// PushSecrets that failed, with why.
    pub failed: Vec<String>,
}

/// Carries out every PushSecret that is due.
///
/// # Errors
/// When the registry could not be asked; Lambda then calls again, and so does the schedule. A PushSecret that fails is in the
/// summary and holds up no other.
pub async fn handle<P: Ports>(pipeline: &Pipeline<P>, request: Request) -> Result<Summary, Error> {
    let report = pipeline.push(request.all).await?;
    measure::pushed(&report);
    let mut summary = Summary::default();
    for (id, result) in report.outcomes {
        match result {
            Ok(pushing) => {
                summary.pushed += 1;
                summary.written += pushing.written;
                summary.removed += pushing.removed;
            }
            Err(error) => summary.failed.push(format!("{id}: {error}")),
        }
    }
    Ok(summary)
}
