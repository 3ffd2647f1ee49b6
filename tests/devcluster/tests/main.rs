//! What the embedded API server answers.

mod common;
mod faults;
mod kube;
mod kubectl;
mod odd;
mod recorded;
mod recording;
mod watch;
