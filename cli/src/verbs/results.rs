//! What became of declarations, as a result that can be shown.

use crate::output::Table;
use pawl_pipeline::Report;
use serde::Serialize;

/// One row for each declaration.
#[derive(Debug, Serialize)]
pub(crate) struct Results(Vec<Row>);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    declaration: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Results {
    /// True when no declaration failed.
    pub(crate) fn all_well(&self) -> bool {
        self.0.iter().all(|row| row.message.is_none())
    }
}

impl From<Report> for Results {
    fn from(report: Report) -> Self {
        let row =
            |(id, result): (pawl_domain::DeclarationId, Result<pawl_domain::Outcome, pawl_ports::Error>)| {
                let declaration = id.to_string();
                match &result {
                    Ok(outcome) => {
                        Row { declaration, outcome: outcome.as_str(), step: None, code: None, message: None }
                    }
                    Err(error) => Row {
                        declaration,
                        outcome: "failed",
                        step: Some(error.step.as_str()),
                        code: Some(error.code().to_string()),
                        message: Some(error.to_string()),
                    },
                }
            };
        Self(report.outcomes.into_iter().map(row).collect())
    }
}

impl Table for Results {
    const HEADINGS: &'static [&'static str] = &["DECLARATION", "OUTCOME", "MESSAGE"];

    fn rows(&self) -> Vec<Vec<String>> {
        let row = |row: &Row| {
            let outcome = match &row.code {
                Some(code) => format!("{} ({code})", row.outcome),
                None => row.outcome.to_owned(),
            };
            vec![row.declaration.clone(), outcome, row.message.clone().unwrap_or_default()]
        };
        self.0.iter().map(row).collect()
    }

    fn summary(&self) -> Option<String> {
        let failed = self.0.iter().filter(|row| row.message.is_some()).count();
        Some(format!("{} declarations, {failed} failed", self.0.len()))
    }
}
