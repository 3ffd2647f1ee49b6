//! What one search may cost. Modifiers and multipaths can double a document at each step, so that a path of some
//! hundred bytes would ask for more memory than there is.

use crate::budget;
use std::cell::Cell;

use thiserror::Error;

/// How deep searches, values and modifiers may nest; leaves room on a thread's stack of 1 MiB in debug builds.
const MAX_DEPTH: u32 = 128;
/// The bytes that any search may read or write, whatever the size of the document.
const MIN_WORK: usize = 1 << 26;
/// The times that a search may read a document.
const MAX_PASSES: usize = 256;
/// A byte written counts as this many read, because it also takes memory.
const WRITE_COST: usize = 24;
/// What a part that is kept by itself until the whole is put together counts as, in bytes written.
const PART: usize = 48;

/// A search in an empty document counts as this many bytes, because it also takes time.
const SEARCH_COST: usize = 64;

/// A search was given up because it nests too deep or costs too much; whether there is a value is unknown.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("property path is too complex for this document: make the path simpler")]
pub struct TooComplex;

/// The bytes that a search of a document of this size may read or write.
fn work(size: usize) -> usize {
    size.saturating_mul(MAX_PASSES).max(MIN_WORK)
}

/// What is left of the limits of one search.
#[derive(Clone, Copy)]
pub(super) struct Budget<'b> {
    left: &'b Cell<usize>,
    depth: u32,
}

impl Budget<'_> {
    /// Runs one search over a document of `size` bytes.
    pub(super) fn run<T>(
        size: usize,
        search: impl FnOnce(Budget<'_>) -> Result<T, TooComplex>,
    ) -> Result<T, TooComplex> {
        let left = Cell::new(work(size));
        search(Budget { left: &left, depth: MAX_DEPTH })
    }

    /// As [`Budget::run`], paid for by a budget that other work has a share in.
    pub(super) fn run_within<T>(
        budget: &mut budget::Budget,
        size: usize,
        search: impl FnOnce(Budget<'_>) -> Result<T, TooComplex>,
    ) -> Result<T, TooComplex> {
        let given = work(size).min(budget.readable());
        let left = Cell::new(given);
        let found = search(Budget { left: &left, depth: MAX_DEPTH });
        budget.read(given - left.get()).map_err(|_| TooComplex)?;
        found
    }

    /// The same budget one step further down.
    pub(super) fn deeper(self) -> Result<Self, TooComplex> {
        Ok(Self { depth: self.depth.checked_sub(1).ok_or(TooComplex)?, ..self })
    }

    /// The same one step further down, for a search of a path in a document.
    pub(super) fn search(self, json: &[u8], path: &[u8]) -> Result<Self, TooComplex> {
        self.read(json.len() + path.len() + SEARCH_COST)?;
        self.deeper()
    }

    pub(super) fn read(self, bytes: usize) -> Result<(), TooComplex> {
        self.left.set(self.left.get().checked_sub(bytes).ok_or(TooComplex)?);
        Ok(())
    }

    /// For a part that is kept by itself for a while.
    pub(super) fn part(self, bytes: usize) -> Result<(), TooComplex> {
        self.write(bytes.saturating_add(PART))
    }

    pub(super) fn write(self, bytes: usize) -> Result<(), TooComplex> {
        self.read(bytes.saturating_mul(WRITE_COST))
    }
}
