//! The sync Lambda.
