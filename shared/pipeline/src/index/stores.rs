//! Takes in stores. A changed store moves its declarations to other index keys, where other values may be.
//!
//! Before a store is stored, each of its declarations is marked as pending and indexed under its new keys as well as
//! its old ones. If the index is interrupted, either the old store still stands and the next index starts again, or
//! every change finds all declarations. A superfluous key costs one look.

use crate::base::stores::Stores;
use crate::base::turn::Turn;
use crate::index::apply::{Apply, Taken};
use crate::index::pending::Because;
use crate::index::report::IndexReport;
use crate::parts::Index;
use futures::{FutureExt, StreamExt, stream};
use pawl_domain::{Declaration, DeclarationId, Store, StoreId};
use pawl_ports::{Catalogue, Error, Ports, Put, Registry, Scope};
use std::collections::{BTreeMap, BTreeSet};

impl<P: Ports> Index<P> {
    /// Takes in the stores that are new or changed; returns which. One that fails keeps no other out.
    pub(crate) async fn take_in_stores(
        &self,
        turn: Option<&Turn>,
        apply: Option<&Apply>,
        given: &[Store],
        report: &mut IndexReport,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<BTreeSet<StoreId>, Error> {
        let ids: BTreeSet<StoreId> = given.iter().map(|store| store.id.clone()).collect();
        let known = self.base.ports.registry().stores(&ids).await?;
        let known: BTreeMap<StoreId, Store> =
            known.into_iter().map(|store| (store.id.clone(), store)).collect();
        let taken = |store: &Store| match (apply, known.get(&store.id)) {
            (Some(apply), standing) => apply.store(standing, store),
            (None, None) => Ok(Taken::New),
            (None, Some(standing)) if standing == store => Ok(Taken::Same),
            (None, Some(standing)) if standing.declares_as(store) => Ok(Taken::Adopted),
            (None, Some(_)) => Ok(Taken::Edited),
        };
        let is_changed = |store: &Store| matches!(taken(store), Ok(Taken::New | Taken::Edited));
        let changed: Vec<&Store> = given.iter().filter(|store| is_changed(store)).collect();
        if !changed.is_empty() {
            self.base.take_turn(turn).await?;
        }
        let mut touched = BTreeSet::new();
        for store in given {
            let taken = taken(store);
            let put = match &taken {
                Err(error) => Err(error.shared()),
                Ok(Taken::Same) => Ok(Put::Unchanged),
                // Nothing that is read with it changes: another set, or other labels.
                Ok(Taken::Adopted) => self.base.ports.registry().put_store(store).await,
                Ok(Taken::New | Taken::Edited) => {
                    match self.announce(&store.id, &changed, report, work).await {
                        Ok(()) => self.base.ports.registry().put_store(store).await,
                        Err(error) => Err(error),
                    }
                }
            };
            if is_changed(store) && put.as_ref().is_ok_and(|put| *put != Put::Unchanged) {
                touched.insert(store.id.clone());
            }
            report.objects.push((store.id.to_string(), put));
        }
        Ok(touched)
    }

    /// Marks the declarations of a store as pending and puts them under the keys that they will have, next to those that
    /// they have. One that can never be taken in does not keep the store from changing.
    ///
    /// # Errors
    /// A declaration could not be marked at the moment; the store must not change yet.
    async fn announce(
        &self,
        store: &StoreId,
        changed: &[&Store],
        report: &mut IndexReport,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<(), Error> {
        let mut pages = self.base.ports.registry().pages(Scope::Store(store.clone()));
        while let Some(page) = pages.next().await? {
            let former = self.base.stores_of(&page).await?;
            let future = self.base.stores_of(&page).await?.with(changed.iter().copied());
            // Collected, for compilers take no closure over references for one that may be sent.
            let announcing: Vec<_> =
                page.iter().map(|each| self.announce_one(each, &former, &future).boxed()).collect();
            // In order, so that each result is told its declaration.
            let announced = stream::iter(announcing).buffered(self.base.settings.concurrency);
            let announced: Vec<Result<bool, Error>> = announced.collect().await;
            for (declaration, result) in page.iter().zip(announced) {
                match result {
                    Ok(true) => drop(work.insert(declaration.id.clone())),
                    Ok(false) => {}
                    Err(error) if error.is_retryable() => {
                        return Err(error.within(&format!("not changed yet, for {}: ", declaration.id)));
                    }
                    Err(error) => report.declarations.push((declaration.id.clone(), Err(error))),
                }
            }
        }
        Ok(())
    }

    /// Marks the declarations of a store that is about to go as pending: each of them fails without it, and says so.
    ///
    /// # Errors
    /// A declaration could not be marked; the store must stay for now.
    pub(crate) async fn announce_removal(
        &self,
        store: &StoreId,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<(), Error> {
        let mut pages = self.base.ports.registry().pages(Scope::Store(store.clone()));
        while let Some(page) = pages.next().await? {
            let stores = self.base.stores_of(&page).await?.without(store);
            let marking: Vec<_> =
                page.iter().map(|each| self.mark_pending(each, &stores, Because::Store).boxed()).collect();
            let marked: Vec<_> =
                stream::iter(marking).buffered(self.base.settings.concurrency).collect().await;
            for (declaration, wanted) in page.iter().zip(marked) {
                if wanted? {
                    work.insert(declaration.id.clone());
                }
            }
        }
        Ok(())
    }

    async fn announce_one(
        &self,
        declaration: &Declaration,
        former: &Stores,
        future: &Stores,
    ) -> Result<bool, Error> {
        let wanted = self.mark_pending(declaration, future, Because::Store).await?;
        let mut keys = declaration.index_keys(|id| former.get(id));
        keys.extend(declaration.index_keys(|id| future.get(id)));
        self.rekey(declaration, &keys).await?;
        Ok(wanted)
    }

    /// Takes the declarations of stores that have changed from under the keys that they had before, but for those that
    /// were given and are under their keys already.
    pub(crate) async fn drop_former_keys(
        &self,
        touched: &BTreeSet<StoreId>,
        given: &BTreeSet<DeclarationId>,
        report: &mut IndexReport,
    ) -> Result<(), Error> {
        for store in touched {
            let mut pages = self.base.ports.registry().pages(Scope::Store(store.clone()));
            while let Some(page) = pages.next().await? {
                let stores = self.base.stores_of(&page).await?;
                let mut dropping = Vec::new();
                for declaration in page.iter().filter(|each| !given.contains(&each.id)) {
                    let keys = declaration.index_keys(|id| stores.get(id));
                    let put = async move {
                        let put = self.rekey(declaration, &keys).await;
                        put.err().map(|error| (declaration.id.clone(), Err(error)))
                    };
                    dropping.push(put.boxed());
                }
                let mut dropped = stream::iter(dropping).buffer_unordered(self.base.settings.concurrency);
                while let Some(failed) = dropped.next().await {
                    report.declarations.extend(failed);
                }
            }
        }
        Ok(())
    }
}
