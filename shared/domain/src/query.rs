//! What a store is asked for: one key, or all that a search finds.

use pawl_golang::regexp::Regexp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a store is asked for.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Query {
    /// One key (`remoteRef`, `extract`).
    Key(Remote),
    /// Every key that these criteria match (`find`).
    Find(Find),
}

/// `remoteRef` or `extract`: one key of a store.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Remote {
    /// `key` as declared: a name, an ARN or a path.
    pub key: String,
    /// `property`: which part of the value.
    pub property: Option<String>,
    /// `version` as declared; [`Remote::selector`] reads it.
    pub version: Option<String>,
    /// `metadataPolicy: Fetch`: what the store knows about the key (tags and the like) is read in place of its value.
    pub metadata: bool,
}

/// `find`: criteria that all must hold.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Find {
    /// The path that the search begins at.
    pub path: Option<String>,
    /// `name.regexp`: an RE2 pattern, not anchored.
    pub name: Option<String>,
    /// Tags that a key must have.
    pub tags: BTreeMap<String, String>,
}

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
