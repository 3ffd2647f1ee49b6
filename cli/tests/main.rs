//! The command line, as a process.

mod damaged;
mod no_aws;
mod offline;
