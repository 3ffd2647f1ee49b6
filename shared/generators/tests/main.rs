//! What the generators make, by the contract that the flow relies on.

mod givers;
mod own;
