//! What Pawl reads in events.

mod affected;
mod common;
mod hostile;
mod samples;
mod vault;
