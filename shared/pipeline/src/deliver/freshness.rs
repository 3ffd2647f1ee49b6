//! Compares a store's answer with what a change says.
//!
//! This never fails a declaration for good, because a change is not proof. After some attempts the store's answer is
//! used, and sweeps look for the announced version a little longer.

use crate::deliver::plan::Sought;
use crate::parts::Deliver;
use pawl_domain::provider::Order;
use pawl_domain::values::CLOCK_SKEW;
use pawl_domain::{Access, Change, Fetched, Kind, Moved, VersionSelector};
use pawl_ports::{Error, Part, Ports, Wanted};

impl<P: Ports> Deliver<P> {
    /// Asks again while the answer is older than the change, and says whether it was reached in the end.
    pub(crate) async fn at_least(
        &self,
        sought: &Sought,
        access: &Access,
        want: &Wanted,
        mut answer: Result<Fetched, Error>,
    ) -> (Result<Fetched, Error>, bool) {
        let attempts = if sought.patient { self.base.settings.stale_attempts } else { 0 };
        for attempt in 0..=attempts {
            if attempt > 0 {
                tokio::time::sleep(self.base.pause(attempt)).await;
                answer = self.base.fetch_one(access, want).await;
            }
            match self.seen(&sought.change, access, want, &answer).await {
                Seen::Enough => return (answer, true),
                Seen::Exactly(fetched) => return (Ok(fetched), true),
                Seen::Older => {}
            }
        }
        // Without a version the two sides are only compared by their clocks, so this may be a mistake.
        let reached = sought.change.version.is_none();
        (answer, reached)
    }

    /// Whether an answer is as new as the change. A version that the change names is read by its id where the answer
    /// holds another one: that read is exact, and its labels tell whether the version was superseded meanwhile.
    async fn seen(
        &self,
        change: &Change,
        access: &Access,
        want: &Wanted,
        answer: &Result<Fetched, Error>,
    ) -> Seen {
        let fetched = match answer {
            Ok(fetched) => fetched,
            Err(error) if error.kind == Kind::NotFound && change.version.is_some() => return Seen::Older,
            Err(_) => return Seen::Enough,
        };
        if want.part == Part::Metadata {
            return Seen::Enough;
        }
        let Some(version) = &change.version else { return older_by_time(change, fetched) };
        if fetched.version.id == *version || fetched.version.is_younger_than(change) {
            return Seen::Enough;
        }
        let label = match (&want.selector, fetched.provider.profile().order) {
            (VersionSelector::Current, Order::Number) => {
                return older_by_number(&fetched.version.id, version);
            }
            // The answer is another version and not certainly younger than the change. The store is asked again, and
            // after some attempts its answer holds: the change may be the late one.
            (VersionSelector::Current, Order::Time) => return older_by_age(change, fetched),
            (VersionSelector::Current, Order::Unordered { in_force }) => in_force,
            (VersionSelector::Label(label), _) => label,
            (VersionSelector::Id(_), _) => return Seen::Enough,
        };
        let exactly = Wanted { selector: VersionSelector::Id(version.clone()), ..want.clone() };
        match self.base.fetch_one(access, &exactly).await {
            Ok(exact) if exact.labels.iter().any(|found| found == label) => Seen::Exactly(exact),
            Ok(_) => Seen::Enough,
            // The store does not know it yet, or a sender made it up.
            Err(_) => Seen::Older,
        }
    }
}

enum Seen {
    Enough,
    Exactly(Fetched),
    Older,
}

/// Where senders name no version, each version is stamped with the time of its making.
fn older_by_time(change: &Change, fetched: &Fetched) -> Seen {
    let compared = fetched.provider.profile().compared_by_time && change.moved == Moved::Current;
    if compared { older_by_age(change, fetched) } else { Seen::Enough }
}

/// The version in force is the youngest: one that was made before the change happened is not the one that it speaks of.
fn older_by_age(change: &Change, fetched: &Fetched) -> Seen {
    match fetched.version.since {
        Some(since) if since + CLOCK_SKEW < change.at => Seen::Older,
        _ => Seen::Enough,
    }
}

/// A key that was deleted and made anew counts from the beginning, but its version is younger than the change.
fn older_by_number(fetched: &str, changed: &str) -> Seen {
    match (fetched.parse::<u64>(), changed.parse::<u64>()) {
        (Ok(fetched), Ok(changed)) if fetched < changed => Seen::Older,
        _ => Seen::Enough,
    }
}
