//! Totals of all groups, and each difference.

use crate::{Area, Choices, Difference, Played, Sequence};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// How often the same difference is told for one sequence.
const MOST: usize = 6;

/// What came of all sequences.
#[derive(Debug, Default)]
pub struct Report {
    groups: BTreeMap<String, Group>,
    /// The differences that nobody chose, by sequence.
    pub undecided: BTreeMap<String, Vec<String>>,
    /// How many differences each choice let pass: subject, part, reason.
    pub used: BTreeMap<(String, String, String), usize>,
    /// The choices that no sequence needed.
    pub unused: Vec<String>,
    /// The sequences that were not played, by group.
    pub not_served: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Default)]
struct Group {
    secrets: Total,
    status: Total,
    events: Total,
    words: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Total {
    same: usize,
    chosen: usize,
    differing: usize,
}

impl Report {
    /// Judges what was played; `all` names what was not as well.
    pub fn of(all: &[Sequence], played: &[Played<'_>], choices: &Choices) -> Self {
        let mut report = Self::default();
        for sequence in all.iter().filter(|sequence| !sequence.is_served()) {
            report.not_served.entry(sequence.group.clone()).or_default().push(sequence.name.clone());
        }
        for each in played {
            report.add(each, choices);
        }
        let used: BTreeSet<(&str, &str)> =
            report.used.keys().map(|(subject, part, _)| (subject.as_str(), part.as_str())).collect();
        let unused =
            choices.all().iter().filter(|it| !used.contains(&(it.subject.as_str(), it.part.as_str())));
        report.unused = unused.map(|it| format!("{} {}", it.subject, it.part)).collect();
        report
    }

    fn add(&mut self, played: &Played<'_>, choices: &Choices) {
        let Sequence { name, group, .. } = played.sequence;
        let total = self.groups.entry(group.clone()).or_default();
        let mut told: Vec<&Difference> = Vec::new();
        for (area, total) in [
            (Area::Secrets, &mut total.secrets),
            (Area::Status, &mut total.status),
            (Area::Events, &mut total.events),
        ] {
            let (mut chosen, mut differing) = (false, played.broken.is_some());
            for difference in played.differences.iter().filter(|each| each.area == area) {
                match choices.of(name, group, &difference.part) {
                    Some(choice) => {
                        let key = (choice.subject.clone(), choice.part.clone(), choice.reason.clone());
                        *self.used.entry(key).or_default() += 1;
                        // What differs in every sequence by design says nothing of one.
                        chosen |= !choice.is_general();
                    }
                    None => {
                        differing = true;
                        told.push(difference);
                    }
                }
            }
            match (differing, chosen) {
                (true, _) => total.differing += 1,
                (false, true) => total.chosen += 1,
                (false, false) => total.same += 1,
            }
        }
        total.words += usize::from(played.differences.iter().any(|each| each.area == Area::Words));
        let mut lines: Vec<String> = told
            .iter()
            .map(|Difference { step, part, what, .. }| format!("step {step}  {part}  {what}"))
            .collect();
        lines.extend(played.broken.as_ref().map(|error| format!("not played to its end: {error}")));
        if !lines.is_empty() {
            self.undecided.insert(name.clone(), lines);
        }
    }

    /// Each difference that nobody chose, then the totals of each group.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        for (name, lines) in &self.undecided {
            let _ = writeln!(text, "{name}:");
            for line in lines.iter().take(MOST) {
                let _ = writeln!(text, "    {line}");
            }
            if lines.len() > MOST {
                let _ = writeln!(text, "    and {} more", lines.len() - MOST);
            }
        }
        let _ = writeln!(text, "\n{:<14} {:^24} {:^24} {:^24}", "", "SECRETS", "STATUS", "EVENTS");
        let columns = "  same  chosen  differing";
        let _ = writeln!(text, "{:<14}{columns}{columns}{columns}  other words", "GROUP");
        let mut sum = Group::default();
        for (name, group) in &self.groups {
            let _ = writeln!(text, "{}", group.line(name));
            sum.add(group);
        }
        let _ = writeln!(text, "{}", sum.line("all"));
        for (group, names) in &self.not_served {
            let _ = writeln!(text, "{group}: {} not served: {}", names.len(), names.join(" "));
        }
        for ((subject, part, reason), count) in &self.used {
            let _ = writeln!(text, "chosen {count:>4} times: {subject} {part}: {reason}");
        }
        for unused in &self.unused {
            let _ = writeln!(text, "a choice that no sequence needed: {unused}");
        }
        text
    }
}

impl Group {
    fn add(&mut self, other: &Self) {
        self.secrets.add(other.secrets);
        self.status.add(other.status);
        self.events.add(other.events);
        self.words += other.words;
    }

    fn line(&self, name: &str) -> String {
        let total = |Total { same, chosen, differing }: Total| format!("{same:>6}{chosen:>8}{differing:>11}");
        let (secrets, status, events) = (total(self.secrets), total(self.status), total(self.events));
        format!("{name:<14}{secrets}{status}{events}{:>13}", self.words)
    }
}

impl Total {
    fn add(&mut self, other: Self) {
        self.same += other.same;
        self.chosen += other.chosen;
        self.differing += other.differing;
    }
}
