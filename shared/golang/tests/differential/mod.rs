//! What this crate does against what Go does, on many made-up inputs. Where no Go toolchain or module is at hand, the
//! tests say so and pass.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "all of this is test code")]

mod gjson;
mod json;
mod oracle;
mod regexp;
mod stdlib;
mod yaml;
