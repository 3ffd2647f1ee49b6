//! The command line, as a process.

mod console;
mod damaged;
mod event_grid;
mod looks;
mod no_aws;
mod offline;
mod pawl;
mod pubsub;
mod server;
mod vendors;
