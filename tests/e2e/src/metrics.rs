//! What `/metrics` says, in Prometheus' text form.

use std::collections::BTreeMap;

/// The counters of one moment.
#[derive(Clone, Debug, Default)]
pub struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads Prometheus' text form; lines that are no samples are left out.
    pub fn parse(text: &str) -> Self {
        let sample = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        };
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect())
    }

    /// The sum of a counter over all series with these labels.
    pub fn count(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let wanted: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let of_name =
            |series: &str| series == name || series.strip_prefix(name).is_some_and(|it| it.starts_with('{'));
        let sum: f64 = self
            .0
            .iter()
            .filter(|(series, _)| of_name(series) && wanted.iter().all(|label| series.contains(label)))
            .map(|(_, value)| value)
            .sum();
        // A counter is whole and never negative.
        sum as u64
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn series_are_summed_by_their_labels() {
        let metrics = Metrics::parse(
            "# TYPE a_total counter\na_total{x=\"1\",y=\"2\"} 3\na_total{x=\"2\",y=\"2\"} 4\na_total_more 9\nb_total 1\n\n",
        );
        assert_eq!(metrics.count("a_total", &[]), 7);
        assert_eq!(metrics.count("a_total", &[("x", "1")]), 3);
        assert_eq!(metrics.count("a_total", &[("x", "2"), ("y", "2")]), 4);
        assert_eq!(metrics.count("b_total", &[]), 1);
        assert_eq!(metrics.count("c_total", &[]), 0);
    }
}
