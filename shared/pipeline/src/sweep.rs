//! The polling fallback. It keeps the promise of `refreshInterval` even if every event is lost.
//!
//! A sweep asks each store in bulk what changed since the last sweep, and fetches only keys whose version differs
//! from the one in the ledger. It starts with what failed or waits. From time to time it compares the Secrets in the
//! clusters with what Pawl wrote.
//!
//! A visit is the look at one identity's stores or at one cluster. Visits run side by side, each within its tenant's
//! share and a time limit, and the trouble of one affects no other. A visit's mark moves only when everything it
//! found is done or recorded; otherwise the next sweep repeats the visit.

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
mod watching;

pub use crate::base::watchable::Watchable;
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
        self.tell_watchable(&groups);
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
