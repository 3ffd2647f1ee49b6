//! Keys and certificates: vectors of standards, and limits.

mod limits;
mod vectors;
