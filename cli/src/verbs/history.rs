//! `pawl history`: the last writes of a declaration's target.

use super::absent::absent;
use crate::args::{Args, History};
use crate::error::Error;
use crate::flow::registry;
use crate::output::{self, Table};
use pawl_domain::record::{MovedKey, Written};
use pawl_pipeline::explain::words::moved;
use pawl_ports::{Ledger, Ports, Registry};
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(args: &Args, history: &History) -> Result<ExitCode, Error> {
    let pipeline = registry(args).await?;
    let id = &history.declaration;
    let ports = pipeline.ports();
    if ports.registry().declarations(std::slice::from_ref(id)).await?.is_empty() {
        return Err(absent(&pipeline, id).await?);
    }
    let record = ports.ledger().entry(id).await?.map(|entry| entry.record);
    let writes = record.iter().flat_map(|record| record.history.writes()).rev();
    let writes: Vec<_> = writes.map(Row::from).collect();
    if writes.is_empty() {
        output::note("no write of it is remembered; pawl explain says how it fares");
    }
    output::show(&Writes(writes), args.output);
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Writes(Vec<Row>);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    at: String,
    cause: &'static str,
    /// From the event to the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u32>,
    did: &'static str,
    keys: Vec<Key>,
    more_keys: u32,
    /// The same in words.
    #[serde(skip)]
    told: String,
}

#[derive(Debug, Serialize)]
struct Key {
    key: String,
    version: Option<String>,
}

impl From<&Written> for Row {
    fn from(written: &Written) -> Self {
        let key = |MovedKey { key, version }: &MovedKey| Key { key: key.clone(), version: version.clone() };
        Self {
            at: format!("{:.0}", written.at),
            cause: written.cause.as_str(),
            seconds: written.seconds,
            did: if written.deleted { "deleted" } else { "written" },
            keys: written.keys.iter().map(key).collect(),
            more_keys: written.more,
            told: moved(written),
        }
    }
}

impl Table for Writes {
    const HEADINGS: &'static [&'static str] = &["AT", "CAUSE", "SECONDS", "DID", "KEYS"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            let seconds = row.seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
            vec![row.at.clone(), row.cause.to_owned(), seconds, row.did.to_owned(), row.told.clone()]
        };
        self.0.iter().map(row).collect()
    }
}
