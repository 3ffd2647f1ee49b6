//! `pawl who`: which declarations read a key, and how each fares.

use crate::args::{Args, Who};
use crate::error::Error;
use crate::flow::registry;
use crate::output::{self, Table, code};
use pawl_domain::Location;
use pawl_pipeline::explain::Reader;
use pawl_pipeline::explain::words::{part, state};
use serde::Serialize;
use std::collections::BTreeSet;
use std::process::ExitCode;

pub(super) async fn run(args: &Args, who: &Who) -> Result<ExitCode, Error> {
    let pipeline = registry(args).await?;
    let (mut rows, mut unknown) = (Vec::new(), BTreeSet::new());
    for change in pipeline.changes_of_key(&who.key, who.region.as_deref()).await? {
        let readers = pipeline.readers(&change).await?;
        rows.extend(readers.into_iter().map(|reader| Row::new(&change.location, reader)));
        unknown.extend(pipeline.perhaps_readers(&change).await?.iter().map(ToString::to_string));
    }
    let somebody = !rows.is_empty();
    output::show(&Readers(rows), args.output);
    for document in &unknown {
        output::note(&format!("it may read this key: {document}"));
    }
    if !somebody && unknown.is_empty() {
        output::note("nobody reads this key; pawl get shows the keys that are read");
    }
    Ok(code(somebody))
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Readers(Vec<Row>);

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
}

impl Row {
    fn new(location: &Location, reader: Reader) -> Self {
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
        }
    }
}

impl Table for Readers {
    const HEADINGS: &'static [&'static str] =
        &["DECLARATION", "TARGET", "LOCATION", "READS", "VERSIONS", "STATE", "REFRESHED"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            vec![
                row.declaration.clone(),
                row.target.clone(),
                row.location.clone(),
                row.reads.join(", "),
                row.versions
                    .iter()
                    .map(|version| version.as_deref().unwrap_or("-"))
                    .collect::<Vec<_>>()
                    .join(", "),
                row.state.clone(),
                row.refreshed.clone().unwrap_or_default(),
            ]
        };
        self.0.iter().map(row).collect()
    }
}
