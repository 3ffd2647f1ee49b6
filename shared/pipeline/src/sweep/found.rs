//! What a sweep found, and what each visit did.

use crate::promise::Promise;
use crate::report::Report;
use pawl_domain::{DeclarationId, Step};
use pawl_ports::Error;
use tracing::warn;

/// What a sweep found and did.
#[derive(Debug, Default)]
pub struct SweepReport {
    /// How many identities had their stores listed.
    pub listed: usize,
    /// How many were not due yet, or are still being swept by an earlier sweep of this process.
    pub rested: usize,
    /// Stores and clusters that could not be looked at whole, with why. Until they can be, what they hold may be staler
    /// than its `refreshInterval` and one sweep period.
    pub failed: Vec<(String, Error)>,
    /// What became of the declarations that had something to do.
    pub report: Report,
    /// How many declarations are failing or overdue when the sweep ends.
    pub promise: Promise,
    /// Declarations whose promise is broken, the first hundred of them.
    pub overdue: Vec<DeclarationId>,
}

impl SweepReport {
    pub(crate) fn absorb(&mut self, other: Self) {
        self.listed += other.listed;
        self.rested += other.rested;
        self.failed.extend(other.failed);
        self.report.extend(other.report);
    }
}

/// What one visit found and did, and whether anything of it is neither done nor recorded.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) report: Report,
    pub(crate) failed: Vec<(String, Error)>,
    /// The mark of this visit must stay where it is.
    pub(crate) held: bool,
}

impl Findings {
    /// Something could not be looked at: it must be looked at again.
    pub(crate) fn fail(&mut self, what: &str, error: Error) {
        metrics::counter!("pawl_sweeps_failed_total").increment(1);
        warn!("{what} is not swept, what it holds may be staler than its refreshInterval: {error}");
        self.held = true;
        self.failed.push((what.to_owned(), error));
    }

    /// Takes in what became of declarations. A failure that stands in the ledger is found there; one that does not must
    /// be found again here.
    pub(crate) fn take(&mut self, report: Report) {
        let unrecorded = |(_, error): (_, &Error)| error.step == Step::Record;
        self.held |= report.failures().any(unrecorded);
        self.report.extend(report);
    }

    /// What the sweep's report says of this visit.
    pub(crate) fn into_report(self, listed: bool) -> SweepReport {
        SweepReport {
            listed: usize::from(listed && self.failed.is_empty()),
            failed: self.failed,
            report: self.report,
            ..SweepReport::default()
        }
    }
}
