//! The kit on scripted servers.

#![expect(clippy::unwrap_used, reason = "what a test cannot do must end it")]

mod link;
