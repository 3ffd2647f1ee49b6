//! How the fleet fares, in ten lines: what `pawl status` and the console say.

use super::fleet::{Fleet, Spread};
use super::words::seconds;
use pawl_domain::record::Cause;

/// One line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// What it says something about.
    pub what: &'static str,
    /// What is so.
    pub is: String,
    /// The metric of `pawl serve` and of the functions that tells the same, where there is one.
    pub metric: Option<&'static str>,
}

/// The ten lines.
pub fn lines(fleet: &Fleet) -> Vec<Line> {
    let total = &fleet.total;
    let count = |cause: Cause| fleet.writes.get(&cause).copied().unwrap_or_default();
    let line = |what, metric, is: String| Line { what, is, metric };
    let late = if total.overdue == 0 {
        "0".to_owned()
    } else {
        format!("{}, the longest by {}", total.overdue, seconds(total.oldest_overdue.as_secs()))
    };
    let waiting = match total.held_back {
        0 => total.waiting.to_string(),
        held => format!("{}, {held} of them held back by their sync windows", total.waiting),
    };
    let declared = format!("{} in {} clusters", total.declarations, fleet.clusters.len());
    let by = |causes: &[Cause]| {
        let told: Vec<_> = causes.iter().map(|cause| format!("{cause} {}", count(*cause))).collect();
        told.join(", ")
    };
    vec![
        line("declarations", None, declared),
        line("as declared", None, total.settled.to_string()),
        line("waiting", None, waiting),
        line("failing", Some("pawl_declarations_failing"), total.failing.to_string()),
        line("set aside", Some("pawl_declarations_set_aside"), total.set_aside.to_string()),
        line("overdue", Some("pawl_declarations_overdue"), late),
        line("known to be right", None, ages(&fleet.ages)),
        line("event to Secret", Some("pawl_event_to_written_seconds"), delays(&fleet.delays)),
        line("sweep finds", Some("pawl_writes_total"), format!("{} in 24 hours", count(Cause::Sweep))),
        line(
            "other writes",
            Some("pawl_writes_total"),
            format!("{} in 24 hours", by(&[Cause::Event, Cause::Edit, Cause::Drift, Cause::Hand])),
        ),
    ]
}

fn ages(ages: &Spread) -> String {
    spread(ages).map_or("nothing is".to_owned(), |told| format!("{told} ago"))
}

fn delays(delays: &Spread) -> String {
    match spread(delays) {
        Some(told) => format!("{told} ({} in 24 hours)", delays.count()),
        None => "no event in 24 hours".to_owned(),
    }
}

fn spread(spread: &Spread) -> Option<String> {
    let (half, most, all) = (spread.within(50)?, spread.within(95)?, spread.most()?);
    Some(format!("half within {}, 95% within {}, all within {}", seconds(half), seconds(most), seconds(all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::fleet::Tally;
    use std::time::Duration;

    #[test]
    fn a_fleet_is_told_in_ten_lines() {
        let fleet = Fleet {
            total: Tally {
                declarations: 3,
                waiting: 2,
                held_back: 1,
                overdue: 1,
                oldest_overdue: Duration::from_secs(65),
                ..Tally::default()
            },
            ages: Spread::of(vec![10, 4000, 200_000]),
            delays: Spread::of(vec![1, 2]),
            writes: [(Cause::Sweep, 4)].into(),
            ..Fleet::default()
        };
        let lines_of_it = lines(&fleet);
        assert_eq!(lines_of_it.len(), 10);
        let is = |what: &str| lines_of_it.iter().find(|line| line.what == what).unwrap().is.clone();
        assert_eq!(is("waiting"), "2, 1 of them held back by their sync windows");
        assert_eq!(is("overdue"), "1, the longest by 1m 5s");
        assert_eq!(is("known to be right"), "half within 1h 6m, 95% within 2d 7h, all within 2d 7h ago");
        assert_eq!(is("event to Secret"), "half within 1s, 95% within 2s, all within 2s (2 in 24 hours)");
        assert_eq!(is("sweep finds"), "4 in 24 hours");
        let nothing = lines(&Fleet::default());
        assert_eq!(nothing[6].is, "nothing is");
        assert_eq!(nothing[7].is, "no event in 24 hours");
    }
}
