//! Takes in declarations, wherever they were found.

use crate::base::stores::Stores;
use crate::base::turn::{Taking, Turn};
use crate::index::apply::{Apply, Taken};
use crate::index::pending::Because;
use crate::index::report::IndexReport;
use crate::parts::Index;
use futures::{FutureExt, StreamExt, stream};
use pawl_domain::{ClusterName, Declaration, DeclarationId, Kind, Step, StoreId};
use pawl_ports::{Catalogue, Error, Ledger, Ports, Put, Registry};
use std::collections::{BTreeMap, BTreeSet};

impl<P: Ports> Index<P> {
    /// Takes in a page of declarations; those that read stores that were touched are put under their new keys.
    pub(crate) async fn take_in(
        &self,
        taking: Taking<'_>,
        page: &[Declaration],
        clusters: &BTreeSet<ClusterName>,
        touched: &BTreeSet<StoreId>,
        report: &mut IndexReport,
        work: &mut BTreeSet<DeclarationId>,
    ) -> Result<(), Error> {
        let Taking { turn, apply, .. } = taking;
        let stores = self.base.stores_of(page).await?;
        let ids: Vec<_> = page.iter().map(|each| each.id.clone()).collect();
        let known = self.base.ports.registry().declarations(&ids).await?;
        let known: BTreeMap<_, _> = known.into_iter().map(|each| (each.id.clone(), each)).collect();
        let removed = self.being_removed(turn, &ids).await?;
        let (mut done, mut open) = (Vec::new(), Vec::new());
        for declaration in page {
            let standing = known.get(&declaration.id);
            let is_left = !removed.contains(&declaration.id) && declaration.stores().is_disjoint(touched);
            match check(declaration, standing, clusters, apply) {
                Ok(Taken::Same) if is_left => done.push((declaration.id.clone(), Ok(Put::Unchanged))),
                Ok(taken) => {
                    let same = matches!(taken, Taken::Same | Taken::Adopted);
                    open.push((declaration, standing, same && !removed.contains(&declaration.id)));
                }
                Err(error) => done.push((declaration.id.clone(), Err(error))),
            }
        }
        if !open.is_empty() {
            self.base.take_turn(turn).await?;
        }
        // Collected, for compilers take no closure over references for one that may be sent.
        let taking: Vec<_> = open
            .into_iter()
            .map(|(declaration, standing, same)| {
                self.take_in_one(declaration, standing, same, &stores).boxed()
            })
            .collect();
        let mut taken = stream::iter(taking).buffer_unordered(self.base.settings.concurrency);
        while let Some((id, put)) = taken.next().await {
            work.extend(put.as_ref().is_ok_and(|(_, wanted)| *wanted).then(|| id.clone()));
            done.push((id, put.map(|(put, _)| put)));
        }
        done.sort_by(|(a, _), (b, _)| a.cmp(b));
        report.declarations.extend(done);
        Ok(())
    }

    /// Takes in one declaration; says whether it must be delivered. What a changed store means for one that stays the same
    /// is noted already.
    async fn take_in_one(
        &self,
        declaration: &Declaration,
        standing: Option<&Declaration>,
        same: bool,
        stores: &Stores,
    ) -> (DeclarationId, Result<(Put, bool), Error>) {
        let taking = async {
            let wanted = !same && self.mark_pending(declaration, stores, Because::Declared(standing)).await?;
            let keys = declaration.index_keys(|id| stores.get(id));
            let put = self.base.ports.registry().put(declaration, &keys, standing).await?;
            Ok((put, wanted))
        };
        (declaration.id.clone(), taking.await)
    }

    /// Those of these declarations whose removal is under way or not finished, so that they must be declared anew. What
    /// lives in a cluster is indexed again and again, and found missing then.
    async fn being_removed(
        &self,
        turn: Option<&Turn>,
        ids: &[DeclarationId],
    ) -> Result<BTreeSet<DeclarationId>, Error> {
        if turn.is_some() {
            return Ok(BTreeSet::new());
        }
        let entries = self.base.ports.ledger().entries(ids).await?;
        let removed = entries.into_iter().filter(|entry| entry.record.owed.removed.is_some());
        Ok(removed.map(|entry| entry.id).collect())
    }
}

/// A declaration goes to a cluster that is known, and has one home and one set.
pub(crate) fn check(
    declaration: &Declaration,
    standing: Option<&Declaration>,
    clusters: &BTreeSet<ClusterName>,
    apply: Option<&Apply>,
) -> Result<Taken, Error> {
    if !clusters.contains(&declaration.id.cluster) {
        return Err(unknown_cluster(&declaration.id.cluster));
    }
    if standing.is_some_and(|standing| standing.home != declaration.home) {
        let message =
            "an ExternalSecret of this name is declared both in the cluster and outside of it; remove one";
        return Err(Error::new(Step::Lookup, Kind::Invalid, message));
    }
    match (apply, standing) {
        (Some(apply), standing) => apply.declaration(standing, declaration),
        (None, None) => Ok(Taken::New),
        (None, Some(standing)) if standing == declaration => Ok(Taken::Same),
        (None, Some(standing)) if standing.declares_as(declaration) => Ok(Taken::Adopted),
        (None, Some(_)) => Ok(Taken::Edited),
    }
}

/// The error of a cluster that a declaration names and nobody declared.
pub(crate) fn unknown_cluster(name: &ClusterName) -> Error {
    Error::new(
        Step::Lookup,
        Kind::Invalid,
        format!("cluster {name} is not known; apply a Cluster of this name"),
    )
}
