//! Stories told through `functions/*::handle` in a world of fakes, and the tests that keep the house in shape.
//!
//! Everything is in `tests/`: `tidy.rs` checks the shape of the repository, the other files tell one story each.
