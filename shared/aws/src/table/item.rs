//! Reads and writes the attributes of items.

use super::key::{Item, Key};
use aws_sdk_dynamodb::types::AttributeValue;
use pawl_documents::{Document, Unreadable};
use std::collections::BTreeSet;

/// How an item holds its document: as text in `doc`.
const LAYOUT: u32 = 1;

/// An item that holds a document.
pub(crate) fn encode(key: &Key, noun: &impl Document) -> Item {
    let mut item = key.item();
    item.insert("layout".to_owned(), AttributeValue::N(LAYOUT.to_string()));
    item.insert("doc".to_owned(), AttributeValue::S(pawl_documents::write(noun)));
    item
}

/// The document of an item; `id` names it for people.
///
/// # Errors
/// [`Unreadable`] when another version of Pawl wrote it in a form that this one does not know, or it is damaged.
pub(crate) fn decode<D: Document>(id: &str, item: &Item) -> Result<D, Unreadable> {
    let unreadable = |reason: String| Unreadable { kind: D::KIND, id: id.to_owned(), reason };
    match number::<u32>(item, "layout") {
        Some(LAYOUT) => {}
        Some(other) => return Err(unreadable(format!("its layout is {other}, not {LAYOUT}"))),
        None => return Err(unreadable("it has no layout number".to_owned())),
    }
    let document = text(item, "doc").ok_or_else(|| unreadable("it has no document".to_owned()))?;
    pawl_documents::read(id, document)
}

/// A text attribute.
pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// A number attribute.
pub(crate) fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// A set of texts; empty where the attribute is absent.
pub(crate) fn strings(item: &Item, name: &str) -> BTreeSet<String> {
    let set = item.get(name).and_then(|value| value.as_ss().ok());
    set.map(|texts| texts.iter().cloned().collect()).unwrap_or_default()
}

/// Whether an attribute is there and true.
pub(crate) fn flag(item: &Item, name: &str) -> bool {
    item.get(name).and_then(|value| value.as_bool().ok()).copied().unwrap_or_default()
}
