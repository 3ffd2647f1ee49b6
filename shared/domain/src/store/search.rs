//! Searches: which names one may find, and what its answers are called.

use super::Backend;
use crate::change::Change;
use crate::query::{Find, NamePattern};

/// A search of one store, ready for many names.
#[derive(Debug)]
pub struct Search<'a> {
    backend: &'a Backend,
    find: &'a Find,
    /// Nothing when it does not compile: then everything may be found, and asking the store says what is wrong.
    pattern: Option<NamePattern>,
}

impl Search<'_> {
    /// Whether the search may find the key that a sender or a listing calls by this name. Tags cannot be told from a
    /// name, so they count as given.
    pub fn finds(&self, name: &str) -> bool {
        let named = |name: &str| self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
        self.backend.spec().finds(self.find, &named, name)
    }
}

impl Backend {
    /// This store under these criteria.
    pub fn search<'a>(&'a self, find: &'a Find) -> Search<'a> {
        Search { backend: self, find, pattern: find.pattern().ok() }
    }

    /// The key that a search's answer calls by this name, as the provider knows it.
    pub fn found_key(&self, name: &str) -> String {
        self.spec().found_key(name)
    }

    /// What a search's answer calls the key that is declared so.
    pub fn found_name(&self, key: &str) -> String {
        self.spec().found_name(key)
    }

    /// What listings and senders call the key that is declared so.
    pub fn listed_name(&self, key: &str) -> String {
        self.spec().listed_name(key)
    }

    /// Those of a search's names that `change` speaks of: one, unless two keys may be meant or the
    /// change is of a folder.
    pub fn named_by<'n>(
        &self,
        change: &Change,
        names: impl IntoIterator<Item = &'n String>,
    ) -> Vec<&'n String> {
        names.into_iter().filter(|name| change.speaks_of(&self.found_key(name))).collect()
    }
}
