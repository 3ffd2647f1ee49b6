//! A job of the queue, as `pawl jobs` and the console show it.

use pawl_runtime::inbox::desk::Shelved;
use serde::Serialize;

/// How many declarations of a job a row names.
const NAMED: usize = 2;

/// One job.
#[derive(Debug, Serialize)]
pub(crate) struct QueuedJob {
    pub(crate) id: String,
    pub(crate) state: &'static str,
    pub(crate) attempts: u32,
    declarations: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<String>,
    pub(crate) what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl From<&Shelved> for QueuedJob {
    fn from(shelved: &Shelved) -> Self {
        let (declarations, since, what) = match shelved.job() {
            Ok(job) => {
                let mut names: Vec<_> =
                    job.declarations.iter().take(NAMED).map(ToString::to_string).collect();
                let more = job.declarations.len() - names.len();
                names.extend((more > 0).then(|| format!("and {more} more")));
                names.extend(job.asks_receipt().map(|change| format!("the receipt of {}", change.key())));
                (job.declarations.len(), Some(format!("{:.0}", job.at)), names.join(", "))
            }
            Err(problem) => (0, None, problem.to_string()),
        };
        Self {
            id: shelved.id.clone(),
            state: shelved.state,
            attempts: shelved.attempts,
            declarations,
            since,
            what,
            reason: shelved.reason.clone(),
        }
    }
}

impl QueuedJob {
    /// Its row in the table of `pawl jobs`.
    pub(crate) fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.state.to_owned(),
            self.attempts.to_string(),
            self.since.clone().unwrap_or_default(),
            self.what.clone(),
            self.reason.clone().unwrap_or_default(),
        ]
    }
}
