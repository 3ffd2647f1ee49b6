//! Changes that wait to be synced, the last word of each key.

use pawl_domain::{Change, Moved};
use std::collections::{BTreeMap, BTreeSet};

/// By the names of their keys.
#[derive(Debug, Default)]
pub(super) struct News(BTreeMap<BTreeSet<String>, Change>);

impl News {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes what was seen last.
    pub(super) fn add(&mut self, mut change: Change) {
        if self.0.get(&change.names).is_some_and(|before| before.moved == Moved::Existence) {
            change.moved = Moved::Existence;
        }
        self.0.insert(change.names.clone(), change);
    }

    /// Notes what could not be synced. What was seen since is newer.
    pub(super) fn again(&mut self, failed: Change) {
        match self.0.get_mut(&failed.names) {
            Some(newer) if failed.moved == Moved::Existence => newer.moved = Moved::Existence,
            Some(_) => {}
            None => drop(self.0.insert(failed.names.clone(), failed)),
        }
    }

    pub(super) fn into_changes(self) -> impl Iterator<Item = Change> {
        self.0.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use pawl_domain::change::Extent;
    use pawl_domain::{Location, Provider};

    fn changed(key: &str, version: &str, moved: Moved) -> Change {
        Change {
            id: version.to_owned(),
            location: Location { provider: Provider::ALL[0], region: String::new(), account: None },
            names: BTreeSet::from([key.to_owned()]),
            extent: Extent::Key,
            version: Some(version.to_owned()),
            moved,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn of_each_key_the_last_word_counts_and_that_it_came_or_went() {
        use Moved::{Current, Existence};
        let told = |news: News| -> Vec<_> {
            news.into_changes().map(|change| (change.id, change.moved == Existence)).collect()
        };
        let mut news = News::default();
        for (key, version, moved) in [("a", "1", Existence), ("a", "2", Current), ("b", "3", Current)] {
            news.add(changed(key, version, moved));
        }
        assert_eq!(news.len(), 2);
        assert_eq!(told(news), [("2".to_owned(), true), ("3".to_owned(), false)]);

        let mut news = News::default();
        news.add(changed("a", "4", Current));
        for (key, version, moved) in [("a", "2", Existence), ("b", "3", Current)] {
            news.again(changed(key, version, moved));
        }
        let want = [("4".to_owned(), true), ("3".to_owned(), false)];
        assert_eq!(told(news), want, "what was seen since is newer");
    }
}
