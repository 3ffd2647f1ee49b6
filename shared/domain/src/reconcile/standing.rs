//! Whether a target that somebody edited is brought back at once.

use crate::declaration::{Declaration, RefreshPolicy};
use crate::reconcile::desired::whole;
use crate::reconcile::{Existing, Parts};
use crate::render::Rendered;
use jiff::{SignedDuration, Timestamp};

impl Existing {
    /// Whether this target is left as it stands although its labels, annotations or owners are not as declared, because
    /// nothing calls for another look at the store. `refreshed` is when the declaration was last known to be as
    /// declared. For targets of which nothing but what others wrote may have changed: what stands there must be what is
    /// `rendered`, for a write that was never recorded looks like the last one.
    ///
    /// Source: ESO looks at the managed label and the data. The rest comes back with the next refresh, which
    /// `CreatedOnce`, `OnChange` and an interval of zero do not have.
    pub fn is_left(
        &self,
        declaration: &Declaration,
        rendered: &Rendered,
        refreshed: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        let refresh = &declaration.refresh;
        let reads_again = refresh.policy == RefreshPolicy::Periodic && !refresh.interval.is_zero();
        let passed = |refreshed| {
            let elapsed = now.duration_since(refreshed);
            SignedDuration::try_from(refresh.interval).is_ok_and(|interval| elapsed >= interval)
        };
        self.is_as_written()
            && self.holds(declaration, rendered)
            && refreshed.is_some()
            && !(reads_again && refreshed.is_some_and(passed))
    }

    /// Whether its data are what the declaration wants.
    fn holds(&self, declaration: &Declaration, rendered: &Rendered) -> bool {
        declaration.target.freezes()
            || whole(declaration, rendered, self).is_ok_and(|desired| {
                let Parts { data, content, .. } = Parts::differing(self, &desired);
                !data && !content
            })
    }
}
