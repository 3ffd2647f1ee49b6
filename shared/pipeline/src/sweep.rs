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
mod clusters;
mod compare;
mod described;
mod groups;
mod listed;
mod outdated;
mod retries;
mod round;
mod searches;
mod special;
mod statuses;
mod stores;
mod templates;
mod visit;

pub use crate::found::SweepReport;

use crate::pipeline::Pipeline;
use pawl_domain::Outcome;
use pawl_ports::{Clock, Error, Ports};
use round::{Round, Special};
use tokio::time::Instant;
use tracing::{info, instrument};

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
        let (retried, mut swept, compared, ()) = futures::join!(
            Box::pin(self.retry(&open, &round)),
            Box::pin(self.sweep_stores(&groups, &round)),
            Box::pin(self.sweep_clusters(&round)),
            Box::pin(self.sweep_statuses(&round)),
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
