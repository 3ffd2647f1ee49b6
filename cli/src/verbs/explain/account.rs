//! Why a declaration or a PushSecret is as it is, as a table.

use crate::output::Table;
use pawl_pipeline::explain::Account;
use pawl_pipeline::explain::pushed::PushAccount;
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

/// What is known of a declaration and of a PushSecret of the same name, the answer first.
pub(super) fn shown(account: Option<(&Account, &Witness)>, push: Option<&PushAccount>) -> Shown {
    let facts = account.map(|(account, witness)| told(account, witness)).unwrap_or_default().into_iter();
    let facts = facts.chain(push.map(PushAccount::told).unwrap_or_default());
    Shown(facts.map(|Fact { what, is }| Row { what, is }).collect())
}

impl Table for Shown {
    const HEADINGS: &'static [&'static str] = &["WHAT", "IS"];

    fn rows(&self) -> Vec<Vec<String>> {
        self.0.iter().map(|row| vec![row.what.to_owned(), row.is.clone()]).collect()
    }
}
