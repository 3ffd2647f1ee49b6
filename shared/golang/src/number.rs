//! Numbers as Go's `strconv` reads and writes them.
//!
//! Writing: [`format_float`]. Reading: [`parse_float`], [`parse_int`], [`parse_uint`].
//! Source of the facts: package strconv of Go 1.26.

mod read;
mod write;

use thiserror::Error;

pub use read::{parse_float, parse_int, parse_uint};
pub use write::format_float;

/// The three decimal layouts of Go's `strconv.FormatFloat` that manifests can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatFormat {
    /// `e`: `-d.dddde±dd`, always with an exponent of at least two digits.
    Exponent,
    /// `f`: `-ddd.dddd`, never with an exponent.
    Fixed,
    /// `g`: [`Exponent`](Self::Exponent) for exponents below -4 or at least the precision, else
    /// [`Fixed`](Self::Fixed). The precision counts as 6 for this choice when the shortest form is asked for.
    General,
}

/// The size of the binary float whose digits are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatBits {
    /// `float32`: the value is rounded to single precision first.
    B32,
    /// `float64`.
    B64,
}

/// Why a text is no number for Go.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NumberError<T> {
    /// The text does not have the form of a number.
    #[error("invalid syntax")]
    Syntax,
    /// The number does not fit; holds the nearest value that does, which is what Go returns beside its error.
    #[error("value out of range")]
    Range(T),
}

impl<T: Default> NumberError<T> {
    /// The value that Go returns together with this error: zero for bad syntax, the nearest value otherwise.
    pub fn value(self) -> T {
        match self {
            Self::Syntax => T::default(),
            Self::Range(nearest) => nearest,
        }
    }
}

#[cfg(test)]
mod tests;
