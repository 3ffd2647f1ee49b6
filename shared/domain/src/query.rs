//! What a store is asked for: one key, all that a search finds, or what it makes.

use pawl_golang::regexp::Regexp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a store is asked for.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Query {
    /// One key (`remoteRef`, `extract`).
    Key(Remote),
    /// Every key that these criteria match (`find`).
    Find(Find),
    /// What a generator makes (`sourceRef.generatorRef`).
    Generate,
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

/// All that a read tells a store whose own the meaning of `property` and `version` is.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Told {
    /// `key`.
    pub key: String,
    /// `property`; empty for none.
    pub property: String,
    /// `version`; empty for none.
    pub version: String,
}

impl Told {
    /// By this read.
    pub fn by(remote: &Remote) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self { key: remote.key.clone(), property: text(&remote.property), version: text(&remote.version) }
    }

    /// As one text, such as stores are asked with: the key, where nothing else is told, and else a JSON list.
    pub fn to_text(&self) -> String {
        let Self { key, property, version } = self;
        let is_key_alone = property.is_empty() && version.is_empty() && !key.starts_with('[');
        match is_key_alone {
            true => key.clone(),
            false => Value::from(vec![key.as_str(), property.as_str(), version.as_str()]).to_string(),
        }
    }

    /// What such a text tells.
    pub fn from_text(text: &str) -> Self {
        let list: Option<[String; 3]> =
            text.starts_with('[').then(|| serde_json::from_str(text).ok()).flatten();
        let [key, property, version] =
            list.unwrap_or_else(|| [text.to_owned(), String::new(), String::new()]);
        Self { key, property, version }
    }
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
    fn what_a_read_tells_is_one_text_and_back() {
        for (key, property, version, text) in [
            ("app/db", "", "", "app/db"),
            ("", "", "", ""),
            ("app/db", "user", "", r#"["app/db","user",""]"#),
            ("app/db", "", "3", r#"["app/db","","3"]"#),
            ("[a]", "", "", r#"["[a]","",""]"#),
            (r#"["a","b","c"]"#, "", "", r#"["[\"a\",\"b\",\"c\"]","",""]"#),
        ] {
            let [key, property, version] = [key, property, version].map(str::to_owned);
            let told = Told { key, property, version };
            assert_eq!(told.to_text(), text);
            assert_eq!(Told::from_text(text), told);
        }
    }

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
