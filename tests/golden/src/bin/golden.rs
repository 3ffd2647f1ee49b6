//! `golden [--choices FILE] [--group GROUP] [--events] CASES`: plays a file of cases, prints each that differs and the
//! totals of each group, and ends with 1 when there is a difference that nobody chose.
#![expect(clippy::print_stdout, reason = "it is a command")]

use pawl_golden::{Case, Choices, Error, Outcome, Played, differences, lines, play, same_words};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "golden [--choices FILE] [--group GROUP] [--events] CASES";

#[derive(Default)]
struct Arguments {
    choices: Option<PathBuf>,
    group: Option<String>,
    events: bool,
    cases: PathBuf,
}

#[derive(Default)]
struct Total {
    same: usize,
    chosen: usize,
    differing: usize,
    other_words: usize,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Error> {
    let Some(arguments) = arguments() else {
        println!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    let mut cases: Vec<Case> = lines(&arguments.cases)?;
    cases.retain(|case| arguments.group.as_ref().is_none_or(|group| *group == case.group));
    let choices = match &arguments.choices {
        None => Choices::default(),
        Some(path) => Choices::read(path)?,
    };
    let Played { outcomes, moved } = play(&cases).await?;
    let mut totals: BTreeMap<&str, Total> = BTreeMap::new();
    for (case, outcome) in cases.iter().zip(&outcomes) {
        let total = totals.entry(&case.group).or_default();
        judge(case, outcome, &choices, arguments.events, total);
    }
    let undecided = sum(&totals);
    println!(
        "moved to another Pawl: it would change {} of {} targets, and wrote {}",
        moved.would_change.len(),
        moved.looked_at,
        moved.changed.len()
    );
    for (declaration, change) in &moved.would_change {
        println!("    {declaration}: {change}");
    }
    for secret in &moved.changed {
        println!("    Secret {secret} was written");
    }
    Ok(if undecided == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn judge(case: &Case, outcome: &Outcome, choices: &Choices, events: bool, total: &mut Total) {
    let found = differences(case, outcome);
    match (found.is_empty(), choices.of(&case.name, &case.group, "")) {
        (true, _) => total.same += 1,
        (false, Some(choice)) => {
            total.chosen += 1;
            println!("{}: chosen: {}", case.name, choice.reason);
        }
        (false, None) => {
            total.differing += 1;
            println!("{}:", case.name);
            found.iter().for_each(|line| println!("    {line}"));
            if let Some(said) = &outcome.event {
                println!("    the warning says {said:?}");
            }
        }
    }
    if !same_words(case.expect.event.as_deref(), outcome.event.as_deref()) {
        total.other_words += 1;
        if events {
            println!("{}: the warning is {:?}, not {:?}", case.name, outcome.event, case.expect.event);
        }
    }
}

/// Prints the totals and returns how many differ without a choice.
fn sum(totals: &BTreeMap<&str, Total>) -> usize {
    let line = |name: &str, total: &Total| {
        let Total { same, chosen, differing, other_words } = total;
        println!("{name:<20} {same:>6} {chosen:>7} {differing:>9} {other_words:>12}");
    };
    println!("{:<20} {:>6} {:>7} {:>9} {:>12}", "GROUP", "SAME", "CHOSEN", "DIFFERING", "OTHER WORDS");
    let mut all = Total::default();
    for (group, total) in totals {
        line(group, total);
        all.same += total.same;
        all.chosen += total.chosen;
        all.differing += total.differing;
        all.other_words += total.other_words;
    }
    line("all", &all);
    all.differing
}

fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments::default();
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--choices" => parsed.choices = Some(given.next()?.into()),
            "--group" => parsed.group = Some(given.next()?),
            "--events" => parsed.events = true,
            other if other.starts_with('-') => return None,
            path => parsed.cases = path.into(),
        }
    }
    (!parsed.cases.as_os_str().is_empty()).then_some(parsed)
}
