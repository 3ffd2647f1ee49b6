//! The result of a sync: one outcome per declaration.

use pawl_domain::{DeclarationId, Outcome};
use pawl_ports::Error;

/// One outcome per declaration; one that failed never hides the others.
#[derive(Debug, Default)]
pub struct Report {
    /// What became of each declaration.
    pub outcomes: Vec<(DeclarationId, Result<Outcome, Error>)>,
}

impl Report {
    /// How many declarations ended with this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.outcomes
            .iter()
            .filter(|(_, result)| result.as_ref().is_ok_and(|found| *found == outcome))
            .count()
    }

    /// The declarations that failed, with why.
    pub fn failures(&self) -> impl Iterator<Item = (&DeclarationId, &Error)> {
        self.outcomes.iter().filter_map(|(id, result)| result.as_ref().err().map(|error| (id, error)))
    }

    /// True when trying the same again may help at least one declaration.
    pub fn is_retryable(&self) -> bool {
        self.failures().any(|(_, error)| error.is_retryable())
    }

    /// Takes in another report's outcomes.
    pub fn extend(&mut self, other: Self) {
        self.outcomes.extend(other.outcomes);
    }
}
