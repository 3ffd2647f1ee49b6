//! The kit on scripted servers, and each store on its double.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod gitlab;
mod link;
mod webhook;
mod webhook_eso;
