//! Manifests as people write them, and whatever else may stand in a text.
#![expect(clippy::unwrap_used, reason = "the helpers of a test fail as the test does")]

mod anything;
mod cases;
mod convert;
mod documents;
mod pushes;
