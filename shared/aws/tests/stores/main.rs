//! The stores of AWS: on moto what AWS does on good days, on a scripted server what it does on bad ones.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod answers;
mod credentials;
mod leaks;
mod parameter_store;
mod secrets_manager;
mod support;
