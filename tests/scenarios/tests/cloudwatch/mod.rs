//! CloudWatch's rules for alarms, as far as `template.yaml` uses them, and its alarms read from there.
//!
//! Source: "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data" in the CloudWatch User Guide.
//! Of metric math only sums are calculated whose every part is filled with 0: their datapoints are those of all parts.
#![allow(clippy::unwrap_used, reason = "a template that cannot be read has failed the test")]

use std::collections::BTreeMap;

/// An alarm of one metric, or of a sum of several.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    /// The metric's name; empty for a sum.
    pub(crate) metric: String,
    statistic: Statistic,
    period: u64,
    evaluated: usize,
    to_alarm: usize,
    threshold: f64,
    below: bool,
    missing: Missing,
}

#[derive(Clone, Copy, Debug)]
enum Statistic {
    Sum,
    Maximum,
    Percentile(f64),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Missing {
    Breaching,
    NotBreaching,
    Ignore,
}

/// A value and the second at which it was put.
pub(crate) type Datapoint = (u64, f64);

impl Alarm {
    /// The first second up to `end` at which the alarm is in alarm, looked at once a minute.
    pub(crate) fn fires(&self, datapoints: &[Datapoint], end: u64) -> Option<u64> {
        (60..=end).step_by(60).find(|now| self.is_in_alarm(datapoints, *now))
    }

    fn is_in_alarm(&self, datapoints: &[Datapoint], now: u64) -> bool {
        let whole = now / self.period;
        let Some(first) = whole.checked_sub(self.evaluated as u64) else { return false };
        let breaching = (first..whole).filter(|period| {
            let begin = period * self.period;
            let within = datapoints.iter().filter(|(at, _)| (begin..begin + self.period).contains(at));
            match self.statistic.of(within.map(|(_, value)| *value).collect()) {
                None => self.missing == Missing::Breaching,
                Some(value) if self.below => value < self.threshold,
                Some(value) => value > self.threshold,
            }
        });
        breaching.count() >= self.to_alarm
    }
}

impl Statistic {
    fn of(self, mut values: Vec<f64>) -> Option<f64> {
        values.sort_by(f64::total_cmp);
        let last = *values.last()?;
        Some(match self {
            Self::Sum => values.iter().sum(),
            Self::Maximum => last,
            Self::Percentile(percent) => {
                let rank = (percent / 100.0 * values.len() as f64).ceil() as usize;
                values[rank.clamp(1, values.len()) - 1]
            }
        })
    }
}

/// The template's text, with its parameters as they are set.
pub(crate) struct Template {
    text: String,
    parameters: BTreeMap<&'static str, String>,
}

impl Template {
    pub(crate) fn new(text: String, parameters: &[(&'static str, String)]) -> Self {
        Self { text, parameters: parameters.iter().cloned().collect() }
    }

    /// The lines of a block, without those of the blocks beside it.
    fn block(&self, head: &str) -> Vec<&str> {
        let indent = head.len() - head.trim_start().len();
        let lines = self.text.lines().skip_while(|line| *line != head).skip(1);
        let within = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > indent;
        let found: Vec<_> = lines.take_while(within).collect();
        assert!(!found.is_empty(), "{head:?} is not in the template");
        found
    }

    /// The properties of an alarm, each on a line of its own.
    fn properties(&self, name: &str) -> BTreeMap<&str, &str> {
        let lines = self.block(&format!("  {name}:"));
        lines.iter().filter_map(|line| line.trim().split_once(": ")).collect()
    }

    pub(crate) fn default_of(&self, parameter: &str) -> String {
        let lines = self.block(&format!("  {parameter}:"));
        lines
            .iter()
            .find_map(|line| line.trim().strip_prefix("Default: "))
            .unwrap()
            .trim_matches('"')
            .to_owned()
    }

    /// A number as it stands there, of a parameter, or of a mapping by a parameter.
    fn number(&self, text: &str) -> f64 {
        let parameter =
            |name: &str| self.parameters.get(name).cloned().unwrap_or_else(|| self.default_of(name));
        if let Some(name) = text.strip_prefix("!Ref ") {
            return parameter(name).parse().unwrap();
        }
        let Some(find) = text.strip_prefix("!FindInMap [").and_then(|it| it.strip_suffix(']')) else {
            return text.parse().unwrap();
        };
        let parts: Vec<&str> = find.split(", ").collect();
        let [map, by, column] = parts[..] else { panic!("{text}") };
        let row = format!("\"{}\": {{ ", parameter(by.strip_prefix("!Ref ").unwrap()));
        let rows = self.block(&format!("  {map}:"));
        let row = rows.iter().find_map(|line| line.trim().strip_prefix(&row)).unwrap();
        let cell =
            row.trim_end_matches(" }").split(", ").find_map(|cell| cell.strip_prefix(&format!("{column}: ")));
        cell.unwrap().parse().unwrap()
    }

    pub(crate) fn alarm(&self, name: &str) -> Alarm {
        let all = self.properties(name);
        let number = |name: &str| self.number(all[name]);
        let named = ["Statistic", "ExtendedStatistic", "Stat"].into_iter().find_map(|name| all.get(name));
        let statistic = match named.copied() {
            Some("Sum") => Statistic::Sum,
            Some("Maximum") => Statistic::Maximum,
            Some(percentile) => Statistic::Percentile(percentile.strip_prefix('p').unwrap().parse().unwrap()),
            None => panic!("{name} has no statistic"),
        };
        let evaluated = number("EvaluationPeriods");
        let alarm = Alarm {
            metric: all.get("MetricName").copied().unwrap_or_default().to_owned(),
            statistic,
            period: number("Period") as u64,
            evaluated: evaluated as usize,
            to_alarm: all.get("DatapointsToAlarm").map_or(evaluated, |text| self.number(text)) as usize,
            threshold: number("Threshold"),
            below: match all["ComparisonOperator"] {
                "GreaterThanThreshold" => false,
                "LessThanThreshold" => true,
                other => panic!("{other}"),
            },
            missing: match all["TreatMissingData"] {
                "breaching" => Missing::Breaching,
                "notBreaching" => Missing::NotBreaching,
                "ignore" => Missing::Ignore,
                other => panic!("{other}"),
            },
        };
        // What CloudWatch itself takes.
        let window = alarm.period * alarm.evaluated as u64;
        assert!(alarm.period.is_multiple_of(60) && alarm.to_alarm <= alarm.evaluated, "{name}: {alarm:?}");
        assert!(window <= if alarm.period >= 3600 { 7 * 86_400 } else { 86_400 }, "{name}: {alarm:?}");
        alarm
    }

    /// The names of all alarms.
    pub(crate) fn alarms(&self) -> Vec<&str> {
        let lines: Vec<&str> = self.text.lines().collect();
        let alarm = |pair: &[&str]| pair[1].trim() == "Type: AWS::CloudWatch::Alarm";
        lines.windows(2).filter(|pair| alarm(pair)).map(|pair| pair[0].trim().trim_end_matches(':')).collect()
    }

    /// Whether the template has this text.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.text.contains(text)
    }
}
