use super::key::Key;
use aws_sdk_dynamodb::types::AttributeValue;
use pawl_domain::{Kind, Step};
use pawl_pipeline::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeSet, HashMap};

/// The layout of documents that this version writes and reads.
const LAYOUT: u32 = 1;

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// An item that holds a document.
pub(crate) fn encode(key: &Key, document: &impl Serialize) -> Result<Item, Error> {
    let document = serde_json::to_string(document).map_err(|error| {
        Error::new(Step::Lookup, Kind::Invalid, format!("{} cannot be written as JSON", key.sk))
            .caused_by(error)
    })?;
    let mut item = key.item();
    item.insert("layout".to_owned(), AttributeValue::N(LAYOUT.to_string()));
    item.insert("doc".to_owned(), AttributeValue::S(document));
    Ok(item)
}

/// The document of an item; `what` names it for people.
///
/// # Errors
/// Kind `Invalid` when another version of Pawl wrote it in a layout that this one does not know, or it is damaged.
pub(crate) fn decode<T: DeserializeOwned>(step: Step, what: &str, item: &Item) -> Result<T, Error> {
    let refuse = |reason: &str| {
        let message = format!(
            "{what} cannot be read from the table: {reason}; write it again with this version of Pawl"
        );
        Error::new(step, Kind::Invalid, message)
    };
    match number::<u32>(item, "layout") {
        Some(LAYOUT) => {}
        Some(other) => return Err(refuse(&format!("its layout is {other}, not {LAYOUT}"))),
        None => return Err(refuse("it has no layout number")),
    }
    let document = text(item, "doc").ok_or_else(|| refuse("it has no document"))?;
    serde_json::from_str(document).map_err(|error| refuse("its document is damaged").caused_by(error))
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
