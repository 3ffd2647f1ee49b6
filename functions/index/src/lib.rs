//! The index Lambda.
