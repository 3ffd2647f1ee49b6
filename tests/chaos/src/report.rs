//! What a run says at its end: counts, and what was found wrong with its history.

use crate::checker::Finding;
use crate::driver::Done;
use crate::options::Options;
use crate::stage::Stage;
use crate::world::{Key, Target};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How many findings are shown, and how many lines about the first of them.
const MOST_FINDINGS: usize = 20;
const MOST_LINES: usize = 60;

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Report {
    replay: String,
    pub(crate) done: Done,
    /// `GetSecretValue 12`: what Pawl asked of AWS.
    pub(crate) calls: Vec<String>,
    pub(crate) troubled_calls: usize,
    pub(crate) kills: usize,
    pub(crate) starts: usize,
    pub(crate) sights: usize,
    pub(crate) targets: usize,
    pub(crate) dead_jobs: usize,
    pub(crate) settled_after: Duration,
    pub(crate) sweeps: usize,
    pub(crate) findings: Vec<Finding>,
    pub(crate) story: Vec<String>,
    pub(crate) logs: PathBuf,
}

impl Report {
    pub(crate) fn new(options: &Options, logs: PathBuf) -> Self {
        Self {
            replay: options.replay(),
            done: Done::default(),
            calls: Vec::new(),
            troubled_calls: 0,
            kills: 0,
            starts: 0,
            sights: 0,
            targets: 0,
            dead_jobs: 0,
            settled_after: Duration::ZERO,
            sweeps: 0,
            findings: Vec::new(),
            story: Vec::new(),
            logs,
        }
    }

    /// Whether nothing was found wrong.
    pub fn is_well(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn count_calls(&mut self, stage: &Stage) {
        let (calls, troubled) = stage.gate.calls();
        self.calls = calls.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
        self.troubled_calls = troubled;
        let counts = stage.pawl.counts();
        (self.kills, self.starts) = (counts.kills, counts.starts);
    }

    /// Looks up what the driver and Pawl said about the first wrong target.
    pub(crate) fn tell_story(&mut self, stage: &Stage) {
        let Some(target) = self.findings.iter().find_map(|finding| finding.target.clone()) else { return };
        self.story = story(stage, &target, &self.logs);
    }
}

/// The driver's lines and Pawl's lines about a target.
fn story(stage: &Stage, target: &Target, logs: &std::path::Path) -> Vec<String> {
    let Some(place) = target.place() else { return Vec::new() };
    let declared = stage.journal.declared();
    let mut specs = declared.get(&place).into_iter().flatten().filter_map(|each| each.spec.as_ref());
    let keys: Vec<Key> = specs.next_back().map(|spec| spec.reads.clone()).unwrap_or_default();
    let mut words: Vec<String> = keys.iter().map(|key| format!(" {key} ")).collect();
    words.push(place.to_string());
    let mut lines = vec![format!("the driver about {place} and what it reads now:")];
    lines.extend(stage.journal.about(&words, MOST_LINES));
    for entry in std::fs::read_dir(logs).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == DRIVER_LOG {
            continue;
        }
        let text = std::fs::read(entry.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let about: Vec<&str> = text.lines().filter(|line| line.contains(&place.to_string())).collect();
        if !about.is_empty() {
            lines.push(format!("{name} about {place}:"));
            let last = about.len().saturating_sub(MOST_LINES / 2);
            lines.extend(about[last..].iter().map(|line| line.chars().take(600).collect()));
        }
    }
    lines
}

/// The driver's own log, among the logs.
pub(crate) const DRIVER_LOG: &str = "driver.log";

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, starts, sights, targets, dead_jobs, sweeps, .. } = self;
        writeln!(formatter, "{} rounds", self.done.rounds)?;
        for (kind, count) in &self.done.by_kind {
            writeln!(formatter, "{count:>8} {kind}")?;
        }
        writeln!(formatter, "{kills:>8} processes killed, {starts} started")?;
        writeln!(
            formatter,
            "{:>8} calls to AWS failed on purpose; in all {}",
            self.troubled_calls,
            self.calls.join(", ")
        )?;
        writeln!(formatter, "{sights:>8} states of Secrets seen, {targets} Secrets at the end")?;
        writeln!(formatter, "{dead_jobs:>8} messages given up, made up for by sweeps")?;
        let settled = self.settled_after.as_secs_f64();
        writeln!(formatter, "after healing: {sweeps} sweeps in {settled:.1} s")?;
        if self.is_well() {
            return write!(
                formatter,
                "all is well: every target equals its store, none went back, nothing is left over, nothing leaked"
            );
        }
        writeln!(formatter, "{} things are wrong:", self.findings.len())?;
        for finding in self.findings.iter().take(MOST_FINDINGS) {
            writeln!(formatter, "  {finding}")?;
        }
        for line in &self.story {
            writeln!(formatter, "  | {line}")?;
        }
        writeln!(formatter, "logs: {}", self.logs.display())?;
        write!(formatter, "again: {}", self.replay)
    }
}
