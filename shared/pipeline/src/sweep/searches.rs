//! Sweeps searches: what a listing says of keys that appeared, changed or disappeared.

use super::compare::{changed_since, is_same};
use super::visit::{Visit, with_access};
use crate::parts::Sweep;
use crate::sweep::found::Findings;
use pawl_domain::{Access, Declaration, Find, IndexKey, Query, Record, Store, Version, Versions};
use pawl_ports::{Error, Listed, PAGE, Ports, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

impl<P: Ports> Sweep<P> {
    /// Delivers the declarations that search where these keys were listed and that were written with something else.
    pub(super) async fn sweep_searches(
        &self,
        visit: &Visit<'_>,
        listed: &[&Listed],
        found: &mut Findings,
    ) -> Result<(), Error> {
        if listed.is_empty() {
            return Ok(());
        }
        let ids = self.special(visit.round, visit.store().location().search_key(), visit.access).await?;
        for ids in ids.chunks(PAGE) {
            let declarations = self.base.ports.registry().declarations(ids).await?;
            let stores = self.base.stores_under(&visit.round.rules, &declarations).await?;
            let matches = Matches::of(visit.access, listed, &declarations);
            let outdated = |declaration: &Declaration, record: Option<&Record>| {
                let reads = with_access(declaration, &stores, visit.access);
                reads.into_iter().any(|(position, store)| {
                    // A single key was looked at with the others.
                    let Query::Find(find) = &declaration.reads[position].query else { return false };
                    let mut listed = matches.of_search(find).peekable();
                    if listed.peek().is_none() {
                        return false;
                    }
                    let given = Given::of(record, position, store);
                    listed.any(|each| given.differs_from(each, find, store, self.base.settings.sweep_overlap))
                })
            };
            self.deliver_outdated(visit, declarations, outdated, found).await?;
        }
        Ok(())
    }
}

/// The listed keys that each search may find: many declarations make the same one.
struct Matches<'a>(BTreeMap<Find, Vec<&'a Listed>>);

impl<'a> Matches<'a> {
    fn of(access: &Access, listed: &[&'a Listed], declarations: &[Declaration]) -> Self {
        let searches =
            declarations.iter().flat_map(|each| &each.reads).filter_map(|read| match &read.query {
                Query::Find(find) => Some(find),
                Query::Key(_) | Query::Generate => None,
            });
        let distinct: BTreeSet<&Find> = searches.collect();
        let of_search = |find: &Find| {
            let search = access.backend.search(find);
            let met = |each: &&Listed| each.names.iter().any(|name| search.finds(name));
            (find.clone(), listed.iter().copied().filter(met).collect())
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

    /// Whether a listed key is another one than was given: new, gone, or of another version. Where the listing tells no
    /// tags and the search asks for some, a change since the last refresh counts, or shortly before: the list that was
    /// searched then may have lagged.
    fn differs_from(&self, listed: &Listed, find: &Find, store: &Store, overlap: Duration) -> bool {
        let Some(versions) = &self.versions else { return changed_since(listed, self.record, overlap) };
        let location = store.location();
        let known =
            listed.names.iter().flat_map(|name| location.index_keys(name)).find_map(|key| versions.get(&key));
        let same = is_same(known.copied(), listed, location.provider.profile().order);
        match &listed.tags {
            _ if find.tags.is_empty() => !same,
            // A key without the tags is listed like any other.
            Some(tags) if known.is_none() => listed.version.is_some() && may_have(find, tags),
            Some(tags) => !same || !may_have(find, tags),
            None => (known.is_some() && !same) || changed_since(listed, self.record, overlap),
        }
    }
}

/// Whether a search for tags may find a key with these. Secrets Manager compares beginnings, of names and values apart.
fn may_have(find: &Find, tags: &BTreeMap<String, String>) -> bool {
    find.tags.iter().all(|(name, value)| {
        tags.keys().any(|tag| tag.starts_with(name.as_str()))
            && tags.values().any(|tag| tag.starts_with(value.as_str()))
    })
}
