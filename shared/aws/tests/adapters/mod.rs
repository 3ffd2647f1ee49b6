//! Registry, ledger, queue and identity against moto, and against answers that moto does not give.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod at;
mod bus;
mod contract;
mod cut;
mod folders;
mod identity;
mod ledger;
mod queue;
mod table;
mod throttled;
