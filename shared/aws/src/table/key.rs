//! The primary keys of items, and how listings are spread over partitions.

use aws_sdk_dynamodb::types::AttributeValue;
use pawl_domain::spread::PatternId;
use pawl_domain::{DeclarationId, GeneratorKind, Home, IndexKey, StoreId};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Partitions of things that one table holds a million of: each takes 1,000 writes a second before DynamoDB splits it.
pub(crate) const BUCKETS: u8 = 16;
/// Partitions of the listing of one home or one store.
pub(crate) const LISTING_BUCKETS: u8 = 4;

/// The longest index key that is written as it is; DynamoDB takes partition keys of up to 2,048 bytes.
const LONGEST_INDEX_KEY: usize = 1024;

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The primary key of an item.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn declaration(id: &DeclarationId) -> Self {
        let sk = declaration_text(id);
        Self { pk: bucketed("declarations", bucket(&sk, BUCKETS)), sk }
    }

    pub(crate) fn store(id: &StoreId) -> Self {
        let sk = store_text(id);
        Self { pk: bucketed("stores", bucket(&sk, BUCKETS)), sk }
    }

    pub(crate) fn cluster(name: &str) -> Self {
        Self { pk: "clusters".to_owned(), sk: name.to_owned() }
    }

    pub(crate) fn policy(name: &str) -> Self {
        Self { pk: "policies".to_owned(), sk: name.to_owned() }
    }

    /// The partition of all PushSecrets.
    pub(crate) const PUSHES: &'static str = "pushes";

    pub(crate) fn push(id: &DeclarationId) -> Self {
        Self { pk: Self::PUSHES.to_owned(), sk: declaration_text(id) }
    }

    pub(crate) fn push_record(id: &DeclarationId) -> Self {
        Self { pk: format!("push-record#{}", declaration_text(id)), sk: "record".to_owned() }
    }

    /// Names of clusters and objects have no slash.
    pub(crate) fn pattern(id: &PatternId) -> Self {
        Self { pk: "patterns".to_owned(), sk: id.path() }
    }

    pub(crate) fn record(id: &DeclarationId) -> Self {
        Self { pk: format!("record#{}", declaration_text(id)), sk: "record".to_owned() }
    }

    pub(crate) fn unsettled(id: &DeclarationId) -> Self {
        let sk = declaration_text(id);
        Self { pk: bucketed("unsettled", bucket(&sk, BUCKETS)), sk }
    }

    pub(crate) fn mark(name: &str) -> Self {
        Self { pk: format!("mark#{name}"), sk: "mark".to_owned() }
    }

    /// The key as the attributes that DynamoDB wants.
    pub(crate) fn item(&self) -> Item {
        let attribute = |text: &str| AttributeValue::S(text.to_owned());
        Item::from([("pk".to_owned(), attribute(&self.pk)), ("sk".to_owned(), attribute(&self.sk))])
    }

    /// The key of an item that was read.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        let part = |name: &str| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: part("pk")?, sk: part("sk")? })
    }
}

/// The listing of what was found in a home, without its bucket.
pub(crate) fn home_listing(home: &Home) -> String {
    format!("home#{}", home_text(home))
}

/// The listing of what reads a store, without its bucket.
pub(crate) fn store_listing(store: &StoreId) -> String {
    format!("reads#{}", store_text(store))
}

/// The partition of the intervals at which a store is wanted.
pub(crate) fn intervals(store: &StoreId) -> String {
    format!("every#{}", store_text(store))
}

/// The partition of an index key. Keys come from manifests and events and may be longer than DynamoDB allows; those
/// are hashed.
pub(crate) fn index_key(key: &IndexKey) -> String {
    let text = key.as_str();
    if text.len() > LONGEST_INDEX_KEY { format!("key~{}", digest([text])) } else { format!("key#{text}") }
}

/// The partition of a bucketed listing.
pub(crate) fn bucketed(listing: &str, bucket: u8) -> String {
    format!("{listing}#{bucket:02}")
}

/// The bucket of a text among this many: the same in every process and for ever.
pub(crate) fn bucket(text: &str, buckets: u8) -> u8 {
    Sha256::digest(text)[0] % buckets
}

/// SHA-256 over texts, each with its length, in lower case hex.
pub(crate) fn digest<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    hex::encode(hasher.finalize())
}

/// A declaration's id as sort key: the order of these texts is the order of the ids.
pub(crate) fn declaration_text(id: &DeclarationId) -> String {
    format!("{}!{}!{}", id.cluster, id.namespace, id.name)
}

/// The id in a sort key that [`declaration_text`] made.
pub(crate) fn declaration_id(text: &str) -> Option<DeclarationId> {
    let mut parts = text.split('!');
    let id = DeclarationId {
        cluster: parts.next()?.parse().ok()?,
        namespace: parts.next()?.parse().ok()?,
        name: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(id)
}

/// A store's id as sort key: the order of these texts is the order of the ids.
pub(crate) fn store_text(id: &StoreId) -> String {
    let namespace = id.namespace.as_ref().map_or("", |namespace| namespace.as_str());
    let text = format!("{}!{namespace}!{}", home_text(&id.home), id.name);
    match id.generator {
        Some(generator) => format!("{text}!{generator}"),
        None => text,
    }
}

/// How messages name the store whose id [`store_text`] wrote as `text`.
pub(crate) fn shown_store(text: &str) -> String {
    let store = |home: &str, namespace: &str, name: &str, generator: Option<&str>| {
        let home = if home.is_empty() { Home::Applied } else { Home::Cluster(home.parse().ok()?) };
        let namespace = if namespace.is_empty() { None } else { Some(namespace.parse().ok()?) };
        let generator = match generator {
            Some(kind) => Some(GeneratorKind::named(kind)?),
            None => None,
        };
        Some(StoreId { home, namespace, name: name.parse().ok()?, generator })
    };
    match text.split('!').collect::<Vec<_>>()[..] {
        [home, namespace, name] => store(home, namespace, name, None).map(|id| id.to_string()),
        [home, namespace, name, kind] => store(home, namespace, name, Some(kind)).map(|id| id.to_string()),
        _ => None,
    }
    .unwrap_or_else(|| format!("store {text}"))
}

fn home_text(home: &Home) -> &str {
    match home {
        Home::Applied => "",
        Home::Cluster(name) => name.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_ids_sort_as_the_ids_do() {
        let names = ["a", "a-b", "a.b", "a0", "ab", "b"];
        let mut ids: Vec<DeclarationId> = Vec::new();
        for cluster in names {
            for namespace in ["a", "a-b", "b"] {
                for name in names {
                    ids.push(format!("{cluster}/{namespace}/{name}").parse().unwrap());
                }
            }
        }
        ids.sort();
        let texts: Vec<_> = ids.iter().map(declaration_text).collect();
        assert!(texts.is_sorted());
        assert!(ids.iter().zip(&texts).all(|(id, text)| declaration_id(text).as_ref() == Some(id)));
    }

    #[test]
    fn texts_of_store_ids_sort_as_the_ids_do() {
        let mut ids = Vec::new();
        let homes = ["a", "a-b", "b"].map(|name| Home::Cluster(name.parse().unwrap()));
        for home in [Home::Applied].into_iter().chain(homes) {
            for namespace in [None, Some("a"), Some("a-b"), Some("b")] {
                for name in ["a", "a-b", "a.b", "b"] {
                    for generator in [None, Some(GeneratorKind::ClusterGenerator), Some(GeneratorKind::Uuid)]
                    {
                        let namespace = namespace.map(|text| text.parse().unwrap());
                        ids.push(StoreId {
                            home: home.clone(),
                            namespace,
                            name: name.parse().unwrap(),
                            generator,
                        });
                    }
                }
            }
        }
        ids.sort();
        let texts: Vec<_> = ids.iter().map(store_text).collect();
        assert!(texts.is_sorted());
        assert!(ids.iter().zip(&texts).all(|(id, text)| shown_store(text) == id.to_string()));
    }

    #[test]
    fn long_index_keys_fit_a_partition_key() {
        let key: IndexKey = serde_json::from_value("x".repeat(5_000).into()).unwrap();
        assert_eq!(index_key(&key).len(), 4 + 64);
        let short: IndexKey = serde_json::from_value("secrets-manager/eu/app".into()).unwrap();
        assert_eq!(index_key(&short), "key#secrets-manager/eu/app");
    }

    #[test]
    fn buckets_never_move() {
        let found = ["a!b!c", "prod!shop!db", ""].map(|text| bucket(text, BUCKETS));
        assert_eq!(found, [9, 5, 3]);
    }
}
