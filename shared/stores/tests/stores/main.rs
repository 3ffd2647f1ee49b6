//! The kit on scripted servers, and each store on its double.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod cluster;
mod crd;
mod gitlab;
mod kubernetes;
mod link;
