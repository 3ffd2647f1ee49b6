//! The kit on scripted servers, and each store on its double.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod azurekv;
mod azurekv_eso;
mod cluster;
mod crd;
mod definitions;
mod doppler;
mod eso;
mod gcpsm;
mod gitlab;
mod identities;
mod kubernetes;
mod link;
mod memory;
mod watching;
mod one_password;
mod webhook;
mod webhook_eso;
