//! Finds keys that disappeared without a trace: no list in the order of changes shows them, only their absence from
//! the whole list.

use super::visit::Visit;
use crate::base::lists::Shown;
use crate::parts::Sweep;
use crate::sweep::found::Findings;
use pawl_domain::refresh::due;
use pawl_domain::{Declaration, Query, Read, Record, Store, Versions};
use pawl_ports::{Error, Listing, PAGE, Ports, Registry, Scope, Sources};
use std::collections::BTreeSet;

/// Up to so many keys are asked for one by one, which costs less than most whole lists.
const FEW: usize = 20;

impl<P: Ports> Sweep<P> {
    /// Asks for each declared key that is not in the whole list, and delivers what was written with it.
    ///
    /// Of Secrets Manager the whole list comes by itself where it is one page; what is missing there is looked for when
    /// a key is gone from it. Else it is read seldom, and between that only for declarations whose target goes or shrinks
    /// with the key, at each interval.
    pub(super) async fn sweep_absent(
        &self,
        visit: &Visit<'_>,
        listing: &Listing,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let location = visit.store().location();
        let shown = listing.complete.then(|| Shown::of(&location, &listing.keys));
        let Some(shown) = shown else {
            let hides = !visit.looks_for_absent() && visit.can.hides_deletions();
            return if hides { self.sweep_deletions(visit, found).await } else { Ok(()) };
        };
        let lost_some = self.base.memory.lists.lost_some(visit.access, &shown);
        if lost_some != Some(false) || visit.looks_for_absent() {
            // A process that has just begun does not read a large registry for it.
            let most = if visit.looks_for_absent() || lost_some.is_some() { usize::MAX } else { PAGE - 1 };
            for store in &visit.group.stores {
                let mut pages = self.base.ports.registry().pages(Scope::Store(store.id.clone()));
                while let Some(page) = pages.next().await?.filter(|page| page.len() <= most) {
                    self.sweep_missing(visit, page, &shown, found).await?;
                }
            }
        }
        if !found.held {
            self.base.memory.lists.remember(visit.access, &shown);
        }
        Ok(())
    }

    /// Looks for keys that are gone without a trace, for those declarations whose target goes or shrinks with them.
    async fn sweep_deletions(&self, visit: &Visit<'_>, found: &mut Findings) -> Result<(), Error> {
        let location = visit.store().location();
        let ids = self.special(visit.round, location.deletions_key(), visit.access).await?;
        if ids.is_empty() {
            return Ok(());
        }
        let shown = if self.are_few(&ids).await? {
            Shown::default()
        } else {
            match self.whole_list(visit).await {
                Ok(whole) => Shown::of(&location, &whole.keys),
                Err(error) => {
                    found.fail(&visit.name(), error);
                    return Ok(());
                }
            }
        };
        for ids in ids.chunks(PAGE) {
            let declarations = self.base.ports.registry().declarations(ids).await?;
            self.sweep_missing(visit, declarations, &shown, found).await?;
        }
        Ok(())
    }

    async fn whole_list(&self, visit: &Visit<'_>) -> Result<Listing, Error> {
        self.base.at_store(visit.access, self.base.ports.sources().changed_since(visit.access, None)).await
    }

    /// Whether these read single keys only, and few of them.
    async fn are_few(&self, ids: &[pawl_domain::DeclarationId]) -> Result<bool, Error> {
        if ids.len() > FEW {
            return Ok(false);
        }
        let declarations = self.base.ports.registry().declarations(ids).await?;
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
