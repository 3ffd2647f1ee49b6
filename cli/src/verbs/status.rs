//! `pawl status`: how the fleet fares, in ten lines.

use super::selector::chosen;
use super::watch::watch;
use crate::args::{Args, Status};
use crate::error::Error;
use crate::flow::registry;
use crate::output::{self, Table};
use pawl_pipeline::explain::fleet::Fleet;
use pawl_pipeline::explain::status::{Line, lines};
use serde::Serialize;
use std::process::ExitCode;

pub(super) async fn run(args: &Args, status: &Status) -> Result<ExitCode, Error> {
    let pipeline = registry(args).await?;
    let meant = chosen(status.selector.as_deref())?;
    watch(status.watch, async || {
        let shown = Shown::from(&pipeline.fleet(&meant).await?);
        Ok(move || output::show(&shown, args.output))
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Shown(Vec<Row>);

/// One line. Metrics of `pawl serve` and of the functions have the name beside it.
#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    is: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<&'static str>,
}

impl From<&Fleet> for Shown {
    fn from(fleet: &Fleet) -> Self {
        let row = |Line { what, is, metric }: Line| Row { what, is, metric };
        Self(lines(fleet).into_iter().map(row).collect())
    }
}

impl Table for Shown {
    const HEADINGS: &'static [&'static str] = &["WHAT", "IS", "METRIC"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row =
            |row: &Row| vec![row.what.to_owned(), row.is.clone(), row.metric.unwrap_or_default().to_owned()];
        self.0.iter().map(row).collect()
    }
}
