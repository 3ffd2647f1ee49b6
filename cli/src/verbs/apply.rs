//! `pawl apply`: manifests into the registry.

use super::offer::{read, rights};
use super::problems::line;
use crate::args::{Apply, Args};
use crate::error::Error;
use crate::output::{self, Table, code};
use pawl_domain::Problem;
use pawl_pipeline::Pipeline;
use pawl_pipeline::index::IndexReport;
use pawl_ports::{Clock, Job, Ports, Put};
use pawl_runtime::World;
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(pipeline: &Pipeline<World>, args: &Args, apply: &Apply) -> Result<ExitCode, Error> {
    let manifests = read(pipeline, args, &apply.offer).await?;
    let rights = rights(&apply.offer);
    if apply.dry_run {
        let report = pipeline.preview(manifests, &rights).await?;
        let well = report.is_complete();
        output::show(&Applied::of(report, true), args.output);
        return Ok(code(well));
    }
    let mut report = pipeline.index(manifests, &rights).await?;
    if apply.now {
        let ids: Vec<_> = report.declarations.iter().map(|(id, _)| id.clone()).collect();
        let at = pipeline.ports().clock().now();
        report.report = pawl_pipeline::Report::default();
        for job in Job::chunks(&ids, None, at) {
            report.report.extend(pipeline.deliver(&job).await?);
        }
    }
    let well = report.is_complete();
    output::show(&Applied::of(report, false), args.output);
    Ok(code(well))
}

/// What an apply did, object by object.
#[derive(Debug, Serialize)]
struct Applied {
    objects: Vec<Row>,
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Row {
    object: String,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Row {
    fn new(object: impl Into<String>, result: &'static str) -> Self {
        Self { object: object.into(), result, message: None }
    }

    fn failed(object: impl Into<String>, error: &pawl_ports::Error) -> Self {
        Self { object: object.into(), result: "failed", message: Some(error.to_string()) }
    }
}

impl Applied {
    /// What was done, or would be.
    fn of(report: IndexReport, would: bool) -> Self {
        let word = |put| word(put, would);
        let removed = if would { "would be removed" } else { "removed" };
        let mut objects: Vec<Row> = Vec::new();
        for (object, result) in report.objects {
            objects.push(match result {
                Ok(put) => Row::new(object, word(put)),
                Err(error) => Row::failed(object, &error),
            });
        }
        for (id, result) in report.declarations {
            objects.push(match result {
                Ok(put) => Row::new(id.to_string(), word(put)),
                Err(error) => Row::failed(id.to_string(), &error),
            });
        }
        for (id, result) in report.removed {
            objects.push(match result {
                Ok(()) => Row::new(id.to_string(), removed),
                Err(error) => Row::failed(id.to_string(), &error),
            });
        }
        objects.extend(report.removed_stores.iter().map(|id| Row::new(id.to_string(), removed)));
        objects.extend(report.removed_patterns.iter().map(|id| Row::new(id.to_string(), removed)));
        for (id, error) in report.report.failures() {
            objects.push(Row::failed(id.to_string(), error));
        }
        Self { objects, problems: report.problems }
    }
}

fn word(put: Put, would: bool) -> &'static str {
    match (put, would) {
        (Put::Created, false) => "created",
        (Put::Changed, false) => "configured",
        (Put::Created, true) => "would be created",
        (Put::Changed, true) => "would be configured",
        (Put::Unchanged, _) => "unchanged",
    }
}

impl Table for Applied {
    const HEADINGS: &'static [&'static str] = &["OBJECT", "RESULT", "MESSAGE"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            vec![row.object.clone(), row.result.to_owned(), row.message.clone().unwrap_or_default()]
        };
        self.objects.iter().map(row).collect()
    }

    fn summary(&self) -> Option<String> {
        let lines: Vec<String> = self.problems.iter().map(line).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}
