//! `pawl status`: how the fleet fares, in ten lines.

use super::selector::chosen;
use super::{registry, watch};
use crate::args::{Args, Status};
use crate::error::Error;
use crate::output::{self, Table};
use pawl_domain::record::Cause;
use pawl_pipeline::explain::fleet::{Fleet, Spread};
use serde::Serialize;
use std::process::ExitCode;
use std::time::Duration;

pub(super) async fn run(args: &Args, status: &Status) -> Result<ExitCode, Error> {
    let pipeline = registry(args).await?;
    let meant = chosen(status.selector.as_deref())?;
    watch(status.watch, async || {
        let shown = Shown::from(&pipeline.fleet(&meant).await?);
        Ok(move || output::show(&shown, args.output))
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown(Vec<Row>);

/// One line. Metrics of `pawl serve` and of the functions have the name beside it.
#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    is: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<&'static str>,
}

impl From<&Fleet> for Shown {
    fn from(fleet: &Fleet) -> Self {
        let count = |cause: Cause| fleet.writes.get(&cause).copied().unwrap_or_default();
        let row = |what, metric, is: String| Row { what, is, metric };
        let late = if fleet.overdue == 0 {
            "0".to_owned()
        } else {
            format!("{}, the longest by {}", fleet.overdue, seconds(fleet.oldest_overdue.as_secs()))
        };
        let waiting = match fleet.held_back {
            0 => fleet.waiting.to_string(),
            held => format!("{}, {held} of them held back by their sync windows", fleet.waiting),
        };
        let declared = format!("{} in {} clusters", fleet.declarations, fleet.clusters.len());
        let by = |causes: &[Cause]| {
            let told: Vec<_> = causes.iter().map(|cause| format!("{cause} {}", count(*cause))).collect();
            told.join(", ")
        };
        Self(vec![
            row("declarations", None, declared),
            row("as declared", None, fleet.settled.to_string()),
            row("waiting", None, waiting),
            row("failing", Some("pawl_declarations_failing"), fleet.failing.to_string()),
            row("set aside", Some("pawl_declarations_set_aside"), fleet.set_aside.to_string()),
            row("overdue", Some("pawl_declarations_overdue"), late),
            row("known to be right", None, ages(&fleet.ages)),
            row("event to Secret", Some("pawl_event_to_written_seconds"), delays(&fleet.delays)),
            row("sweep finds", Some("pawl_writes_total"), format!("{} in 24 hours", count(Cause::Sweep))),
            row(
                "other writes",
                Some("pawl_writes_total"),
                format!("{} in 24 hours", by(&[Cause::Event, Cause::Edit, Cause::Drift, Cause::Hand])),
            ),
        ])
    }
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

/// As people say it: `12s`, `4m 5s`, `3h 0m`, `2d 4h`.
fn seconds(seconds: u64) -> String {
    let whole = Duration::from_secs(seconds).as_secs();
    match whole {
        0..60 => format!("{whole}s"),
        60..3600 => format!("{}m {}s", whole / 60, whole % 60),
        3600..86_400 => format!("{}h {}m", whole / 3600, whole / 60 % 60),
        _ => format!("{}d {}h", whole / 86_400, whole / 3600 % 24),
    }
}

impl Table for Shown {
    const HEADINGS: &'static [&'static str] = &["WHAT", "IS", "METRIC"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row =
            |row: &Row| vec![row.what.to_owned(), row.is.clone(), row.metric.unwrap_or_default().to_owned()];
        self.0.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_is_told_in_ten_lines() {
        let fleet = Fleet {
            declarations: 3,
            waiting: 2,
            held_back: 1,
            overdue: 1,
            oldest_overdue: Duration::from_secs(65),
            ages: Spread::of(vec![10, 4000, 200_000]),
            delays: Spread::of(vec![1, 2]),
            writes: [(Cause::Sweep, 4)].into(),
            ..Fleet::default()
        };
        let shown = Shown::from(&fleet);
        assert_eq!(shown.0.len(), 10);
        let is = |what: &str| shown.0.iter().find(|row| row.what == what).unwrap().is.clone();
        assert_eq!(is("waiting"), "2, 1 of them held back by their sync windows");
        assert_eq!(is("overdue"), "1, the longest by 1m 5s");
        assert_eq!(is("known to be right"), "half within 1h 6m, 95% within 2d 7h, all within 2d 7h ago");
        assert_eq!(is("event to Secret"), "half within 1s, 95% within 2s, all within 2s (2 in 24 hours)");
        assert_eq!(is("sweep finds"), "4 in 24 hours");
        let nothing = Shown::from(&Fleet::default());
        assert_eq!(nothing.0[6].is, "nothing is");
        assert_eq!(nothing.0[7].is, "no event in 24 hours");
    }
}
