//! What one piece of work may use, however many templates, searches and patterns it takes.
//!
//! Texts of tenants are programs: a few bytes of them can ask for hours or gigabytes. Every function that a text can
//! call takes what it uses from a [`Budget`] before it uses it, so that the work fails with a clear error in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use thiserror::Error;

/// How many bytes are read at the cost of one step.
const BYTES_PER_STEP: usize = 64;

/// Steps and bytes that are left for one piece of work.
///
/// One step stands for about a tenth of a microsecond of a release build on a slow core. Functions that take longer cost
/// as many steps as they take tenths; `benches/costs.rs` holds them to it.
#[derive(Clone, Debug)]
pub struct Budget {
    steps: u64,
    bytes: usize,
    stop: Option<Arc<AtomicBool>>,
}

/// The work used up what it was given.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Exhausted {
    /// It takes too long.
    #[error("takes more steps than allowed")]
    Steps,
    /// It takes too much room.
    #[error("needs more memory than allowed")]
    Bytes,
    /// Whoever ordered it does not wait any more.
    #[error("takes longer than allowed")]
    Stopped,
}

impl Budget {
    /// A budget of so many steps and bytes.
    pub const fn new(steps: u64, bytes: usize) -> Self {
        Self { steps, bytes, stop: None }
    }

    /// The same, which also ends soon after `stop` is set: for whoever watches a clock.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// Takes steps.
    ///
    /// # Errors
    /// [`Exhausted::Steps`] when there are not as many left, [`Exhausted::Stopped`] when the work is to end.
    pub fn step(&mut self, count: u64) -> Result<(), Exhausted> {
        if self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(Exhausted::Stopped);
        }
        self.steps = self.steps.checked_sub(count).ok_or(Exhausted::Steps)?;
        Ok(())
    }

    /// Takes the steps of reading so many bytes once.
    ///
    /// # Errors
    /// As [`Budget::step`].
    pub fn read(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.step((bytes / BYTES_PER_STEP) as u64 + 1)
    }

    /// How many bytes can be read with the steps that are left.
    pub fn readable(&self) -> usize {
        usize::try_from(self.steps).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_STEP)
    }

    /// Takes room for so many bytes. What is made and dropped again counts as well.
    ///
    /// # Errors
    /// [`Exhausted::Bytes`] when there is not as much left.
    pub fn take(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Exhausted::Bytes)?;
        Ok(())
    }

    /// Gives room back that was taken for something which is gone.
    pub fn give_back(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// The steps that are left.
    pub fn steps_left(&self) -> u64 {
        self.steps
    }

    /// The bytes that are left.
    pub fn bytes_left(&self) -> usize {
        self.bytes
    }
}

impl Default for Budget {
    /// Somewhat less than a second of a release build, and 24 MiB: with what a single function may need beside what there
    /// is already, a piece of work stays below 64 MiB.
    fn default() -> Self {
        Self::new(8_000_000, 24 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_up_is_told() {
        let mut budget = Budget::new(10, 100);
        assert_eq!(budget.step(10), Ok(()));
        assert_eq!(budget.step(1), Err(Exhausted::Steps));
        assert_eq!(budget.take(60), Ok(()));
        assert_eq!(budget.take(60), Err(Exhausted::Bytes));
        assert_eq!((budget.steps_left(), budget.bytes_left()), (0, 40));
    }

    #[test]
    fn whoever_ordered_the_work_can_end_it() {
        let stop = Arc::new(AtomicBool::new(false));
        let mut budget = Budget::new(10, 0).stopped_by(Arc::clone(&stop));
        assert_eq!(budget.step(1), Ok(()));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(budget.step(0), Err(Exhausted::Stopped));
    }
}
