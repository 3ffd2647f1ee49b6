//! Turns a panic into the failure of one declaration.

use pawl_domain::{Kind, Step};
use pawl_ports::Error;

/// The error of what ended in a panic. What the panic said is not passed on: it may hold a value.
pub(crate) fn panicked(step: Step) -> Error {
    let message = "a fault of Pawl ended this (a panic), nothing else was held up; report it with the manifest, and \
                   leave out what the manifest does that others do not";
    Error::new(step, Kind::Invalid, message)
}
