//! Deliveries that sweeps make. Nobody would repeat them if the process died, so a mark says that they are running;
//! a process that starts after one that died while delivering is careful for a while.

use crate::base::memory::Care;
use crate::deliver::delivery::Delivered;
use crate::deliver::plan::Work;
use crate::parts::Deliver;
use crate::report::Report;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::Declaration;
use pawl_ports::{Clock, Error, Ledger, Ports};
use std::sync::atomic::Ordering;

/// The mark under which it stands that deliveries of sweeps are under way.
const DELIVERING: &str = "delivering";
/// What stands there when none are.
const ENDED: Timestamp = Timestamp::UNIX_EPOCH;
/// For so long a process is careful when one before it ended in the middle.
const WARY: SignedDuration = SignedDuration::from_mins(15);

impl<P: Ports> Deliver<P> {
    /// Within this call up to `inline_targets`, by the job queue beyond that. What the report says of a declaration is
    /// done or stands in the ledger, unless it is an error of step `Record`.
    pub(crate) async fn deliver_or_queue(
        &self,
        declarations: Vec<Declaration>,
        since: Timestamp,
    ) -> Result<Report, Error> {
        if declarations.len() > self.base.settings.inline_targets {
            return Ok(self.queue.queue_noted(&declarations, since).await);
        }
        // Boxed, for sweeps nest deeper than compilers like to look.
        Box::pin(self.deliver_all(declarations, since)).await
    }

    /// Brings these declarations up to date, each on its own, however the others fare. `since` is before they were
    /// loaded: what was refreshed after that is done already.
    pub(crate) async fn deliver_all(
        &self,
        declarations: Vec<Declaration>,
        since: Timestamp,
    ) -> Result<Report, Error> {
        let work = Work { change: None, since, started: since };
        self.deliver_watched(declarations, &work).await.map(|delivered| delivered.report)
    }

    /// Delivers what nobody would deliver again if this process ended: notes before and after that it is under way, and is
    /// careful for a while in a process after one that ended in between.
    async fn deliver_watched(&self, declarations: Vec<Declaration>, work: &Work) -> Result<Delivered, Error> {
        if declarations.is_empty() {
            return Ok(Delivered::default());
        }
        let (care, ledger, now) =
            (&self.base.memory.care, self.base.ports.ledger(), self.base.ports.clock().now());
        let wary_until = care.wary_until.get_or_try_init(async || {
            let before = ledger.mark(DELIVERING).await?;
            let died = before.is_some_and(|before| before != ENDED);
            Ok::<_, Error>(if died { now.saturating_add(WARY).unwrap_or(now) } else { ENDED })
        });
        let wary = now < *wary_until.await?;
        let first = care.under_way.fetch_add(1, Ordering::SeqCst) == 0;
        let under_way = UnderWay(care);
        if first {
            ledger.set_mark(DELIVERING, now).await?;
        }
        let careful = wary.then(|| self.with_care());
        // Boxed, for compilers do not like to look so deep.
        let delivered = Box::pin(careful.as_ref().unwrap_or(self).deliver_work(declarations, work)).await;
        drop(under_way);
        // Where this fails, the next process is careful without need.
        if care.under_way.load(Ordering::SeqCst) == 0
            && let Err(error) = ledger.set_mark(DELIVERING, ENDED).await
        {
            tracing::debug!("that deliveries ended is not noted: {error}");
        }
        delivered
    }
}

/// One delivery of a sweep that is under way.
struct UnderWay<'a>(&'a Care);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}
