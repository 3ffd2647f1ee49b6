//! Whether a target that somebody edited is brought back at once.

use crate::declaration::{Declaration, RefreshPolicy};
use crate::target::Existing;
use jiff::{SignedDuration, Timestamp};

impl Existing {
    /// Whether this target is left as it stands although its labels, annotations or owners are not as declared, because
    /// nothing calls for another look at the store. `refreshed` is when the declaration was last known to be as
    /// declared. For targets of which nothing but what others wrote may have changed.
    ///
    /// Source: ESO looks at the managed label and the data. The rest comes back with the next refresh, which
    /// `CreatedOnce`, `OnChange` and an interval of zero do not have.
    pub fn is_left(&self, declaration: &Declaration, refreshed: Option<Timestamp>, now: Timestamp) -> bool {
        let refresh = &declaration.refresh;
        let reads_again = refresh.policy == RefreshPolicy::Periodic && !refresh.interval.is_zero();
        let passed = |refreshed| {
            let elapsed = now.duration_since(refreshed);
            SignedDuration::try_from(refresh.interval).is_ok_and(|interval| elapsed >= interval)
        };
        self.is_as_written() && refreshed.is_some() && !(reads_again && refreshed.is_some_and(passed))
    }
}
