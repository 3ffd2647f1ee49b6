//! The fakes, held to the contracts that the real adapters keep.

mod canary;
mod clusters;
mod contract;
mod gate;
mod schedule;
mod sources;
