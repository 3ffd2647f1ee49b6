//! Stories through the handlers of the functions, and the tests that keep the house in shape.

mod batches;
mod folders;
mod functions;
mod least_authority;
mod pushes;
mod tidy;
mod told;
