//! Differences that Pawl wants, each with its reason.

use crate::{Error, Result};
use std::path::Path;

/// Differences that Pawl wants.
#[derive(Clone, Debug, Default)]
pub struct Choices(Vec<Choice>);

/// One difference that Pawl wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Choice {
    /// The case, its group, or `*` for all of them.
    pub subject: String,
    /// The part that may differ, with `*` at its end for all parts that begin so; empty for every part.
    pub part: String,
    /// Why.
    pub reason: String,
}

impl Choices {
    /// Reads lines `<case or group> [<part>]: <reason>`; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// [`Error::Choice`] for a line without a reason.
    pub fn parse(text: &str) -> Result<Self> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let told = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let choice = |(line, text): (usize, &str)| {
            let (what, reason) = text.split_once(": ").ok_or(Error::Choice { line })?;
            let (subject, part) = what.split_once(' ').unwrap_or((what, ""));
            let owned = |text: &str| text.trim().to_owned();
            Ok(Choice { subject: owned(subject), part: owned(part), reason: owned(reason) })
        };
        told.map(choice).collect::<Result<_>>().map(Self)
    }

    /// Reads a file of such lines.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Choice`].
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path);
        Self::parse(&text.map_err(|source| Error::File { path: path.to_owned(), source })?)
    }

    /// The choice that lets this part of this case differ.
    pub fn of(&self, name: &str, group: &str, part: &str) -> Option<&Choice> {
        self.0.iter().find(|choice| choice.concerns(name, group) && choice.covers(part))
    }

    /// All of them, in the order in which they were read.
    pub fn all(&self) -> &[Choice] {
        &self.0
    }
}

impl Choice {
    /// Whether it speaks of all cases.
    pub fn is_general(&self) -> bool {
        self.subject == "*"
    }

    fn concerns(&self, name: &str, group: &str) -> bool {
        self.is_general() || self.subject == name || self.subject == group
    }

    fn covers(&self, part: &str) -> bool {
        match self.part.strip_suffix('*') {
            Some(beginning) => part.starts_with(beginning),
            None => self.part.is_empty() || self.part == part,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_has_a_subject_a_part_and_a_reason() {
        let choices = Choices::parse("# why\n\nsm-001: it is so\ngone status/x.*: as well: yes\n").unwrap();
        let [first, second] = choices.all() else { panic!("two choices") };
        assert_eq!(
            (first.subject.as_str(), first.part.as_str(), first.reason.as_str()),
            ("sm-001", "", "it is so")
        );
        assert_eq!((second.part.as_str(), second.reason.as_str()), ("status/x.*", "as well: yes"));
        assert_eq!(choices.of("sm-001", "sm", "anything"), Some(first));
        assert_eq!(choices.of("gone-7", "gone", "status/x.y"), Some(second));
        assert_eq!(choices.of("gone-7", "gone", "status/y"), None);
        assert!(matches!(Choices::parse("\nsm-plain-001\n"), Err(Error::Choice { line: 2 })));
    }
}
