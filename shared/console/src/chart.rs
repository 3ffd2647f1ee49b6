//! How numbers of seconds are spread, as a picture that is made here: bars with their counts as text.

use maud::{Markup, html};
use pawl_pipeline::explain::fleet::Spread;
use pawl_pipeline::explain::words::seconds;

/// What a picture shows.
pub(crate) struct Chart {
    id: &'static str,
    title: &'static str,
    nothing: &'static str,
    /// Up to how many seconds each bar goes; one more has the rest.
    bounds: &'static [u64],
}

/// How long ago targets were known to be right.
pub(crate) const AGES: Chart = Chart {
    id: "ages",
    title: "Declarations, by how long ago they were known to be right",
    nothing: "Nothing is known to be right yet.",
    bounds: &[60, 600, 3600, 6 * 3600, 86_400],
};

/// How long events took.
pub(crate) const DELAYS: Chart = Chart {
    id: "delays",
    title: "Writes of the last 24 hours, by the time from the event to the Secret",
    nothing: "No event was followed in the last 24 hours, as far as the ledger remembers.",
    bounds: &[1, 2, 5, 30, 300],
};

/// The widest bar, in units of the picture.
const WIDEST: usize = 260;
const ROW: usize = 26;
const LEFT: usize = 110;

/// The picture.
pub(crate) fn distribution(chart: &Chart, spread: &Spread) -> Markup {
    let bars = bars(chart.bounds, spread.numbers());
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or_default();
    html! {
        figure {
            figcaption id=(chart.id) { (chart.title) }
            @if most == 0 {
                p { (chart.nothing) }
            } @else {
                svg role="img" aria-labelledby=(chart.id) viewBox=(format!("0 0 460 {}", bars.len() * ROW)) {
                    @for (row, (label, count)) in bars.iter().enumerate() {
                        @let middle = row * ROW + 17;
                        @let width = (count * WIDEST).div_ceil(most);
                        text x=(LEFT - 8) y=(middle) text-anchor="end" { (label) }
                        rect x=(LEFT) y=(row * ROW + 4) width=(width) height=(ROW - 8) {}
                        text x=(LEFT + width + 8) y=(middle) { (count) }
                    }
                }
            }
        }
    }
}

/// How many of the numbers, which ascend, fall to each bar.
fn bars(bounds: &[u64], numbers: &[u64]) -> Vec<(String, usize)> {
    let mut before = 0;
    let mut bar = |label: String, until: usize| {
        let count = until - before;
        before = until;
        (label, count)
    };
    let mut bars: Vec<_> = bounds
        .iter()
        .map(|bound| {
            bar(format!("up to {}", shortly(*bound)), numbers.partition_point(|number| number <= bound))
        })
        .collect();
    let last = bounds.last().copied().unwrap_or_default();
    bars.push(bar(format!("over {}", shortly(last)), numbers.len()));
    bars
}

/// `5m` in place of `5m 0s`: bounds are whole.
fn shortly(bound: u64) -> String {
    let text = seconds(bound);
    text.split_once(" 0").map_or(text.clone(), |(whole, _)| whole.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_falls_to_one_bar() {
        let counts =
            |numbers: &[u64]| bars(&[1, 5], numbers).into_iter().map(|(_, count)| count).collect::<Vec<_>>();
        assert_eq!(counts(&[]), [0, 0, 0]);
        assert_eq!(counts(&[0, 1, 1, 2, 5, 6, u64::MAX]), [3, 2, 2]);
        let labels: Vec<_> = bars(AGES.bounds, &[]).into_iter().map(|(label, _)| label).collect();
        assert_eq!(labels, ["up to 1m", "up to 10m", "up to 1h", "up to 6h", "up to 1d", "over 1d"]);
    }
}
