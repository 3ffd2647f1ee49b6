//! `pawl get pushes`.

use crate::error::Error;
use crate::output::Table;
use pawl_domain::push::{PushRecord, Standing};
use pawl_domain::{DeclarationId, PushSecret};
use pawl_pipeline::Pipeline;
use pawl_pipeline::explain::words::UNREADABLE;
use pawl_ports::{Ports, PushScope, Pushes as _, Unreadable};
use pawl_runtime::World;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct Pushes(pub(super) Vec<PushRow>);

/// A PushSecret, and how it fares.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PushRow {
    pub(super) push: String,
    state: String,
    /// How many entries stand in stores.
    standing: usize,
    /// How many are about to be written, or failed.
    open: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    refreshed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Those whose ids begin so.
pub(super) async fn pushes(pipeline: &Pipeline<World>, prefix: &str) -> Result<Vec<PushRow>, Error> {
    let registry = pipeline.ports().registry();
    let mut rows = Vec::new();
    for push in registry.all_pushes(&PushScope::All).await? {
        if push.id.to_string().starts_with(prefix) {
            let record = registry.push_record(&push.id).await?.map(|(record, _)| record);
            rows.push(PushRow::of(&push, record.as_ref()));
        }
    }
    Ok(rows)
}

impl PushRow {
    fn of(push: &PushSecret, record: Option<&PushRecord>) -> Self {
        let entries = record.map_or(&[][..], |record| &record.entries);
        let standing = entries.iter().filter(|entry| entry.stands).count();
        let open = entries.iter().filter(|entry| !entry.stands || entry.failure.is_some()).count();
        let (state, message) = match record.map(|record| &record.state) {
            _ if push.deleting => ("going", None),
            None | Some(Standing::Pending) => ("pending", None),
            Some(Standing::Done) => ("pushed", None),
            Some(Standing::SourceGone) => ("source gone", None),
            Some(Standing::Failed(failure)) => {
                ("failed", Some(format!("{} {}", failure.code(), failure.message)))
            }
        };
        let refreshed = record.and_then(|record| record.refreshed).map(|at| format!("{at:.0}"));
        Self { push: push.id.to_string(), state: state.to_owned(), standing, open, refreshed, message }
    }

    pub(super) fn unreadable(document: Unreadable) -> Self {
        Self {
            message: Some(document.to_string()),
            push: document.id,
            state: UNREADABLE.to_owned(),
            standing: 0,
            open: 0,
            refreshed: None,
        }
    }

    /// The order of ids.
    pub(super) fn order(&self) -> Option<DeclarationId> {
        self.push.parse().ok()
    }
}

impl Table for Pushes {
    const HEADINGS: &'static [&'static str] =
        &["PUSHSECRET", "STATE", "STANDING", "OPEN", "REFRESHED", "MESSAGE"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &PushRow| {
            vec![
                row.push.clone(),
                row.state.clone(),
                row.standing.to_string(),
                row.open.to_string(),
                row.refreshed.clone().unwrap_or_default(),
                row.message.clone().unwrap_or_default(),
            ]
        };
        self.0.iter().map(row).collect()
    }
}
