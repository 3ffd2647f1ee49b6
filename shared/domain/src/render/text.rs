//! Templates that stand in the manifest of a store: an address, a header, a body.

use super::functions::Functions;
use crate::secret::SecretValue;
use pawl_golang::budget::{Budget, Exhausted};
use pawl_golang::template::{ExecError, Options, ParseError, Template};
use pawl_golang::value::{Element, Map, Value};
use std::collections::BTreeMap;

/// What such templates see: texts by name, in maps by name.
pub type Scope = BTreeMap<String, BTreeMap<String, SecretValue>>;

/// What an entry takes beside its name and its value.
const ENTRY: usize = 128;

/// What is wrong with a template of a store. It never quotes what the template sees.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TextProblem {
    /// It is no template.
    #[error("{0}")]
    Parse(Box<ParseError>),
    /// It fails.
    #[error("{0}")]
    Execute(Box<ExecError>),
    /// It takes more than it may use.
    #[error("the template {0}; let it make less")]
    Exhausted(#[from] Exhausted),
}

impl Functions {
    /// What a template makes of a scope, as ESO's webhook stores make it. A name that is not there gives `<no value>`.
    ///
    /// # Errors
    /// What is wrong with the template, or that the budget is used up.
    pub fn text(
        &self,
        name: &str,
        template: &str,
        scope: &Scope,
        budget: &mut Budget,
    ) -> Result<SecretValue, TextProblem> {
        if !template.contains("{{") {
            return Ok(SecretValue::new(template));
        }
        let compiled = Template::parse(name, template, &Options::new(self.table()))
            .map_err(|error| TextProblem::Parse(Box::new(error)))?;
        let entries = scope.values().flatten();
        budget.take(entries.map(|(name, value)| name.len() + value.len() + ENTRY).sum())?;
        let map = |texts: &BTreeMap<String, SecretValue>| {
            let texts = texts.iter().map(|(name, value)| (name, Value::text(value.expose())));
            Map::from_entries(Element::Str, texts)
        };
        let root = Value::string_maps(scope.iter().map(|(name, texts)| (name, map(texts))));
        let made = compiled.execute_within(budget, &root);
        made.map(SecretValue::new).map_err(|error| TextProblem::Execute(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(template: &str, budget: &mut Budget) -> Result<SecretValue, TextProblem> {
        let texts = [("key".to_owned(), SecretValue::new("hunter2"))];
        let scope = Scope::from([("remoteRef".to_owned(), texts.into())]);
        Functions::new(|| jiff::Timestamp::UNIX_EPOCH).text("url", template, &scope, budget)
    }

    #[test]
    fn templates_see_maps_of_maps() {
        for (template, want) in [
            ("plain", "plain"),
            ("{{ .remoteRef.key | upper }}", "HUNTER2"),
            ("[{{ .remoteRef.gone }}] [{{ .gone.key }}]", "[<no value>] [<no value>]"),
            ("[{{ index . \"gone\" \"key\" }}]", "[]"),
            ("{{ printf \"%T\" . }}", "map[string]map[string]string"),
        ] {
            let made = made(template, &mut Budget::default()).unwrap();
            assert_eq!(made.expose_str(), Some(want), "{template}");
        }
    }

    #[test]
    fn problems_quote_no_value_and_budgets_hold() {
        for template in ["{{ .remoteRef.key ", "{{ nothing }}", "{{ fail .remoteRef.key }}"] {
            let problem = made(template, &mut Budget::default()).unwrap_err();
            assert!(!format!("{problem} {problem:?}").contains("hunter2"), "{problem:?}");
        }
        let problem = made("{{ .remoteRef.key }}", &mut Budget::new(1_000, 10)).unwrap_err();
        assert_eq!(problem, TextProblem::Exhausted(Exhausted::Bytes));
        let problem = made("{{ range until 1000 }}x{{ end }}", &mut Budget::new(100, 1 << 20)).unwrap_err();
        assert!(matches!(problem, TextProblem::Execute(error) if error.limit));
    }
}
