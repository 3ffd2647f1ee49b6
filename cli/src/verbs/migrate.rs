//! `pawl migrate`: whether Pawl would write the Secrets of a cluster as they stand there.

use super::place::Place;
use super::problems::line;
use super::targets::{Target, counts};
use crate::args::{Args, Migrate};
use crate::error::Error;
use crate::output::{self, Table, code};
use pawl_domain::{Problem, Severity};
use pawl_pipeline::Pipeline;
use pawl_ports::{Ports, Registry};
use pawl_runtime::World;
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(
    pipeline: &Pipeline<World>,
    args: &Args,
    migrate: &Migrate,
) -> Result<ExitCode, Error> {
    let Place { cluster, namespace, declaration } = migrate.what.parse()?;
    let known = pipeline.ports().registry().clusters().await?;
    let Some(cluster) = known.into_iter().find(|each| each.name == cluster) else {
        let what = "pawl apply --clusters declares one; leave index out of it until you have looked";
        return Err(Error::NotFound(format!("no cluster {cluster} is registered; {what}")));
    };
    let mut survey = pipeline.survey(&cluster).await?;
    survey.targets.retain(|each| {
        let is_there = namespace.as_ref().is_none_or(|it| *it == each.id.namespace);
        is_there && declaration.as_ref().is_none_or(|it| *it == each.id)
    });
    let mut targets: Vec<_> = survey.targets.into_iter().map(Target::from).collect();
    let usable = !survey.problems.iter().any(|problem| problem.severity == Severity::Error);
    let same = usable && targets.iter().all(Target::is_left);
    let summary = counts(&targets);
    targets.retain(|target| migrate.all || !target.is_left());
    output::show(&Surveyed { targets, problems: survey.problems, summary }, args.output);
    Ok(code(same))
}

/// What would not stay as it stands.
#[derive(Debug, Serialize)]
struct Surveyed {
    targets: Vec<Target>,
    /// What Pawl could not use of the manifests there.
    problems: Vec<Problem>,
    #[serde(skip)]
    summary: String,
}

impl Table for Surveyed {
    const HEADINGS: &'static [&'static str] = Target::HEADINGS;

    fn rows(&self) -> Vec<Vec<String>> {
        self.targets.iter().flat_map(Target::rows).collect()
    }

    fn summary(&self) -> Option<String> {
        let lines = self.problems.iter().map(line).chain([self.summary.clone()]);
        Some(lines.collect::<Vec<_>>().join("\n"))
    }
}
