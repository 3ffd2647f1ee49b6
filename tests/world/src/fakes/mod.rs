//! One fake for each port. Each holds state and answers like the real thing; none needs a network, a file or a thread.

mod clock;
mod clusters;
mod generators;
mod identity;
mod jobs;
mod ledger;
mod pushes;
mod receipts;
mod registry;
mod sink;
mod sources;

pub use clock::FakeClock;
pub use clusters::{FakeClusters, StoredSecret};
pub use generators::FakeGenerators;
pub use identity::{FakeIdentity, NoAws};
pub use jobs::FakeJobs;
pub use ledger::FakeLedger;
pub use receipts::FakeReceipts;
pub use registry::FakeRegistry;
pub use sink::FakeSink;
pub use sources::FakeSources;
