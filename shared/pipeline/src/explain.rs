//! Explains: which declarations a change touches and why not others, who reads a key, and why a declaration is as it
//! is. Asks only the registry and the ledger.

pub mod answer;
pub mod fleet;
pub mod listed;
pub mod meaning;
mod named;
pub mod pushed;
pub mod receipt;
pub mod status;
pub(crate) mod telling;
pub mod told;
pub mod witness;
pub mod words;

use crate::parts::Explain;
use jiff::{SignedDuration, Timestamp};
use pawl_domain::affected::concerned_reads;
use pawl_domain::refresh::due;
use pawl_domain::{
    Affected, Change, Declaration, DeclarationId, IndexKey, NotAffected, Record, Store, StoreId, affected,
};
use pawl_ports::{Clock, DocumentKind, Error, Ledger, PAGE, Ports, Registry, Scope, Unreadable};
use std::collections::{BTreeMap, BTreeSet};

/// What a change would do to one declaration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The declaration.
    pub id: DeclarationId,
    /// Whether it would be brought up to date, or why not.
    pub affected: Affected,
}

impl<P: Ports> Explain<P> {
    pub(crate) async fn change(&self, change: &Change) -> Result<Vec<Explanation>, Error> {
        let names = plain_names(change);
        let now = self.base.ports.clock().now();
        let mut explanations = Vec::new();
        let mut pages = self.base.ports.registry().pages(Scope::All);
        while let Some(page) = pages.next().await? {
            let stores = self.base.stores_of(&page).await?;
            for declaration in page {
                let affected = affected(change, &declaration, |id| stores.get(id)).at(&declaration, now);
                if affected != Affected::No(NotAffected::OtherKey) || looks_alike(&declaration, &names) {
                    explanations.push(Explanation { id: declaration.id, affected });
                }
            }
        }
        Ok(explanations)
    }
}

/// A declaration that reads a key.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The declaration.
    pub declaration: Declaration,
    /// The positions among its reads of those that read the key.
    pub reads: Vec<usize>,
    /// What happened last; `None` before its first attempt.
    pub record: Option<Record>,
}

impl<P: Ports> Explain<P> {
    pub(crate) async fn readers(&self, change: &Change) -> Result<Vec<Reader>, Error> {
        let mut readers = Vec::new();
        for ids in self.base.candidates(change).await?.chunks(PAGE) {
            let declarations = self.base.ports.registry().declarations(ids).await?;
            let stores = self.base.stores_of(&declarations).await?;
            let mut entries = self.base.ports.ledger().entries_of(&declarations).await?;
            for declaration in declarations {
                let reads = concerned_reads(change, &declaration, |id| stores.get(id));
                if !reads.is_empty() {
                    let record = entries.remove(&declaration.id).map(|entry| entry.record);
                    readers.push(Reader { declaration, reads, record });
                }
            }
        }
        Ok(readers)
    }
}

impl<P: Ports> Explain<P> {
    /// The declarations that may read a key and whose documents cannot be read, so that nobody knows.
    pub(crate) async fn perhaps_readers(&self, change: &Change) -> Result<Vec<Unreadable>, Error> {
        let registry = self.base.ports.registry();
        let mut missing = BTreeSet::new();
        for ids in self.base.candidates(change).await?.chunks(PAGE) {
            let known = registry.declarations(ids).await?;
            let known: BTreeSet<&DeclarationId> = known.iter().map(|each| &each.id).collect();
            missing.extend(ids.iter().filter(|id| !known.contains(id)).map(ToString::to_string));
        }
        // Those that were removed in the meantime are not among them.
        let mut found = if missing.is_empty() { Vec::new() } else { registry.unreadable().await? };
        found.retain(|each| each.kind == DocumentKind::Declaration && missing.contains(&each.id));
        Ok(found)
    }
}

/// The last part of each of the change's names, however it is written.
fn plain_names(change: &Change) -> BTreeSet<String> {
    change
        .index_keys()
        .iter()
        .filter_map(|key| key.as_str().splitn(3, '/').nth(2))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// True when a read names the key as the change does, wherever that key may live.
fn looks_alike(declaration: &Declaration, names: &BTreeSet<String>) -> bool {
    declaration.reads.iter().any(|read| {
        let Some(remote) = read.remote() else { return false };
        let name = remote.key.rsplit(':').next().unwrap_or_default().trim_start_matches('/');
        names.iter().any(|known| known == name || known.ends_with(&format!("/{name}")))
    })
}

/// What registry and ledger know of one declaration: why its Secret is as it is.
#[derive(Clone, Debug)]
pub struct Account {
    /// The declaration.
    pub declaration: Declaration,
    /// Whether its cluster is registered.
    pub cluster_known: bool,
    /// The stores that it reads; `None` for one that is not registered.
    pub stores: BTreeMap<StoreId, Option<Store>>,
    /// Under what changes find it.
    pub keys: BTreeSet<IndexKey>,
    /// What happened last; `None` before its first attempt.
    pub record: Option<Record>,
    /// When this was asked.
    pub now: Timestamp,
    /// When the next sweep that comes has something to do for it of its own accord; `None` when only a change or an edit
    /// brings it up, or nothing within [`Account::HORIZON`].
    pub next: Option<Timestamp>,
}

impl Account {
    /// How far ahead is looked for the next attempt.
    pub const HORIZON: SignedDuration = SignedDuration::from_hours(48);

    /// The first time from `now` on at which it is due, to the second.
    fn next(declaration: &Declaration, record: Option<&Record>, now: Timestamp) -> Option<Timestamp> {
        let due_at = |after: SignedDuration| {
            let at = now.checked_add(after).ok()?;
            due(declaration, record, at).then_some(at)
        };
        let minutes = (0..=Self::HORIZON.as_mins()).map(SignedDuration::from_mins);
        let by_minute = minutes.into_iter().find(|after| due_at(*after).is_some())?;
        let begin = by_minute.as_secs().saturating_sub(59).max(0);
        (begin..=by_minute.as_secs()).map(SignedDuration::from_secs).find_map(due_at)
    }
}

impl<P: Ports> Explain<P> {
    pub(crate) async fn account(&self, id: &DeclarationId) -> Result<Option<Account>, Error> {
        let ids = std::slice::from_ref(id);
        let Some(declaration) = self.base.ports.registry().declarations(ids).await?.pop() else {
            return Ok(None);
        };
        let stores = self.base.stores_of(std::slice::from_ref(&declaration)).await?;
        let clusters = self.base.ports.registry().clusters().await?;
        let record = self.base.ports.ledger().entry(id).await?.map(|entry| entry.record);
        let now = self.base.ports.clock().now();
        let known = |store: StoreId| {
            let found = stores.get(&store).cloned();
            (store, found)
        };
        Ok(Some(Account {
            cluster_known: clusters.iter().any(|cluster| cluster.name == id.cluster),
            stores: declaration.stores().into_iter().map(known).collect(),
            keys: declaration.index_keys(|store| stores.get(store)),
            next: Account::next(&declaration, record.as_ref(), now),
            record,
            now,
            declaration,
        }))
    }
}
