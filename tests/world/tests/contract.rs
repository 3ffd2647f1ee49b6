//! The fakes keep what the ports promise: the suites that every adapter runs.

use pawl_world::{FakeJobs, FakeLedger, FakeRegistry, contract};

#[tokio::test]
async fn the_registry_keeps_its_contract() {
    contract::registry::suite(async || FakeRegistry::default()).await;
}

#[tokio::test]
async fn the_ledger_keeps_its_contract() {
    contract::ledger::suite(async || FakeLedger::default()).await;
}

#[tokio::test]
async fn the_job_queue_keeps_its_contract() {
    contract::jobs::suite(async || FakeJobs::default(), async |queue, _| queue.take()).await;
}
