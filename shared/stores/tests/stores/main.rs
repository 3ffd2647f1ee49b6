//! The kit on scripted servers, and each store on its double.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod azurekv;
mod azurekv_eso;
mod bitwarden;
mod cluster;
mod conjur;
mod crd;
mod definitions;
mod delinea;
mod doppler;
mod eso;
mod eso_vendors;
mod gcpsm;
mod gcpsm_eso;
mod gitlab;
mod ibm;
mod identities;
mod kubernetes;
mod kubernetes_push;
mod link;
mod memory;
mod one_password;
mod oracle;
mod secret_server;
mod served;
mod volcengine;
mod watching;
mod webhook;
mod webhook_eso;
mod webhook_made;
mod world;
