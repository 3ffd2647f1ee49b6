//! Lists declarations that somebody looks for, a part at a time, however many there are.

use crate::parts::Explain;
use jiff::Timestamp;
use pawl_domain::affected::concerned_reads;
use pawl_domain::record::State;
use pawl_domain::refresh::overdue;
use pawl_domain::{Change, ClusterName, Declaration, DeclarationId, Namespace, Query, Record, StoreId};
use pawl_ports::{Clock, Error, Ledger, PAGE, Ports, Registry, Scope, Unreadable};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Which declarations are looked for: those to which all of this applies.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// The cluster that they go to.
    pub cluster: Option<ClusterName>,
    /// Their namespace.
    pub namespace: Option<Namespace>,
    /// A store that they read.
    pub store: Option<StoreId>,
    /// A key that they read, as `pawl who` takes it.
    pub key: Option<String>,
    /// A part of their name, of their target's name, or of a key as they name it; without regard to case.
    pub text: Option<String>,
    /// How they fare.
    pub fares: Option<Fares>,
    /// The code of their failure.
    pub code: Option<String>,
}

/// How a declaration fares, as [`Tally`](super::fleet::Tally) counts it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fares {
    /// It is as declared.
    Settled,
    /// It waits to be delivered.
    Waiting,
    /// It failed the last time.
    Failing,
    /// It is set aside.
    SetAside,
    /// It is staler than its `refreshInterval` and one sweep period.
    Overdue,
}

/// A part of what was looked for.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// In ascending order of ids.
    pub rows: Vec<Listed>,
    /// How many declarations were looked at for them.
    pub examined: usize,
    /// Behind which declaration to go on; `None` when there are no more.
    pub next: Option<DeclarationId>,
}

impl Listing {
    /// How many declarations are looked at for one part, so that a rare thing in a large registry costs no more than that.
    pub const MOST_EXAMINED: usize = 10 * PAGE;
}

/// A declaration, with what the ledger knows of it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The declaration.
    pub declaration: Declaration,
    /// What happened last; `None` before its first attempt, and where that cannot be read.
    pub record: Option<Record>,
    /// Why the record cannot be read, if it cannot.
    pub unreadable: Option<Unreadable>,
}

impl<P: Ports> Explain<P> {
    pub(crate) async fn known(&self, declarations: Vec<Declaration>) -> Result<Vec<Listed>, Error> {
        let mut entries = self.base.ports.ledger().entries_of(&declarations).await?;
        let ids = declarations.iter().map(|each| &each.id);
        let without: Vec<_> = ids.filter(|id| !entries.contains_key(id)).cloned().collect();
        let mut unreadable: BTreeMap<String, Unreadable> = match without.is_empty() {
            true => BTreeMap::new(),
            false => {
                let found = self.base.ports.ledger().unreadable_records(&without).await?;
                found.into_iter().map(|each| (each.id.clone(), each)).collect()
            }
        };
        let listed = |declaration: Declaration| Listed {
            record: entries.remove(&declaration.id).map(|entry| entry.record),
            unreadable: unreadable.remove(&declaration.id.to_string()),
            declaration,
        };
        Ok(declarations.into_iter().map(listed).collect())
    }

    pub(crate) async fn listed(
        &self,
        filter: &Filter,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Listing, Error> {
        let now = self.base.ports.clock().now();
        let way = self.way(filter).await?;
        let mut listing = Listing::default();
        let mut position = after.cloned();
        loop {
            let Some(part) = self.part(&way, filter, position.as_ref()).await? else {
                listing.next = None;
                return Ok(listing);
            };
            listing.examined += part.looked_at;
            for each in self.known(part.declarations).await? {
                let id = each.declaration.id.clone();
                if filter.is_passed_by(&id) {
                    listing.next = None;
                    return Ok(listing);
                }
                if filter.chooses(&each, self.base.settings.sweep_period, now) {
                    if listing.rows.len() == limit {
                        return Ok(listing);
                    }
                    listing.rows.push(each);
                }
                listing.next = Some(id);
            }
            listing.next = Some(part.until.clone());
            position = Some(part.until);
            if listing.examined >= Listing::MOST_EXAMINED {
                return Ok(listing);
            }
        }
    }

    /// Along which index the declarations are found.
    async fn way(&self, filter: &Filter) -> Result<Way, Error> {
        if let Some(key) = &filter.key {
            let (changes, mut ids) = (self.changes_of_key(key, None).await?, BTreeSet::new());
            for change in &changes {
                ids.extend(self.base.candidates(change).await?);
            }
            return Ok(Way::Key { changes, ids });
        }
        // Whatever does not settle is in an index of its own, and nothing else can be overdue or fail.
        let unsettled = filter.fares.is_some_and(|fares| fares != Fares::Settled) || filter.code.is_some();
        Ok(match (unsettled, &filter.store, &filter.cluster) {
            (true, _, _) => Way::Unsettled,
            (false, Some(store), _) => Way::Pages(Scope::Store(store.clone())),
            (false, None, Some(cluster)) => Way::Pages(Scope::Cluster(cluster.clone())),
            (false, None, None) => Way::Pages(Scope::All),
        })
    }

    /// The next declarations along it behind `after`; `None` when there are no more.
    async fn part(
        &self,
        way: &Way,
        filter: &Filter,
        after: Option<&DeclarationId>,
    ) -> Result<Option<Part>, Error> {
        let registry = self.base.ports.registry();
        let floor = filter.floor();
        let begin = after.or(floor.as_ref());
        let ids: Vec<DeclarationId> = match way {
            Way::Key { changes, ids } => {
                let behind = ids.iter().filter(|id| after.is_none_or(|after| *id > after));
                let ids: Vec<_> = behind.take(PAGE).cloned().collect();
                let Some(until) = ids.last().cloned() else { return Ok(None) };
                let mut declarations = registry.declarations(&ids).await?;
                let stores = self.base.stores_of(&declarations).await?;
                let reads = |each: &Declaration, change: &Change| {
                    !concerned_reads(change, each, |id| stores.get(id)).is_empty()
                };
                declarations.retain(|each| changes.iter().any(|change| reads(each, change)));
                return Ok(Some(Part { declarations, looked_at: ids.len(), until }));
            }
            Way::Unsettled => {
                let mut ids = self.base.ports.ledger().unsettled(begin, PAGE).await?;
                // The one that the search begins behind may be one that is looked for.
                ids.splice(0..0, floor.filter(|_| after.is_none()));
                ids
            }
            Way::Pages(scope) => {
                let mut page = registry.page(scope, begin, PAGE).await?;
                if let Some(floor) = floor.filter(|_| after.is_none()) {
                    let first = registry.declarations(std::slice::from_ref(&floor)).await?;
                    page.splice(0..0, first);
                }
                let until = page.last().map(|last| last.id.clone());
                return Ok(until.map(|until| Part { looked_at: page.len(), declarations: page, until }));
            }
        };
        let Some(until) = ids.last().cloned() else { return Ok(None) };
        Ok(Some(Part { declarations: registry.declarations(&ids).await?, looked_at: ids.len(), until }))
    }
}

/// An index that declarations are found along, in ascending order of ids.
enum Way {
    Pages(Scope),
    Unsettled,
    /// Whatever may read a key, by the index from keys to declarations.
    Key {
        changes: Vec<Change>,
        ids: BTreeSet<DeclarationId>,
    },
}

/// Some declarations; the next ones are behind `until`.
struct Part {
    declarations: Vec<Declaration>,
    looked_at: usize,
    until: DeclarationId,
}

impl Filter {
    /// The least id that a declaration of the cluster, and of the namespace, can have; `None` where any will do.
    fn floor(&self) -> Option<DeclarationId> {
        let cluster = self.cluster.clone()?;
        // A zero sorts before all that a name may begin with.
        let namespace = self.namespace.clone().or_else(|| "0".parse().ok())?;
        Some(DeclarationId { cluster, namespace, name: "0".parse().ok()? })
    }

    /// Whether this and all that follow are of another cluster, or of another namespace of it.
    fn is_passed_by(&self, id: &DeclarationId) -> bool {
        let Some(cluster) = &self.cluster else { return false };
        let beyond = self.namespace.as_ref().is_some_and(|namespace| id.namespace > *namespace);
        id.cluster > *cluster || id.cluster == *cluster && beyond
    }

    fn chooses(&self, each: &Listed, period: Duration, now: Timestamp) -> bool {
        let Listed { declaration, record, unreadable } = each;
        let state = record.as_ref().map(|record| &record.state);
        let code = || match state {
            Some(State::Failed(failure)) => Some(failure.code().to_string()),
            _ => None,
        };
        let fares = |fares: Fares| match (fares, record) {
            (Fares::Settled, _) => matches!(state, Some(State::Settled(_))),
            (Fares::Waiting, _) => unreadable.is_none() && matches!(state, None | Some(State::Pending)),
            (Fares::Failing, _) => matches!(state, Some(State::Failed(_))),
            (Fares::SetAside, Some(record)) => record.is_set_aside(declaration),
            (Fares::Overdue, Some(record)) => overdue(declaration, record, period, now).is_some(),
            (Fares::SetAside | Fares::Overdue, None) => false,
        };
        self.cluster.as_ref().is_none_or(|cluster| declaration.id.cluster == *cluster)
            && self.namespace.as_ref().is_none_or(|namespace| declaration.id.namespace == *namespace)
            && self
                .store
                .as_ref()
                .is_none_or(|store| declaration.reads.iter().any(|read| read.store == *store))
            && self.text.as_ref().is_none_or(|text| mentions(declaration, &text.to_lowercase()))
            && self.fares.is_none_or(fares)
            && self.code.as_ref().is_none_or(|wanted| code().as_ref() == Some(wanted))
    }
}

fn mentions(declaration: &Declaration, text: &str) -> bool {
    let has = |part: &str| part.to_lowercase().contains(text);
    has(declaration.id.name.as_str())
        || has(declaration.target.name.as_str())
        || declaration.reads.iter().any(|read| match &read.query {
            Query::Key(remote) => has(&remote.key),
            Query::Generate => has(read.store.name.as_str()),
            Query::Find(find) => {
                find.path.as_deref().is_some_and(has) || find.name.as_deref().is_some_and(has)
            }
        })
}
