//! The sweep Lambda.
