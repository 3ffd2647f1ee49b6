//! What the code of an error means and what to do about it, as `docs/errors.md` says.

use crate::error::Error;
use crate::output::Table;
use serde::Serialize;

const PAGE: &str = include_str!("../../../../docs/errors.md");

#[derive(Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meaning {
    code: String,
    meaning: String,
    what_to_do: String,
}

/// The entry of this code.
///
/// # Errors
/// No error has it.
pub(super) fn meaning(code: &str) -> Result<Meaning, Error> {
    let found = PAGE.lines().find_map(|line| {
        let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ");
        let of = cells.next()?.strip_suffix('`')?;
        let (meaning, what_to_do) = (cells.next()?, cells.next()?);
        (of == code).then(|| Meaning {
            code: code.to_owned(),
            meaning: meaning.to_owned(),
            what_to_do: what_to_do.to_owned(),
        })
    });
    found.ok_or_else(|| {
        Error::NotFound(format!("no error has the code {code}; docs/errors.md lists all codes"))
    })
}

impl Table for Meaning {
    const HEADINGS: &'static [&'static str] = &["CODE", "WHAT IT MEANS", "WHAT TO DO"];

    fn rows(&self) -> Vec<Vec<String>> {
        vec![vec![self.code.clone(), self.meaning.clone(), self.what_to_do.clone()]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pawl_domain::record::Code;
    use pawl_domain::{Complaint, Kind, Rule, Step};

    #[test]
    fn each_code_has_its_entry() {
        for step in Step::ALL {
            // What is refused has the code of the rule.
            for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Refused) {
                let code = Code::of(step, kind, Complaint::of(step)).to_string();
                assert_eq!(meaning(&code).unwrap().code, code);
            }
        }
        for rule in Rule::ALL {
            let code = Code::of(Step::Lookup, Kind::Refused, Complaint::Refused(rule)).to_string();
            assert_eq!(meaning(&code).unwrap().code, code);
        }
        let codes = PAGE.lines().filter(|line| line.starts_with("| `PAWL-")).count();
        let told = Step::ALL.len() * (Kind::ALL.len() - 1) + Rule::ALL.len();
        assert_eq!(codes, told, "the page has an entry that no error has");
    }

    #[test]
    fn a_code_that_no_error_has_is_told() {
        assert!(meaning("PAWL-FETCH").is_err());
    }
}
