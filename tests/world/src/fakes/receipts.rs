//! Whoever waits for receipts, in memory.

use crate::door::{Door, lock};
use crate::fault::Point;
use pawl_ports::{Error, Receipts, Told};
use std::sync::{Arc, Mutex};

/// Whoever waits for receipts: nobody, until a test wants them.
#[derive(Clone, Debug, Default)]
pub struct FakeReceipts {
    pub(crate) door: Door,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    is_on: bool,
    told: Vec<Told>,
}

impl FakeReceipts {
    /// Receipts are told from now on.
    pub fn want(&self) {
        lock(&self.state).is_on = true;
    }

    /// What was told since the last call of this.
    pub fn take(&self) -> Vec<Told> {
        std::mem::take(&mut lock(&self.state).told)
    }
}

impl Receipts for FakeReceipts {
    fn is_on(&self) -> bool {
        lock(&self.state).is_on
    }

    async fn tell(&self, told: &Told) -> Result<(), Error> {
        let passage = self.door.pass(Point::Tell, &[told.change.key()], |_| {}).await?;
        lock(&self.state).told.push(told.clone());
        passage.leave(())
    }
}
