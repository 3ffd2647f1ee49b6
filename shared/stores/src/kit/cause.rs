//! Finds the cause of a failure in its chain of errors.

use std::error::Error as StdError;

/// The cause of this type.
pub(super) fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.find_map(within)
}

/// The error itself, or what errors of input and output are wrapped around, which they do not name as their cause.
fn within<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let inner = || error.downcast_ref::<std::io::Error>()?.get_ref();
    error.downcast_ref::<T>().or_else(|| within(inner()?))
}
