//! `pawl jobs`: the job queue, in the local file or in SQS with its dead-letter queue.

use crate::args::{Args, Jobs, JobsVerb};
use crate::error::Error;
use crate::output::{self, Table, code};
use crate::queued::QueuedJob;
use pawl_runtime::Inbox;
use pawl_runtime::inbox::desk::Which;
use serde::Serialize;
use std::collections::BTreeSet;
use std::process::ExitCode;

pub(super) async fn run(args: &Args, jobs: &Jobs) -> Result<ExitCode, Error> {
    let inbox = pawl_runtime::inbox(&args.lookup()).await?;
    match &jobs.verb {
        JobsVerb::List { limit } => list(&inbox, args, *limit).await,
        JobsVerb::Show { id } => show(&inbox, args, id).await,
        JobsVerb::Redrive { ids, all } => {
            acted(args, "redriven", ids, inbox.redrive(&which(ids, *all)).await?)
        }
        JobsVerb::Delete { ids, all_dead } => {
            acted(args, "deleted", ids, inbox.discard(&which(ids, *all_dead)).await?)
        }
    }
}

fn which(ids: &[String], all_dead: bool) -> Which {
    if all_dead { Which::AllDead } else { Which::Ids(ids.iter().cloned().collect()) }
}

async fn list(inbox: &Inbox, args: &Args, limit: usize) -> Result<ExitCode, Error> {
    let shown = inbox.shown(limit).await?;
    let jobs = shown.jobs.iter().map(QueuedJob::from).collect();
    output::show(&Listed { waiting: shown.waiting, dead: shown.dead, jobs }, args.output);
    Ok(ExitCode::SUCCESS)
}

async fn show(inbox: &Inbox, args: &Args, id: &str) -> Result<ExitCode, Error> {
    let Some(shelved) = inbox.one(id).await? else {
        output::note(&format!(
            "no job has the id {id}; see pawl jobs list (of SQS only dead letters can be shown)"
        ));
        return Ok(ExitCode::FAILURE);
    };
    let row = QueuedJob::from(&shelved);
    let declarations = shelved.job().map(|job| job.declarations).unwrap_or_default();
    let declarations = declarations.iter().map(ToString::to_string).collect();
    output::show(&Shown { job: row, declarations }, args.output);
    Ok(ExitCode::SUCCESS)
}

/// What became of the ids that were asked for, or of all.
fn acted(
    args: &Args,
    what: &'static str,
    asked: &[String],
    done: BTreeSet<String>,
) -> Result<ExitCode, Error> {
    let missing = asked.iter().filter(|id| !done.contains(*id));
    let missing: Vec<_> = missing.map(|id| (id.clone(), "not found")).collect();
    let well = missing.is_empty();
    let rows = done.into_iter().map(|id| (id, what)).chain(missing);
    output::show(&Acted(rows.map(|(job, result)| ActedRow { job, result }).collect()), args.output);
    Ok(code(well))
}

/// The queue.
#[derive(Debug, Serialize)]
struct Listed {
    waiting: u64,
    dead: u64,
    jobs: Vec<QueuedJob>,
}

const HEADINGS: &[&str] = &["JOB", "STATE", "ATTEMPTS", "SINCE", "DECLARATIONS", "REASON"];

impl Table for Listed {
    const HEADINGS: &'static [&'static str] = HEADINGS;

    fn rows(&self) -> Vec<Vec<String>> {
        self.jobs.iter().map(QueuedJob::cells).collect()
    }

    fn summary(&self) -> Option<String> {
        Some(format!("{} waiting, {} dead", self.waiting, self.dead))
    }
}

/// One job with all of its declarations.
#[derive(Debug, Serialize)]
struct Shown {
    job: QueuedJob,
    declarations: Vec<String>,
}

impl Table for Shown {
    const HEADINGS: &'static [&'static str] = HEADINGS;

    fn rows(&self) -> Vec<Vec<String>> {
        vec![self.job.cells()]
    }

    fn summary(&self) -> Option<String> {
        (!self.declarations.is_empty()).then(|| self.declarations.join("\n"))
    }
}

#[derive(Debug, Serialize)]
struct Acted(Vec<ActedRow>);

#[derive(Debug, Serialize)]
struct ActedRow {
    job: String,
    result: &'static str,
}

impl Table for Acted {
    const HEADINGS: &'static [&'static str] = &["JOB", "RESULT"];

    fn rows(&self) -> Vec<Vec<String>> {
        self.0.iter().map(|row| vec![row.job.clone(), row.result.to_owned()]).collect()
    }

    fn summary(&self) -> Option<String> {
        self.0.is_empty().then(|| "there was none".to_owned())
    }
}
