//! The outside world in memory: fakes of every port, builders, and the contract suites that fakes and adapters share.
//!
//! | module | holds |
//! |---|---|
//! | [`build`] | builders: [`declaration`], [`secrets_manager`], [`change`], [`cluster`] |
//! | [`world`](mod@world) | [`World`]: every port in memory, with what tests do to it and ask of it |
//! | [`fault`] | [`Fault`]: what goes wrong, where, how often |
//! | [`calls`] | [`Calls`]: how often each port was called |
//! | [`gate`] | [`Gate`](gate::Gate): stops tasks at named points |
//! | [`schedule`] | [`Schedule`] and [`every_order`]: tasks step by step, in one order or in all |
//! | [`canary`] | [`Canary`]: a value that must show up nowhere |
//! | [`contract`] | what ports promise, as suites |
//!
//! Start reading at [`World`]. Nothing that is deployed may depend on this crate.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this crate is called by tests only: what it cannot do must end the test with a message"
)]

pub mod build;
pub mod calls;
pub mod canary;
pub mod contract;
mod door;
mod fakes;
pub mod fault;
pub mod gate;
pub mod schedule;
pub mod world;

pub use build::{change, cluster, declaration, parameter_store, push, secrets_manager, vault};
pub use calls::Calls;
pub use canary::Canary;
pub use fakes::{
    FakeClock, FakeClusters, FakeGenerators, FakeIdentity, FakeJobs, FakeLedger, FakeReceipts, FakeRegistry,
    FakeSink, FakeSources, NoAws, StoredSecret,
};
pub use fault::{Fault, Point};
pub use schedule::{Schedule, every_order};
pub use world::World;
