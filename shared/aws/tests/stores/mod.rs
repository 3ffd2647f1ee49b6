//! The stores of AWS: on moto what AWS does on good days, on a scripted server what it does on bad ones.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod answers;
mod contract;
mod credentials;
mod generators;
mod leaks;
mod metrics;
mod parameter_store;
mod pushes;
mod searches;
mod secrets_manager;
mod support;
mod tenants;
