//! The deliver Lambda.
