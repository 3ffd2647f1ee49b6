//! The polling fallback that keeps `refreshInterval` as a promise, even if every event is lost.
//!
//! Stores are swept, not secrets: what changed in a store since the last sweep is one bulk question, and only keys
//! whose version differs from what the ledger says was written are fetched. What failed or waits comes first; now and
//! then the Secrets in the clusters are compared with what was left there.
//!
//! Everything that is asked of one identity or cluster is a visit of its own: visits run side by side, each in its
//! tenant's share and with an end, and what one meets is no other's concern. A visit's mark moves only when all that it
//! found is done or recorded; otherwise the next sweep makes the visit again.

mod absent;
mod asked;
mod compare;
mod described;
mod found;
mod groups;
mod listed;
mod marks;
mod outdated;
mod retries;
mod searches;
mod special;
mod stores;
mod templates;

pub(crate) use absent::Lists;
pub(crate) use found::Findings;
pub(crate) use marks::Marks;
pub(crate) use outdated::GRACE;

use crate::pipeline::Pipeline;
use crate::promise::Promise;
use crate::report::Report;
use jiff::Timestamp;
use pawl_domain::{DeclarationId, Outcome, Rules};
use pawl_ports::{Clock, Error, Ports};
use special::Special;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;
use tracing::{info, instrument};

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

/// One pass, and what is the same for all that it visits.
pub(crate) struct Round {
    pub(crate) started: Timestamp,
    /// Visits what is not due as well.
    pub(crate) all: bool,
    /// When visits that are under way are cut off.
    pub(crate) ends: Instant,
    /// What this pass tries again anyway, so that no visit needs to deliver it.
    pub(crate) retried: BTreeSet<DeclarationId>,
    /// What stores may do. Deliveries ask anew.
    pub(crate) rules: Arc<Rules>,
    special: Special,
}

impl<P: Ports> Pipeline<P> {
    /// Tries again what failed or waits and is due, sweeps every store that is due, and compares the clusters that are
    /// due for a look. `all` looks at what is not due as well.
    ///
    /// # Errors
    /// Only if registry or ledger could not be asked at the beginning. What fails later is in the report, and the next
    /// sweep does the rest.
    #[instrument(skip_all)]
    pub async fn sweep(&self, all: bool) -> Result<SweepReport, Error> {
        let started = self.ports.clock().now();
        let visited = async {
            let rules = self.rules().await?;
            Ok((self.groups(&rules).await?, rules))
        };
        let (mut open, (groups, rules)) = futures::try_join!(self.open_work(started), visited)?;
        let round = Round {
            started,
            all,
            ends: Instant::now() + self.settings.sweep_time,
            retried: open.due.iter().cloned().collect(),
            rules,
            special: Special::default(),
        };
        // Boxed, for sweeps nest deeper than compilers like to look.
        let (retried, mut swept, compared) = futures::join!(
            Box::pin(self.retry(&open, &round)),
            Box::pin(self.sweep_stores(&groups, &round)),
            Box::pin(self.sweep_clusters(&round)),
        );
        swept.absorb(retried);
        swept.absorb(compared);
        open.follow(&swept.report);
        (swept.promise, swept.overdue) = open.promise();
        info!(
            listed = swept.listed,
            rested = swept.rested,
            stores_failed = swept.failed.len(),
            written = swept.report.count(Outcome::Written),
            queued = swept.report.count(Outcome::Queued),
            failed = swept.report.failures().count(),
            failing = swept.promise.failing,
            overdue = swept.promise.overdue,
            "swept"
        );
        Ok(swept)
    }
}

impl SweepReport {
    pub(crate) fn absorb(&mut self, other: Self) {
        self.listed += other.listed;
        self.rested += other.rested;
        self.failed.extend(other.failed);
        self.report.extend(other.report);
    }
}
