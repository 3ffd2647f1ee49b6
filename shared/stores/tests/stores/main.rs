//! The kit on scripted servers, and each store on its double.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod azurekv;
mod cluster;
mod crd;
mod gcpsm;
mod gitlab;
mod kubernetes;
mod link;
mod memory;
mod served;
mod webhook;
mod webhook_eso;
