//! The rule: does this declaration read this key, and does the change concern the version it reads?

use crate::change::{Change, Moved};
use crate::declaration::{Declaration, Query, Read};
use crate::provider::{Profile, VersionSelector};
use crate::store::{Store, StoreId};
use jiff::Timestamp;
use std::fmt;

/// Whether a change concerns a declaration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Affected {
    /// At least one of its reads may have a new value.
    Yes,
    /// It stays as it is, for this reason.
    No(NotAffected),
}

/// Why a change leaves a declaration alone; `pawl explain` shows it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotAffected {
    /// It reads no key that the change's names may mean, or only in another region or account.
    OtherKey,
    /// It reads the key in a version that the change did not move.
    OtherVersion,
    /// Its refreshPolicy or a refreshInterval of zero says to read once.
    ReadOnce,
    /// Its syncWindows hold it back for now; it is brought up to date when they let it.
    WindowClosed,
}

impl Affected {
    /// What is left of it at this moment: sync windows may hold back what is affected.
    #[must_use]
    pub fn at(self, declaration: &Declaration, now: Timestamp) -> Self {
        match self {
            Self::Yes if !declaration.refresh.is_let_run(now) => Self::No(NotAffected::WindowClosed),
            other => other,
        }
    }
}

impl fmt::Display for NotAffected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherKey => "it does not read this key (name, account and region must agree)",
            Self::OtherVersion => "it reads a version of this key that did not move",
            Self::ReadOnce => "its refreshPolicy or refreshInterval says to read once",
            Self::WindowClosed => "its syncWindows hold it back for now",
        })
    }
}

/// Decides whether `change` concerns `declaration`, whose stores `store` answers.
///
/// A read whose store is not known cannot be affected: it cannot be read either.
pub fn affected<'a>(
    change: &Change,
    declaration: &Declaration,
    store: impl Fn(&StoreId) -> Option<&'a Store>,
) -> Affected {
    let reads = reads_of_key(change, declaration, store);
    if reads.is_empty() {
        Affected::No(NotAffected::OtherKey)
    } else if !reads.iter().any(|(_, concerned)| *concerned) {
        Affected::No(NotAffected::OtherVersion)
    } else if declaration.refresh.reads_once() {
        Affected::No(NotAffected::ReadOnce)
    } else {
        Affected::Yes
    }
}

/// The positions in `declaration.reads` whose value the change may have moved.
pub fn concerned_reads<'a>(
    change: &Change,
    declaration: &Declaration,
    store: impl Fn(&StoreId) -> Option<&'a Store>,
) -> Vec<usize> {
    let reads = reads_of_key(change, declaration, store);
    reads.into_iter().filter_map(|(index, concerned)| concerned.then_some(index)).collect()
}

/// The reads of the changed key by position, each with whether the change concerns the version it reads.
fn reads_of_key<'a>(
    change: &Change,
    declaration: &Declaration,
    store: impl Fn(&StoreId) -> Option<&'a Store>,
) -> Vec<(usize, bool)> {
    let of_read = |(index, read): (usize, &Read)| {
        let store = store(&read.store)?;
        let remote = match &read.query {
            Query::Key(remote) => remote,
            Query::Generate => return None,
            Query::Find(find) => {
                let here = store.location().agrees_with(&change.location);
                let search = store.backend.search(find);
                let found =
                    here && (!change.extent.is_key() || change.names.iter().any(|name| search.finds(name)));
                let tags = change.moved == Moved::Metadata && !find.tags.is_empty();
                return found.then(|| (index, tags || concerns(change, &VersionSelector::Current)));
            }
        };
        let key = store.remote_key(&remote.key);
        let location = store.location().of_key(&key);
        let same_key = location.agrees_with(&change.location) && change.speaks_of(&key);
        // What a store knows about a key stays as it is when another version of the value comes, but where it is known of
        // the version in force.
        let concerned = match remote.metadata {
            true if location.provider.profile().metadata_follows_value => true,
            true => matches!(change.moved, Moved::Existence | Moved::Metadata),
            false => concerns(change, &remote.selector(store)),
        };
        same_key.then_some((index, concerned))
    };
    declaration.reads.iter().enumerate().filter_map(of_read).collect()
}

/// Whether what moved can change what this selector finds.
fn concerns(change: &Change, selector: &VersionSelector) -> bool {
    let Profile { labels_that_follow, .. } = change.location.provider.profile();
    match (&change.moved, selector) {
        (Moved::Existence, _) => true,
        (Moved::Current, VersionSelector::Current) => true,
        (Moved::Current, VersionSelector::Label(label)) => labels_that_follow.contains(&label.as_str()),
        (Moved::Label(moved), VersionSelector::Label(label)) => moved == label,
        (Moved::SomeLabel, VersionSelector::Label(_)) => true,
        (Moved::Label(_) | Moved::SomeLabel, VersionSelector::Current) => false,
        (Moved::Current | Moved::Label(_) | Moved::SomeLabel, VersionSelector::Id(_)) => false,
        (Moved::Metadata, _) => false,
    }
}
