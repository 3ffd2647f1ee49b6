//! Differences that Pawl wants, each with its reason.

use crate::{Case, Error, Result};

/// Cases, or whole groups, that Pawl answers otherwise on purpose.
#[derive(Clone, Debug, Default)]
pub struct Choices(Vec<(String, String)>);

impl Choices {
    /// Reads lines `<case or group>: <reason>`; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// [`Error::Choice`] for a line without a reason.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let told = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let choice = |(line, text): (usize, &str)| {
            let (name, reason) = text.split_once(": ").ok_or(Error::Choice { line })?;
            Ok((name.to_owned(), reason.trim().to_owned()))
        };
        told.map(choice).collect::<Result<_>>().map(Self)
    }

    /// Why this case may come out otherwise.
    pub fn reason(&self, case: &Case) -> Option<&str> {
        let named = self.0.iter().find(|(name, _)| *name == case.name || *name == case.group);
        named.map(|(_, reason)| reason.as_str())
    }

    /// The choices that none of these cases needs.
    pub fn unused<'a>(&'a self, differing: &[&Case]) -> Vec<&'a str> {
        let used = |name: &str| differing.iter().any(|case| case.name == name || case.group == name);
        self.0.iter().map(|(name, _)| name.as_str()).filter(|name| !used(name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_has_a_reason() {
        let choices = Choices::parse("# why\n\nsm-plain-001: it is so\n").unwrap();
        assert_eq!(choices.0, [("sm-plain-001".to_owned(), "it is so".to_owned())]);
        assert!(matches!(Choices::parse("\nsm-plain-001\n"), Err(Error::Choice { line: 2 })));
    }
}
