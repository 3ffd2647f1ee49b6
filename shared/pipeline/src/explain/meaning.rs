//! What the code of an error means and what to do about it, as `docs/errors.md` says.

const PAGE: &str = include_str!("../../../../docs/errors.md");

/// The entry of a code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Meaning {
    /// What it means, in Markdown.
    pub meaning: &'static str,
    /// What to do about it, in Markdown.
    pub what_to_do: &'static str,
}

/// The entry of this code; `None` where no error has it.
pub fn meaning(code: &str) -> Option<Meaning> {
    PAGE.lines().find_map(|line| {
        let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ");
        let of = cells.next()?.strip_suffix('`')?;
        let (meaning, what_to_do) = (cells.next()?, cells.next()?);
        (of == code).then_some(Meaning { meaning, what_to_do })
    })
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
                assert!(meaning(&code).is_some(), "{code}");
            }
        }
        for rule in Rule::ALL {
            let code = Code::of(Step::Lookup, Kind::Refused, Complaint::Refused(rule)).to_string();
            assert!(meaning(&code).is_some(), "{code}");
        }
        let codes = PAGE.lines().filter(|line| line.starts_with("| `PAWL-")).count();
        let told = Step::ALL.len() * (Kind::ALL.len() - 1) + Rule::ALL.len();
        assert_eq!(codes, told, "the page has an entry that no error has");
    }

    #[test]
    fn a_code_that_no_error_has_is_told() {
        assert!(meaning("PAWL-FETCH").is_none());
    }
}
