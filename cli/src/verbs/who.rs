//! `pawl who`: which declarations read a key, how each fares, and what runs on their Secrets.

mod workloads;

use crate::args::{Args, Who};
use crate::error::Error;
use crate::flow::{over, registry};
use crate::output::{self, Table, code};
use pawl_domain::Location;
use pawl_pipeline::Pipeline;
use pawl_pipeline::explain::Reader;
use pawl_pipeline::explain::words::{part, state};
use pawl_runtime::World;
use serde::Serialize;
use std::collections::BTreeSet;
use std::process::ExitCode;
use workloads::{Asked, Used};

pub(super) async fn run(args: &Args, who: &Who) -> Result<ExitCode, Error> {
    if who.workloads {
        over(args, async |flow| shown(flow, args, who).await).await
    } else {
        shown(&registry(args).await?, args, who).await
    }
}

async fn shown(pipeline: &Pipeline<World>, args: &Args, who: &Who) -> Result<ExitCode, Error> {
    let (mut readers, mut unknown) = (Vec::new(), BTreeSet::new());
    for change in pipeline.changes_of_key(&who.key, who.region.as_deref()).await? {
        let found = pipeline.readers(&change).await?;
        readers.extend(found.into_iter().map(|reader| (change.location.clone(), reader)));
        unknown.extend(pipeline.perhaps_readers(&change).await?.iter().map(ToString::to_string));
    }
    let somebody = !readers.is_empty();
    let asked = if who.workloads { Some(Asked::of(pipeline, &readers).await) } else { None };
    let row = |(location, reader): (Location, Reader)| {
        let used = asked.as_ref().map(|asked| asked.used(&reader.declaration));
        Row::new(&location, reader, used.flatten())
    };
    let rows = readers.into_iter().map(row).collect();
    match &asked {
        Some(_) => output::show(&WithWorkloads(rows), args.output),
        None => output::show(&Readers(rows), args.output),
    }
    for document in &unknown {
        output::note(&format!("it may read this key: {document}"));
    }
    let problems = asked.iter().flat_map(Asked::problems);
    let problems: Vec<String> = problems.collect();
    problems.iter().for_each(|problem| output::note(problem));
    if !somebody && unknown.is_empty() {
        output::note("nobody reads this key; pawl get shows the keys that are read");
    }
    Ok(code(somebody && problems.is_empty()))
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Readers(Vec<Row>);

/// The same with what runs on their Secrets.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct WithWorkloads(Vec<Row>);

#[derive(Debug, Serialize)]
struct Row {
    declaration: String,
    target: String,
    location: String,
    reads: Vec<String>,
    /// Those that were written, one for each of `reads`.
    versions: Vec<Option<String>>,
    state: String,
    refreshed: Option<String>,
    /// Where they were asked for and are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    workloads: Option<Vec<Used>>,
}

impl Row {
    fn new(location: &Location, reader: Reader, workloads: Option<Vec<Used>>) -> Self {
        let Reader { declaration, reads, record } = reader;
        let written = |index: &usize| {
            let versions = record.as_ref()?.versions.get(*index)?;
            Some(versions.one()?.id.clone())
        };
        let refreshed = record.as_ref().and_then(|record| record.refreshed);
        Self {
            declaration: declaration.id.to_string(),
            target: declaration.target.name.to_string(),
            location: location.to_string(),
            reads: reads.iter().filter_map(|index| declaration.reads.get(*index)).map(part).collect(),
            versions: reads.iter().map(written).collect(),
            state: state(record.as_ref()),
            refreshed: refreshed.map(|at| format!("{at:.0}")),
            workloads,
        }
    }

    fn cells(&self) -> Vec<String> {
        let versions = self.versions.iter().map(|version| version.as_deref().unwrap_or("-"));
        vec![
            self.declaration.clone(),
            self.target.clone(),
            self.location.clone(),
            self.reads.join(", "),
            versions.collect::<Vec<_>>().join(", "),
            self.state.clone(),
            self.refreshed.clone().unwrap_or_default(),
        ]
    }
}

impl Table for Readers {
    const HEADINGS: &'static [&'static str] =
        &["DECLARATION", "TARGET", "LOCATION", "READS", "VERSIONS", "STATE", "REFRESHED"];

    fn rows(&self) -> Vec<Vec<String>> {
        self.0.iter().map(Row::cells).collect()
    }
}

impl Table for WithWorkloads {
    const HEADINGS: &'static [&'static str] =
        &["DECLARATION", "TARGET", "LOCATION", "READS", "VERSIONS", "STATE", "REFRESHED", "WORKLOADS"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            let used = match &row.workloads {
                None => "unknown".to_owned(),
                Some(used) if used.is_empty() => "none".to_owned(),
                Some(used) => used.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            };
            row.cells().into_iter().chain([used]).collect()
        };
        self.0.iter().map(row).collect()
    }
}
