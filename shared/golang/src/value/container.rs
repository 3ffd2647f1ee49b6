//! Lists and maps: shared, mutable, and never cyclic.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use super::Value;

/// The element type of a list or a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `interface {}`: each item has its own type, and may be nil.
    Any,
    /// `string`.
    Str,
    /// `int`.
    Int,
    /// `[]interface {}`: a list of lists.
    List,
    /// `map[string]string`: a map of maps of texts.
    Texts,
}

/// Putting a map here would have made it contain itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a dict cannot be put into itself")]
pub struct Cycle;

/// A Go slice. Clones share their items.
#[derive(Clone)]
pub struct List(Arc<ListInner>);

struct ListInner {
    element: Element,
    nil: bool,
    items: RwLock<Vec<Value>>,
}

impl List {
    /// A list of these items, which must be of the element type.
    pub fn new(element: Element, items: Vec<Value>) -> Self {
        Self(Arc::new(ListInner { element, nil: false, items: RwLock::new(items) }))
    }

    /// Go's nil slice: empty, and `null` in JSON.
    pub fn nil(element: Element) -> Self {
        Self(Arc::new(ListInner { element, nil: true, items: RwLock::default() }))
    }

    /// The type of the items.
    pub fn element(&self) -> Element {
        self.0.element
    }

    /// Whether this is a nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.0.items.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The item at an index, from 0.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.0.items.read().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }

    /// A copy of the items as they are now.
    pub fn items(&self) -> Vec<Value> {
        self.0.items.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sorts a list of strings by their bytes, for everyone who shares it.
    pub(crate) fn sort_texts(&self) {
        let mut items = self.0.items.write().unwrap_or_else(PoisonError::into_inner);
        items.sort_by(|a, b| a.as_text().cmp(&b.as_text()));
    }

    /// Whether both are the same shared list.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self.0.element {
            Element::Any => "[]interface {}",
            Element::Str => "[]string",
            Element::Int => "[]int",
            Element::List => "[][]interface {}",
            Element::Texts => "[]map[string]string",
        }
    }
}

/// A Go map with string keys, in the order of its keys. Clones share their entries.
#[derive(Clone)]
pub struct Map(Arc<MapInner>);

struct MapInner {
    element: Element,
    entries: RwLock<BTreeMap<Arc<[u8]>, Value>>,
}

impl Map {
    /// An empty map.
    pub fn new(element: Element) -> Self {
        Self(Arc::new(MapInner { element, entries: RwLock::default() }))
    }

    /// A map of these entries; the last of equal keys wins.
    pub fn from_entries<K: AsRef<[u8]>>(
        element: Element,
        entries: impl IntoIterator<Item = (K, Value)>,
    ) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (Arc::from(key.as_ref()), value)).collect();
        Self(Arc::new(MapInner { element, entries: RwLock::new(entries) }))
    }

    /// The type of the entries.
    pub fn element(&self) -> Element {
        self.0.element
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.entries.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entry of a key.
    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.0.entries.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Whether there is an entry of this key.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.0.entries.read().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// A copy of the entries as they are now, in the order of their keys.
    pub fn entries(&self) -> Vec<(Arc<[u8]>, Value)> {
        let entries = self.0.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Sets an entry, for everyone who shares the map.
    ///
    /// # Errors
    /// [`Cycle`] when the value is the map itself or contains it. Go allows that and then dies when it prints it.
    pub fn insert(&self, key: &[u8], value: Value) -> Result<(), Cycle> {
        if self.is_within(&value) {
            return Err(Cycle);
        }
        let old =
            self.0.entries.write().unwrap_or_else(PoisonError::into_inner).insert(Arc::from(key), value);
        drop(old);
        Ok(())
    }

    /// Removes an entry, for everyone who shares the map.
    pub fn remove(&self, key: &[u8]) {
        let old = self.0.entries.write().unwrap_or_else(PoisonError::into_inner).remove(key);
        drop(old);
    }

    /// Whether both are the same shared map.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What Go takes for an entry that is not there.
    pub(crate) fn zero(&self) -> Value {
        match self.0.element {
            Element::Str => Value::text(b""),
            Element::Texts => Value::Map(Self::new(Element::Str)),
            Element::Any | Element::Int | Element::List => Value::Nil,
        }
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self.0.element {
            Element::Str => "map[string]string",
            Element::Texts => "map[string]map[string]string",
            Element::Any | Element::Int | Element::List => "map[string]interface {}",
        }
    }

    fn is_within(&self, value: &Value) -> bool {
        let mut seen = HashSet::new();
        let mut work = vec![value.clone()];
        while let Some(value) = work.pop() {
            match value {
                Value::Map(map) if self.same(&map) => return true,
                Value::Map(map)
                    if map.element() == Element::Any && seen.insert(Arc::as_ptr(&map.0).cast::<()>()) =>
                {
                    let entries = map.0.entries.read().unwrap_or_else(PoisonError::into_inner);
                    work.extend(entries.values().filter(|value| is_container(value)).cloned());
                }
                Value::List(list) if seen.insert(Arc::as_ptr(&list.0).cast::<()>()) => {
                    let items = list.0.items.read().unwrap_or_else(PoisonError::into_inner);
                    work.extend(items.iter().filter(|value| is_container(value)).cloned());
                }
                _ => {}
            }
        }
        false
    }
}

fn is_container(value: &Value) -> bool {
    matches!(value, Value::Map(_) | Value::List(_))
}

/// The default drop would recurse once per level, and a template can nest deeper than any stack.
impl Drop for ListInner {
    fn drop(&mut self) {
        drop_flat(std::mem::take(self.items.get_mut().unwrap_or_else(PoisonError::into_inner)));
    }
}

impl Drop for MapInner {
    fn drop(&mut self) {
        let entries = std::mem::take(self.entries.get_mut().unwrap_or_else(PoisonError::into_inner));
        drop_flat(entries.into_values().collect());
    }
}

fn drop_flat(mut work: Vec<Value>) {
    while let Some(value) = work.pop() {
        match value {
            Value::List(List(inner)) => {
                if let Some(mut inner) = Arc::into_inner(inner) {
                    work.append(inner.items.get_mut().unwrap_or_else(PoisonError::into_inner));
                }
            }
            Value::Map(Map(inner)) => {
                if let Some(mut inner) = Arc::into_inner(inner) {
                    let entries = inner.entries.get_mut().unwrap_or_else(PoisonError::into_inner);
                    work.extend(std::mem::take(entries).into_values());
                }
            }
            _ => {}
        }
    }
}
