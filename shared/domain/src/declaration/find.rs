//! Which names a search finds.

use super::Find;
use pawl_golang::regexp::Regexp;

impl Find {
    /// `name.regexp`, ready for many names.
    ///
    /// # Errors
    /// [`InvalidPattern`] when Go would refuse the pattern; the declaration needs mending.
    pub fn pattern(&self) -> Result<NamePattern, InvalidPattern> {
        let pattern = self.name.as_deref().map(Regexp::new).transpose();
        pattern.map(NamePattern).map_err(|error| InvalidPattern(error.to_string()))
    }
}

/// A compiled `find.name.regexp`.
#[derive(Clone, Debug)]
pub struct NamePattern(Option<Regexp>);

impl NamePattern {
    /// Whether the pattern matches anywhere in a name, written as the store writes it. Without a pattern every name
    /// matches.
    pub fn is_match(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|pattern| pattern.is_match(name))
    }
}

/// `find.name.regexp` is not a regular expression.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("find.name.regexp: {0}; correct the pattern")]
pub struct InvalidPattern(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_not_anchored() {
        let named = |pattern: &str| Find { name: Some(pattern.to_owned()), ..Find::default() }.pattern();
        let app = named("app").unwrap();
        assert!(app.is_match("my-app/db") && !app.is_match("my-web/db"));
        assert!(Find::default().pattern().unwrap().is_match("anything"));
        let refused = named("a(").unwrap_err().to_string();
        assert!(refused.starts_with("find.name.regexp: invalid regular expression"), "{refused}");
    }
}
