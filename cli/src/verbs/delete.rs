//! `pawl delete`: declarations out of the registry, with the Secrets that they own.

use super::{code, open};
use crate::args::{Args, Delete};
use crate::error::Error;
use crate::output::{self, Table};
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(args: &Args, delete: &Delete) -> Result<ExitCode, Error> {
    let pipeline = open(args).await?;
    let removed = pipeline.remove(&delete.declarations).await?;
    let row = |id: &pawl_domain::DeclarationId| {
        let result = removed.iter().find(|(removed, _)| removed == id).map(|(_, result)| result);
        let (result, message) = match result {
            Some(Ok(())) => ("removed", None),
            Some(Err(error)) => ("failed", Some(error.to_string())),
            None => ("not found", Some("no such declaration is registered; see pawl get".to_owned())),
        };
        Row { declaration: id.to_string(), result, message }
    };
    let rows = Removed(delete.declarations.iter().map(row).collect());
    let well = rows.0.iter().all(|row| row.message.is_none());
    output::show(&rows, args.output);
    Ok(code(well))
}

#[derive(Debug, Serialize)]
struct Removed(Vec<Row>);

#[derive(Debug, Serialize)]
struct Row {
    declaration: String,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Table for Removed {
    const HEADINGS: &'static [&'static str] = &["DECLARATION", "RESULT", "MESSAGE"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            vec![row.declaration.clone(), row.result.to_owned(), row.message.clone().unwrap_or_default()]
        };
        self.0.iter().map(row).collect()
    }
}
