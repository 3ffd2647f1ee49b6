//! `sequences [--choices FILE] [--only NAME OR GROUP]... [--words] [--log FILE] CASES`: plays a file of sequences, prints
//! each difference and the totals of each group, and ends with 1 when there is a difference that nobody chose.
#![expect(clippy::print_stdout, reason = "it is a command")]

use pawl_sequences::{Area, Choices, Error, Report, Sequence, lines, play};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "sequences [--choices FILE] [--only NAME OR GROUP]... [--words] [--log FILE] CASES";

#[derive(Default)]
struct Arguments {
    choices: Option<PathBuf>,
    only: Vec<String>,
    words: bool,
    log: Option<PathBuf>,
    cases: PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Error> {
    let Some(arguments) = arguments() else {
        println!("{USAGE}");
        return Ok(ExitCode::from(2));
    };
    let mut all: Vec<Sequence> = lines(&arguments.cases)?;
    let only = &arguments.only;
    all.retain(|each| only.is_empty() || only.contains(&each.name) || only.contains(&each.group));
    let choices = arguments.choices.as_deref().map_or_else(|| Ok(Choices::default()), Choices::read)?;
    let served: Vec<Sequence> = all.iter().filter(|each| each.is_served()).cloned().collect();
    let (played, log) = play(&served, &choices).await?;
    if let Some(path) = &arguments.log {
        let failed = |source| written(path, source);
        std::fs::write(path, log).map_err(failed)?;
    }
    if arguments.words {
        for each in &played {
            for difference in each.differences.iter().filter(|it| it.area == Area::Words) {
                println!("{} step {}: {}", each.sequence.name, difference.step, difference.what);
            }
        }
    }
    let report = Report::of(&all, &played, &choices);
    println!("{}", report.text());
    Ok(if report.undecided.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn written(path: &std::path::Path, source: std::io::Error) -> Error {
    Error::Stage(pawl_e2e::Error::Io { action: format!("cannot write {}", path.display()), source })
}

fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments::default();
    let mut given = std::env::args().skip(1);
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--choices" => parsed.choices = Some(given.next()?.into()),
            "--only" => parsed.only.push(given.next()?),
            "--words" => parsed.words = true,
            "--log" => parsed.log = Some(given.next()?.into()),
            other if other.starts_with('-') => return None,
            path => parsed.cases = path.into(),
        }
    }
    (!parsed.cases.as_os_str().is_empty()).then_some(parsed)
}
