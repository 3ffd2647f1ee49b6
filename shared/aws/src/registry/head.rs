//! The items that one declaration or store consists of.

use crate::table::{
    BUCKETS, Item, Key, LISTING_BUCKETS, bucket, bucketed, declaration_text, decode, digest, encode,
    home_listing, index_key, intervals, store_listing, strings, text,
};
use aws_sdk_dynamodb::types::AttributeValue;
use pawl_domain::{Declaration, DeclarationId, IndexKey, Kind, Step};
use pawl_ports::Error;
use std::collections::BTreeSet;
use std::time::Duration;

/// The most bytes of document and addresses in one item, below DynamoDB's 400 KB.
pub(super) const LARGEST: usize = 380_000;
const _: () = assert!(BUCKETS >= LISTING_BUCKETS);

/// The address of one of a declaration's entries: a partition, and what stands before the id in the sort key.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Ref {
    prefix: String,
    pk: String,
}

impl Ref {
    /// An entry whose sort key is the id.
    pub(super) fn plain(pk: String) -> Self {
        Self { prefix: String::new(), pk }
    }

    /// The address as the head lists it.
    pub(super) fn text(&self) -> String {
        format!("{}|{}", self.prefix, self.pk)
    }

    fn parse(text: &str) -> Option<Self> {
        let (prefix, pk) = text.split_once('|')?;
        Some(Self { prefix: prefix.to_owned(), pk: pk.to_owned() })
    }

    /// The entry's key for this declaration.
    pub(super) fn key(&self, id: &DeclarationId) -> Key {
        Key { pk: self.pk.clone(), sk: format!("{}{}", self.prefix, declaration_text(id)) }
    }
}

/// A declaration's main item without its document.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    /// Equal exactly when declaration and index keys are equal; empty when the declaration is being removed.
    pub(super) digest: String,
    /// The entries that belong to it.
    pub(super) refs: BTreeSet<Ref>,
    /// Entries of an earlier document that a large change has still to remove.
    pub(super) leaving: BTreeSet<Ref>,
    /// The digest of the declaration alone; `None` when it cannot be read and must be replaced, whatever `digest` says.
    pub(super) own: Option<String>,
}

impl Head {
    /// What must be read of the item.
    pub(super) const ATTRIBUTES: &str = "pk, sk, digest, refs, leaving, layout, doc";

    pub(super) fn read(item: &Item) -> Self {
        let refs = |name| strings(item, name).iter().filter_map(|text| Ref::parse(text)).collect();
        Self {
            digest: text(item, "digest").unwrap_or_default().to_owned(),
            refs: refs("refs"),
            leaving: refs("leaving"),
            own: decode::<Declaration>("", item).ok().map(|declaration| pawl_documents::digest(&declaration)),
        }
    }

    /// Whether it is this declaration that stands.
    pub(super) fn is_of(&self, declaration: &Declaration) -> bool {
        self.own.as_ref().is_some_and(|own| *own == pawl_documents::digest(declaration))
    }

    /// What the head of this declaration under these index keys has to be.
    pub(super) fn of(declaration: &Declaration, keys: &BTreeSet<IndexKey>) -> Self {
        let own = pawl_documents::digest(declaration);
        let refs = refs(declaration, keys);
        let addresses: Vec<String> = refs.iter().map(Ref::text).collect();
        let digest = digest(std::iter::once(own.as_str()).chain(addresses.iter().map(String::as_str)));
        Self { digest, refs, leaving: BTreeSet::new(), own: Some(own) }
    }

    /// The whole item, with the document.
    ///
    /// # Errors
    /// Kind `Invalid` when it is larger than DynamoDB takes.
    pub(super) fn item(&self, declaration: &Declaration) -> Result<Item, Error> {
        let item = self.laid_over(encode(&Key::declaration(&declaration.id), declaration));
        let addresses: usize = self.refs.iter().chain(&self.leaving).map(|entry| entry.text().len()).sum();
        let size = addresses + text(&item, "doc").map_or(0, str::len);
        if size > LARGEST {
            return Err(too_large(&format!("declaration {}", declaration.id), size));
        }
        Ok(item)
    }

    /// The item of a declaration that is gone and whose entries have still to be removed.
    pub(super) fn tombstone(id: &DeclarationId, leaving: BTreeSet<Ref>) -> Item {
        Self { leaving, ..Self::default() }.laid_over(Key::declaration(id).item())
    }

    fn laid_over(&self, mut item: Item) -> Item {
        let mut set = |name: &str, value| drop(item.insert(name.to_owned(), value));
        set("digest", AttributeValue::S(self.digest.clone()));
        for (name, refs) in [("refs", &self.refs), ("leaving", &self.leaving)] {
            if !refs.is_empty() {
                set(name, AttributeValue::Ss(refs.iter().map(Ref::text).collect()));
            }
        }
        item
    }
}

/// The error for a document that one item cannot hold.
pub(super) fn too_large(what: &str, size: usize) -> Error {
    let message = format!("{what} has {size} bytes, and the registry takes {LARGEST}; split its manifest");
    Error::new(Step::Lookup, Kind::Invalid, message)
}

/// The interval in a sort key of the intervals' partition.
pub(super) fn wanted_every(sk: &str) -> Option<Duration> {
    let (interval, _) = sk.split_once('!')?;
    let (seconds, nanos) = interval.split_once('.')?;
    Some(Duration::new(seconds.parse().ok()?, nanos.parse().ok()?))
}

/// All entries of a declaration.
fn refs(declaration: &Declaration, keys: &BTreeSet<IndexKey>) -> BTreeSet<Ref> {
    let bucket = bucket(&declaration_text(&declaration.id), LISTING_BUCKETS);
    let mut refs: BTreeSet<Ref> = keys.iter().map(|key| Ref::plain(index_key(key))).collect();
    refs.insert(Ref::plain(bucketed(&home_listing(&declaration.home), bucket)));
    for store in declaration.stores() {
        refs.insert(Ref::plain(bucketed(&store_listing(&store), bucket)));
        if !declaration.refresh.reads_once() {
            refs.insert(Ref { prefix: sorted(declaration.refresh.interval), pk: intervals(&store) });
        }
    }
    refs
}

/// An interval as text that sorts as intervals do: seconds and nanoseconds, both to their full width.
fn sorted(interval: Duration) -> String {
    format!("{:020}.{:09}!", interval.as_secs(), interval.subsec_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_sort_as_they_last_and_can_be_read_back() {
        let intervals = [
            Duration::from_nanos(1),
            Duration::from_millis(999),
            Duration::from_secs(9),
            Duration::from_secs(10),
            Duration::new(10, 1),
            Duration::MAX,
        ];
        let texts: Vec<_> = intervals.iter().map(|interval| sorted(*interval)).collect();
        assert!(texts.is_sorted());
        let read: Vec<_> = texts.iter().filter_map(|text| wanted_every(&format!("{text}a!b!c"))).collect();
        assert_eq!(read, intervals);
    }

    #[test]
    fn addresses_are_read_back_whatever_a_key_is_called() {
        for pk in ["key#secrets-manager/eu/a|b", "every#!!aws", "home##02"] {
            let entry = Ref { prefix: sorted(Duration::from_secs(60)), pk: pk.to_owned() };
            assert_eq!(Ref::parse(&entry.text()), Some(entry));
            let entry = Ref::plain(pk.to_owned());
            assert_eq!(Ref::parse(&entry.text()), Some(entry));
        }
    }
}
