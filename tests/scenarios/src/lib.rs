//! Stories told through functions/*::handle, and the tests that keep the house in shape.
