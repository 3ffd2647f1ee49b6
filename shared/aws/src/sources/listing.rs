//! Decides when the rest of a sorted listing need not be read.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

/// Watches whether a listing really comes in the order that was asked for: newest change first.
///
/// Servers that do not know the wish ignore it without a word. Then only the whole listing tells what changed.
#[derive(Debug, Default)]
pub(super) struct NewestFirst {
    newest: Option<Timestamp>,
    last: Option<Timestamp>,
    broken: bool,
}

impl NewestFirst {
    /// Takes note of the next entry.
    pub(super) fn see(&mut self, changed: Option<Timestamp>) {
        let Some(changed) = changed else {
            self.broken = true;
            return;
        };
        self.broken |= self.last.is_some_and(|last| last < changed);
        self.newest.get_or_insert(changed);
        self.last = Some(changed);
    }

    /// True when nothing that follows changed at `since` or later. Entries that are all of one moment prove no order.
    pub(super) fn is_past(&self, since: Option<Timestamp>) -> bool {
        match (since, self.last) {
            (Some(since), Some(last)) => !self.broken && self.newest > self.last && last < since,
            _ => false,
        }
    }

    /// True when an entry came before a newer one, or without a date.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }
}

/// The SDK's date as everyone else's.
pub(super) fn timestamp(date: &DateTime) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(date.subsec_nanos()).ok()?;
    Timestamp::new(date.secs(), nanoseconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proven_order_ends_a_listing_early() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        for (changed, since, past, broken) in [
            (&[Some(9), Some(5), Some(3)][..], Some(4), true, false),
            (&[Some(9), Some(5), Some(4)], Some(4), false, false),
            (&[Some(9), Some(9), Some(3)], Some(4), true, false),
            (&[Some(3), Some(3)], Some(4), false, false),
            (&[Some(3)], Some(4), false, false),
            (&[Some(3), Some(9), Some(2)], Some(4), false, true),
            (&[Some(9), None, Some(2)], Some(4), false, true),
            (&[Some(9), Some(2)], None, false, false),
            (&[], Some(4), false, false),
        ] {
            let mut order = NewestFirst::default();
            changed.iter().for_each(|second| order.see(second.map(at)));
            assert_eq!(
                (order.is_past(since.map(at)), order.is_broken()),
                (past, broken),
                "{changed:?} since {since:?}"
            );
        }
    }

    #[test]
    fn dates_keep_their_fractions() {
        let date = DateTime::from_secs_and_nanos(1_700_000_000, 250_000_000);
        assert_eq!(timestamp(&date).unwrap().to_string(), "2023-11-14T22:13:20.25Z");
    }
}
