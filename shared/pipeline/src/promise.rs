//! How well the promise of `refreshInterval` is kept: what a sweep counts and the metrics report.

use std::time::Duration;

/// How many declarations are not as they should be at the end of a sweep. Counted over the whole registry, so that
/// neither a metric nor an alarm needs a dimension for each cluster or key.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Promise {
    /// Declarations whose last attempt failed.
    pub failing: usize,
    /// Those of them that are set aside, because their deliveries do not end.
    pub set_aside: usize,
    /// Declarations that were last known to be right more than their `refreshInterval` and one sweep period ago.
    pub overdue: usize,
    /// By how much the most overdue of them is; zero when there is none.
    pub oldest_overdue: Duration,
}
