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
pub(crate) mod due;
pub(crate) mod found;
mod groups;
mod listed;
mod outdated;
mod retries;
pub mod review;
mod round;
mod searches;
mod special;
mod statuses;
mod stores;
mod templates;
mod visit;

pub use crate::sweep::found::SweepReport;

use crate::parts::Sweep;
use pawl_domain::Outcome;
use pawl_ports::{Clock, Error, Ports};
use round::{Round, Special};
use tokio::time::Instant;
use tracing::{info, instrument};

impl<P: Ports> Sweep<P> {
    #[instrument(name = "sweep", skip_all)]
    pub(crate) async fn run(&self, all: bool) -> Result<SweepReport, Error> {
        let started = self.base.ports.clock().now();
        let visited = async {
            let rules = self.base.rules().await?;
            Ok((self.groups(&rules).await?, rules))
        };
        let (mut open, (groups, rules)) = futures::try_join!(self.open_work(started), visited)?;
        let round = Round {
            started,
            all,
            ends: Instant::now() + self.base.settings.sweep_time,
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
