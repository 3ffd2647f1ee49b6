//! The command line, as a process.

mod no_aws;
mod offline;
