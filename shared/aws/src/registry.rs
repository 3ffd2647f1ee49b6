//! The registry in DynamoDB: reading. Writing is in `catalogue`, what a declaration's items are in `head`.
//!
//! An entry under an index key normally counts as it stands, because it was written in one transaction with its
//! declaration. Entries of changes too large for one transaction are marked `unsure`: such an entry counts only if the
//! declaration lists it, which costs one more read and makes the large change visible all at once as well.
//!
//! A document that cannot be read, because it is damaged or a later version of Pawl wrote it, is passed over as if it
//! were not there.

mod catalogue;
mod head;
mod large;

use crate::table::{
    BUCKETS, Bounds, Item, Key, LISTING_BUCKETS, Table, bucketed, declaration_id, decode, flag, home_listing,
    index_key, intervals, shown_store, store_listing, strings, text,
};
use futures::{StreamExt, TryStreamExt, stream};
use head::{Ref, wanted_every};
use pawl_documents::{Document, Unreadable};
use pawl_domain::spread::Pattern;
use pawl_domain::{
    Cluster, Declaration, DeclarationId, IndexKey, PushSecret, Step, Store, StoreId, StorePolicy,
};
use pawl_ports::{Error, Patterns, Policies, Registry, Scope, SweptStore, readable};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many queries of one call are under way at a time.
const PARALLEL: usize = 16;

impl Registry for Table {
    async fn candidates(&self, keys: &BTreeSet<IndexKey>) -> Result<Vec<DeclarationId>, Error> {
        let queries: Vec<_> = keys.iter().map(|key| self.under(index_key(key))).collect();
        let found: Vec<Vec<Candidate>> =
            stream::iter(queries).buffer_unordered(PARALLEL).try_collect().await?;
        let (unsure, sure): (Vec<_>, Vec<_>) =
            found.into_iter().flatten().partition(|candidate| candidate.unsure.is_some());
        let mut ids: BTreeSet<_> = sure.into_iter().map(|candidate| candidate.id).collect();
        ids.extend(self.confirmed(unsure).await?);
        Ok(ids.into_iter().collect())
    }

    async fn declarations(&self, ids: &[DeclarationId]) -> Result<Vec<Declaration>, Error> {
        let keys = ids.iter().map(Key::declaration).collect();
        let items = self.items(Step::Lookup, keys, Some(DOCUMENT)).await?;
        Ok(those_readable(&items, declaration, |found| found.id.clone()))
    }

    async fn page(
        &self,
        scope: &Scope,
        after: Option<&DeclarationId>,
        limit: usize,
    ) -> Result<Vec<Declaration>, Error> {
        let mut after = after.map(|id| Key::declaration(id).sk);
        let mut page = Vec::new();
        while page.len() < limit {
            let wanted = limit - page.len();
            let part = self.part(scope, after.as_deref(), wanted).await?;
            page.extend(part.declarations);
            if part.last.is_none() {
                break;
            }
            after = part.last;
        }
        Ok(page)
    }

    async fn stores(&self, ids: &BTreeSet<StoreId>) -> Result<Vec<Store>, Error> {
        let keys = ids.iter().map(Key::store).collect();
        let items = self.items(Step::Lookup, keys, Some(DOCUMENT)).await?;
        Ok(those_readable(&items, store, |found| found.id.clone()))
    }

    async fn swept_stores(&self) -> Result<Vec<SweptStore>, Error> {
        let items = self.buckets("stores").await?;
        let queries: Vec<_> = items
            .iter()
            .filter_map(|item| readable(store(item)))
            .map(async |store| {
                let interval = self.shortest_interval(&store.id).await?;
                Ok::<_, Error>((store.id.clone(), SweptStore { store, interval }))
            })
            .collect();
        let swept: BTreeMap<_, _> = stream::iter(queries).buffer_unordered(PARALLEL).try_collect().await?;
        Ok(swept.into_values().collect())
    }

    async fn clusters(&self) -> Result<Vec<Cluster>, Error> {
        let items = self.partition("clusters", Some(DOCUMENT)).await?;
        Ok(those_readable(&items, cluster, |found| found.name.clone()))
    }

    async fn policies(&self) -> Result<Policies, Error> {
        let items = self.partition("policies", Some(DOCUMENT)).await?;
        Ok(Policies::of(items.iter().map(policy)))
    }

    async fn patterns(&self) -> Result<Patterns, Error> {
        let items = self.partition("patterns", Some(DOCUMENT)).await?;
        let mut patterns = Patterns::of(items.iter().map(pattern));
        patterns.known.sort_by_key(Pattern::id);
        Ok(patterns)
    }

    async fn unreadable(&self) -> Result<Vec<Unreadable>, Error> {
        let mut found = those_unreadable(&self.partition("clusters", Some(DOCUMENT)).await?, cluster);
        found.extend(those_unreadable(&self.buckets("declarations").await?, declaration));
        found.extend(those_unreadable(&self.partition(Key::PUSHES, Some(DOCUMENT)).await?, push));
        found.extend(those_unreadable(&self.partition("patterns", Some(DOCUMENT)).await?, pattern));
        found.extend(those_unreadable(&self.partition("policies", Some(DOCUMENT)).await?, policy));
        found.extend(those_unreadable(&self.buckets("stores").await?, store));
        Ok(found)
    }
}

/// What must be read of an item to have its document.
const DOCUMENT: &str = "pk, sk, layout, doc";

/// An entry under an index key; `unsure` names the entry when it must be confirmed.
struct Candidate {
    id: DeclarationId,
    unsure: Option<Ref>,
}

/// A part of a page. `last` is the last sort key that was looked at, unless there is nothing behind it.
struct Part {
    declarations: Vec<Declaration>,
    last: Option<String>,
}

impl Table {
    /// The documents of all buckets of a listing.
    async fn buckets(&self, listing: &str) -> Result<Vec<Item>, Error> {
        let partitions: Vec<String> = (0..BUCKETS).map(|bucket| bucketed(listing, bucket)).collect();
        let queries: Vec<_> = partitions.iter().map(|pk| self.partition(pk, Some(DOCUMENT))).collect();
        let items: Vec<Vec<Item>> = stream::iter(queries).buffer_unordered(PARALLEL).try_collect().await?;
        Ok(items.into_iter().flatten().filter(is_present).collect())
    }

    /// Everything under one index key.
    async fn under(&self, pk: String) -> Result<Vec<Candidate>, Error> {
        let items = self.partition(&pk, Some("sk, unsure")).await?;
        let candidate = |item: &Item| {
            let id = declaration_id(text(item, "sk")?)?;
            Some(Candidate { id, unsure: flag(item, "unsure").then(|| Ref::plain(pk.clone())) })
        };
        Ok(items.iter().filter_map(candidate).collect())
    }

    /// The declarations that list the entries that were found of them.
    async fn confirmed(&self, unsure: Vec<Candidate>) -> Result<BTreeSet<DeclarationId>, Error> {
        if unsure.is_empty() {
            return Ok(BTreeSet::new());
        }
        let keys = unsure.iter().map(|candidate| Key::declaration(&candidate.id)).collect();
        let items = self.items(Step::Lookup, keys, Some("pk, sk, refs")).await?;
        let listed: BTreeMap<_, _> =
            items.iter().filter_map(|item| Some((Key::of(item)?, strings(item, "refs")))).collect();
        let counts = |candidate: &Candidate| {
            let listed = listed.get(&Key::declaration(&candidate.id));
            candidate
                .unsure
                .as_ref()
                .zip(listed)
                .is_some_and(|(unsure, listed)| listed.contains(&unsure.text()))
        };
        Ok(unsure.into_iter().filter(counts).map(|candidate| candidate.id).collect())
    }

    /// Up to `limit` declarations of a scope, fewer where entries do not count or documents cannot be read.
    async fn part(&self, scope: &Scope, after: Option<&str>, limit: usize) -> Result<Part, Error> {
        let (listing, buckets, bounds) = match scope {
            Scope::All => ("declarations".to_owned(), BUCKETS, Bounds::default()),
            Scope::Cluster(name) => {
                ("declarations".to_owned(), BUCKETS, Bounds::starting_with(&format!("{name}!")))
            }
            Scope::Home(home) => (home_listing(home), LISTING_BUCKETS, Bounds::default()),
            Scope::Store(id) => (store_listing(id), LISTING_BUCKETS, Bounds::default()),
        };
        let partitions: Vec<String> = (0..buckets).map(|bucket| bucketed(&listing, bucket)).collect();
        let bounds = after.map_or(bounds.clone(), |after| bounds.after(after));
        let documents = matches!(scope, Scope::All | Scope::Cluster(_));
        let attributes = if documents { DOCUMENT } else { "pk, sk" };
        let listed = self.merged(&partitions, &bounds, limit, Some(attributes)).await?;
        let full = listed.len() == limit;
        let last = listed.last().and_then(|item| text(item, "sk")).filter(|_| full).map(str::to_owned);
        let items = if documents {
            listed
        } else {
            let ids = listed.iter().filter_map(|item| declaration_id(text(item, "sk")?));
            let keys = ids.map(|id| Key::declaration(&id)).collect();
            self.items(Step::Lookup, keys, Some(DOCUMENT)).await?
        };
        let found: BTreeMap<_, _> = items
            .iter()
            .filter(|item| is_present(item))
            .filter_map(|item| readable(declaration(item)))
            .filter(|found| is_in(scope, found))
            .map(|found| (found.id.clone(), found))
            .collect();
        Ok(Part { declarations: found.into_values().collect(), last })
    }

    async fn shortest_interval(&self, id: &StoreId) -> Result<Option<Duration>, Error> {
        let first = self.first(&intervals(id)).await?;
        Ok(first.as_ref().and_then(|item| wanted_every(text(item, "sk")?)))
    }
}

/// False for what is left of a declaration while its entries are being removed.
fn is_present(item: &Item) -> bool {
    item.contains_key("doc")
}

fn is_in(scope: &Scope, declaration: &Declaration) -> bool {
    match scope {
        Scope::All => true,
        Scope::Cluster(name) => declaration.id.cluster == *name,
        Scope::Home(home) => declaration.home == *home,
        Scope::Store(id) => declaration.reads.iter().any(|read| read.store == *id),
    }
}

fn declaration(item: &Item) -> Result<Declaration, Unreadable> {
    decode(&text(item, "sk").unwrap_or_default().replace('!', "/"), item)
}

fn push(item: &Item) -> Result<PushSecret, Unreadable> {
    decode(&text(item, "sk").unwrap_or_default().replace('!', "/"), item)
}

fn store(item: &Item) -> Result<Store, Unreadable> {
    decode(&shown_store(text(item, "sk").unwrap_or_default()), item)
}

fn cluster(item: &Item) -> Result<Cluster, Unreadable> {
    decode(text(item, "sk").unwrap_or_default(), item)
}

fn pattern(item: &Item) -> Result<Pattern, Unreadable> {
    decode(text(item, "sk").unwrap_or_default(), item)
}

fn policy(item: &Item) -> Result<StorePolicy, Unreadable> {
    decode(text(item, "sk").unwrap_or_default(), item)
}

/// What can be read, in order.
fn those_readable<T, K: Ord>(
    items: &[Item],
    read: impl Fn(&Item) -> Result<T, Unreadable>,
    id: impl Fn(&T) -> K,
) -> Vec<T> {
    let documents = items.iter().filter(|item| is_present(item)).filter_map(|item| readable(read(item)));
    let found: BTreeMap<K, T> = documents.map(|document| (id(&document), document)).collect();
    found.into_values().collect()
}

/// What cannot be read, in the order of ids.
fn those_unreadable<D: Document>(
    items: &[Item],
    read: impl Fn(&Item) -> Result<D, Unreadable>,
) -> Vec<Unreadable> {
    let mut found: Vec<Unreadable> = items.iter().filter_map(|item| read(item).err()).collect();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found
}
