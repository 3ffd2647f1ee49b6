//! Keys that are gone without a trace: no list in the order of changes shows them, only their absence from the whole list.

use super::stores::{Pages, Visit};
use super::{Findings, PAGE};
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::ports::{Listed, Listing, Ports, Registry, Sources};
use pawl_domain::refresh::due;
use pawl_domain::{Declaration, IndexKey, Location, Provider, Query, Read, Record, Store, Versions};
use std::collections::{BTreeSet, HashSet};

/// Up to so many keys are asked for one by one, which costs less than most whole lists.
const FEW: usize = 20;

/// The keys that a whole list shows.
#[derive(Default)]
struct Shown(HashSet<IndexKey>);

impl Shown {
    fn of(location: &Location, listed: &[Listed]) -> Self {
        let names = listed.iter().flat_map(|each| &each.names);
        Self(names.flat_map(|name| location.index_keys(name)).collect())
    }

    fn lacks(&self, location: &Location, key: &str) -> bool {
        !location.index_keys(key).iter().any(|key| self.0.contains(key))
    }
}

impl<P: Ports> Pipeline<P> {
    /// Asks for each declared key that is not in the whole list, and delivers what was written with it.
    ///
    /// Of Secrets Manager the whole list is read seldom; between that only for declarations whose target goes or shrinks
    /// with the key, at each interval.
    pub(super) async fn sweep_absent(
        &self,
        visit: &Visit<'_>,
        listing: &Listing,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let location = visit.store().location();
        let shown = listing.complete.then(|| Shown::of(&location, &listing.keys));
        if visit.looks_for_absent() {
            let Some(shown) = shown else { return Ok(()) };
            for store in &visit.group.stores {
                let mut pages = Pages::of(store);
                while let Some(page) = pages.next(self).await? {
                    self.sweep_missing(visit, page, &shown, found).await?;
                }
            }
            return Ok(());
        }
        if visit.provider() != Provider::SecretsManager {
            return Ok(());
        }
        let ids = self.special(visit.round, location.deletions_key(), visit.access).await?;
        if ids.is_empty() {
            return Ok(());
        }
        let shown = match shown {
            Some(shown) => shown,
            None if self.are_few(&ids).await? => Shown::default(),
            None => match self.whole_list(visit).await {
                Ok(whole) => Shown::of(&location, &whole.keys),
                Err(error) => {
                    found.fail(&visit.name(), error);
                    return Ok(());
                }
            },
        };
        for ids in ids.chunks(PAGE) {
            let declarations = self.ports.registry().declarations(ids).await?;
            self.sweep_missing(visit, declarations, &shown, found).await?;
        }
        Ok(())
    }

    async fn whole_list(&self, visit: &Visit<'_>) -> Result<Listing, Error> {
        self.at_store(visit.access, self.ports.sources().changed_since(visit.access, None)).await
    }

    /// Whether these read single keys only, and few of them.
    async fn are_few(&self, ids: &[pawl_domain::DeclarationId]) -> Result<bool, Error> {
        if ids.len() > FEW {
            return Ok(false);
        }
        let declarations = self.ports.registry().declarations(ids).await?;
        let reads = || declarations.iter().flat_map(|each| &each.reads);
        let keys: BTreeSet<_> = reads().filter_map(Read::remote).map(|remote| &remote.key).collect();
        Ok(keys.len() <= FEW && reads().all(|read| matches!(read.query, Query::Key(_))))
    }

    async fn sweep_missing(
        &self,
        visit: &Visit<'_>,
        declarations: Vec<Declaration>,
        shown: &Shown,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let is_asked = |read: &Read, store: &Store| {
            let absent = |key: &str| shown.lacks(&store.location(), &store.remote_key(key));
            // The others were asked for already.
            store.lists_changes_of(&read.query) && read.remote().is_some_and(|remote| absent(&remote.key))
        };
        let lost_some = |declaration: &Declaration,
                         read: &Read,
                         store: &Store,
                         record: Option<&Record>,
                         position: usize| {
            let absent = |name: &String| shown.lacks(&store.location(), &store.backend.found_key(name));
            matches!(read.query, Query::Find(_))
                && store.lists_changes_of(&read.query)
                && match record.and_then(|record| record.versions.get(position)) {
                    Some(Versions::Many(written)) => written.keys().any(absent),
                    Some(Versions::Uncounted) => due(declaration, record, visit.started),
                    Some(Versions::One(_) | Versions::Missing) | None => false,
                }
        };
        self.sweep_asked(visit, declarations, is_asked, lost_some, found).await
    }
}
