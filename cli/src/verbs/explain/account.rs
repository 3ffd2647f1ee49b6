//! Why a declaration is as it is, as a table.

use crate::output::Table;
use pawl_pipeline::explain::Account;
use pawl_pipeline::explain::told::{Fact, told};
use pawl_pipeline::explain::witness::Witness;
use serde::Serialize;

/// One line for each thing that is known.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Shown(Vec<Row>);

#[derive(Debug, Serialize)]
struct Row {
    what: &'static str,
    is: String,
}

/// What is known of a declaration, the answer first.
pub(super) fn shown(account: &Account, witness: &Witness) -> Shown {
    let row = |Fact { what, is }: Fact| Row { what, is };
    Shown(told(account, witness).into_iter().map(row).collect())
}

impl Table for Shown {
    const HEADINGS: &'static [&'static str] = &["WHAT", "IS"];

    fn rows(&self) -> Vec<Vec<String>> {
        self.0.iter().map(|row| vec![row.what.to_owned(), row.is.clone()]).collect()
    }
}
