//! The kit on scripted servers, and each store on its double.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod azurekv;
mod azurekv_eso;
mod cluster;
mod crd;
mod doppler;
mod eso;
mod gcpsm;
mod gcpsm_eso;
mod gitlab;
mod kubernetes;
mod link;
mod memory;
mod one_password;
mod webhook;
mod webhook_eso;
