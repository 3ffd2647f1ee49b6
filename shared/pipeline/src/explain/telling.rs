//! Tells that a change has arrived everywhere, or where it has not.

use crate::explain::receipt::{Receipt, Stand};
use crate::parts::Explain;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::Change;
use pawl_ports::{Clock, Error, Ports, Receipts, Told};

/// So long is waited for the last target; then those that are missing are told. The job queue goes on trying them.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

impl<P: Ports> Explain<P> {
    /// Tells the receipt of a change that was synced at `since`. `false` while targets are missing and it is too early to
    /// tell of them.
    ///
    /// # Errors
    /// When registry or ledger could not be asked, or nobody took what was told.
    pub(crate) async fn tell(&self, change: &Change, since: Timestamp) -> Result<bool, Error> {
        let receipts = self.base.ports.receipts();
        // Somebody may have switched it off since it was asked for.
        if !receipts.is_on() {
            return Ok(true);
        }
        let receipt = self.receipt(change).await?;
        let at = self.base.ports.clock().now();
        let told = told(change, receipt, at);
        if told.targets == 0 {
            return Ok(true);
        }
        if !told.is_delivered() && at < since + PATIENCE {
            return Ok(false);
        }
        receipts.tell(&told).await?;
        Ok(true)
    }
}

fn told(change: &Change, receipt: Receipt, at: Timestamp) -> Told {
    let (mut targets, mut read_once, mut missing) = (0, 0, Vec::new());
    for (id, stand) in receipt.targets {
        match stand {
            Stand::ReadsOnce => {
                read_once += 1;
                continue;
            }
            Stand::Missing(why) => missing.push((id, why)),
            Stand::There => {}
        }
        targets += 1;
    }
    Told { change: change.clone(), at, targets, missing, read_once }
}
