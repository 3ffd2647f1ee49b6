//! The sweep of searches: what a listing tells of keys that came, changed or went.

use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::ports::{Listed, Ports, Registry};
use crate::sweep::{PAGE, SweepReport, before, with_access};
use jiff::Timestamp;
use pawl_domain::refresh::due;
use pawl_domain::{Access, Declaration, Find, IndexKey, Query, Record, Store, Version, Versions};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl<P: Ports> Pipeline<P> {
    /// Delivers the declarations that search where these keys were listed and that were written with something else,
    /// and those of which no listing tells once their interval has passed.
    pub(crate) async fn sweep_searches(
        &self,
        access: &Access,
        store: &Store,
        listed: &[Listed],
        started: Timestamp,
        swept: &mut SweepReport,
    ) -> Result<(), Error> {
        let keys = BTreeSet::from([store.location().search_key()]);
        let candidates = self.ports.registry().candidates(&keys).await?;
        for ids in candidates.chunks(PAGE) {
            let declarations = self.ports.registry().declarations(ids).await?;
            let stores = self.stores_of(&declarations).await?;
            let found = Matches::of(access, listed, &declarations);
            let outdated = |declaration: &Declaration, record: Option<&Record>| {
                let reads = with_access(declaration, &stores, access);
                reads.into_iter().any(|(position, store)| {
                    let query = &declaration.reads[position].query;
                    if !store.lists_changes_of(query) {
                        return due(declaration, record, started);
                    }
                    // A single key was looked at with the others.
                    let Query::Find(find) = query else { return false };
                    let mut listed = found.of_search(find).peekable();
                    if listed.peek().is_none() {
                        return false;
                    }
                    let given = Given::of(record, position, store);
                    listed.any(|each| given.differs_from(each, find, store, self.settings.sweep_overlap))
                })
            };
            self.deliver_outdated(declarations, outdated, started, swept).await?;
        }
        Ok(())
    }
}

/// The listed keys that each search may find: many declarations make the same one.
struct Matches<'a>(BTreeMap<Find, Vec<&'a Listed>>);

impl<'a> Matches<'a> {
    fn of(access: &Access, listed: &'a [Listed], declarations: &[Declaration]) -> Self {
        let searches =
            declarations.iter().flat_map(|each| &each.reads).filter_map(|read| match &read.query {
                Query::Find(find) => Some(find),
                Query::Key(_) => None,
            });
        let distinct: BTreeSet<&Find> = searches.collect();
        let of_search = |find: &Find| {
            let search = access.backend.search(find);
            let met = |each: &&Listed| each.names.iter().any(|name| search.finds(name));
            (find.clone(), listed.iter().filter(met).collect())
        };
        Self(distinct.into_iter().map(of_search).collect())
    }

    fn of_search(&self, find: &Find) -> impl Iterator<Item = &'a Listed> + '_ {
        self.0.get(find).into_iter().flatten().copied()
    }
}

/// What a record says that a search gave.
struct Given<'a> {
    record: Option<&'a Record>,
    /// The versions by index key; `None` when they are not recorded.
    versions: Option<BTreeMap<IndexKey, &'a Version>>,
}

impl<'a> Given<'a> {
    fn of(record: Option<&'a Record>, position: usize, store: &Store) -> Self {
        let versions = match record.and_then(|record| record.versions.get(position)) {
            Some(Versions::Uncounted) => None,
            Some(Versions::Many(written)) => Some(written.iter().flat_map(|(name, version)| {
                let keys = store.location().index_keys(&store.backend.found_key(name));
                keys.into_iter().map(move |key| (key, version))
            })),
            Some(Versions::One(_) | Versions::Missing) | None => {
                return Self { record, versions: Some(BTreeMap::new()) };
            }
        };
        Self { record, versions: versions.map(Iterator::collect) }
    }

    /// Whether a listed key is another one than was given: new, gone, or of another version. Whether a key has the
    /// tags is not in the listing, so there a change since the last refresh counts, or shortly before: the list that
    /// was searched then may have lagged.
    fn differs_from(&self, listed: &Listed, find: &Find, store: &Store, overlap: Duration) -> bool {
        let Some(versions) = &self.versions else { return changed_since(listed, self.record, overlap) };
        let location = store.location();
        let known =
            listed.names.iter().flat_map(|name| location.index_keys(name)).find_map(|key| versions.get(&key));
        let same = known.map(|version| version.id.as_str()) == listed.version.as_deref();
        match find.tags.is_empty() {
            true => !same,
            // A key without the tags is listed like any other.
            false => (known.is_some() && !same) || changed_since(listed, self.record, overlap),
        }
    }
}

/// Whether a listed key changed after the last refresh, less an overlap, or may have.
fn changed_since(listed: &Listed, record: Option<&Record>, overlap: Duration) -> bool {
    let Some(refreshed) = record.and_then(|record| record.refreshed) else { return true };
    listed.changed.is_none_or(|changed| changed > before(refreshed, overlap))
}
