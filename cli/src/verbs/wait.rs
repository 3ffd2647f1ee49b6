//! `pawl wait`: until every Secret that a key goes into stands on what its store gives out.

use crate::args::{Args, Wait};
use crate::error::Error;
use crate::output::{self, Table, code};
use pawl_domain::{Change, DeclarationId};
use pawl_pipeline::Pipeline;
use pawl_pipeline::explain::receipt::{Receipt, Stand};
use pawl_runtime::World;
use serde::Serialize;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The pause after the first look, about as long as a rotation takes to reach its Secrets. It doubles, for a look may cost each
/// store a call for each key.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

pub(super) async fn run(pipeline: &Pipeline<World>, args: &Args, wait: &Wait) -> Result<ExitCode, Error> {
    let named = pipeline.changes_of_key(&wait.key, wait.region.as_deref()).await?;
    let named: Vec<_> =
        named.into_iter().map(|change| Change { version: wait.version.clone(), ..change }).collect();
    let end = Instant::now() + Duration::from_secs(wait.timeout);
    let mut pause = FIRST_PAUSE;
    let receipt = loop {
        let receipt = receipt(pipeline, &named).await?;
        if receipt.is_complete() || receipt.targets.is_empty() || Instant::now() >= end {
            break receipt;
        }
        tokio::time::sleep(pause.min(end.saturating_duration_since(Instant::now()))).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    };
    let complete = receipt.is_complete();
    if receipt.targets.is_empty() {
        output::note("nobody reads this key; pawl get shows the keys that are read");
    }
    output::show(&Targets(receipt.targets.into_iter().map(Row::from).collect()), args.output);
    Ok(code(complete))
}

async fn receipt(pipeline: &Pipeline<World>, named: &[Change]) -> Result<Receipt, Error> {
    let mut whole = Receipt::default();
    for change in named {
        whole.extend(pipeline.receipt(change).await?);
    }
    Ok(whole)
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Targets(Vec<Row>);

#[derive(Debug, Serialize)]
struct Row {
    declaration: String,
    stands: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<String>,
}

impl From<(DeclarationId, Stand)> for Row {
    fn from((id, stand): (DeclarationId, Stand)) -> Self {
        let (stands, missing) = match stand {
            Stand::There => ("yes", None),
            Stand::Missing(why) => ("no", Some(why)),
            Stand::ReadsOnce => ("never", Some("it reads once, and follows no change".to_owned())),
        };
        Self { declaration: id.to_string(), stands, missing }
    }
}

impl Table for Targets {
    const HEADINGS: &'static [&'static str] = &["DECLARATION", "STANDS", "MISSING"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            vec![row.declaration.clone(), row.stands.to_owned(), row.missing.clone().unwrap_or_default()]
        };
        self.0.iter().map(row).collect()
    }
}
