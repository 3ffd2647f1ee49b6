//! JSON as Go's `encoding/json` reads and writes it.

pub(crate) mod strings;
pub(crate) mod syntax;
