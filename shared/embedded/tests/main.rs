//! Registry, ledger and jobs in one file.

mod contract;
mod file;
mod queue;
