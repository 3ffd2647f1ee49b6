//! The command line, as a process.

mod damaged;
mod event_grid;
mod looks;
mod no_aws;
mod offline;
mod pubsub;
mod server;
mod vendors;
