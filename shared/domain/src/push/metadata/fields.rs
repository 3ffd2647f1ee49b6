//! Reads the fields of an object of metadata, each once.

use serde_json::Value;
use std::collections::BTreeMap;
use thiserror::Error;

/// The metadata is not what the provider takes. The message names the field and what to write.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{0}")]
pub struct InvalidMetadata(pub String);

/// Fields that are still to be read. [`Fields::end`] refuses what nobody read.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Fields {
    path: String,
    /// By their names in lower case, with the names as they are written.
    left: BTreeMap<String, (String, Value)>,
}

impl Fields {
    /// The fields of an object; `path` is what messages call it.
    pub(super) fn of(path: &str, object: &Value) -> Result<Self, InvalidMetadata> {
        let members =
            object.as_object().ok_or_else(|| InvalidMetadata(format!("{path} is no object; write one")))?;
        let left = members.iter().map(|(name, value)| (name.to_lowercase(), (name.clone(), value.clone())));
        Ok(Self { path: path.to_owned(), left: left.collect() })
    }

    /// A field; `None` where it is absent or `null`.
    pub(super) fn raw(&mut self, name: &str) -> Option<Value> {
        let (_, value) = self.left.remove(&name.to_lowercase())?;
        (!value.is_null()).then_some(value)
    }

    /// A text.
    ///
    /// # Errors
    /// [`InvalidMetadata`], as of all that follow.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, InvalidMetadata> {
        self.read(name, "text", text)
    }

    /// A truth value; `false` where it is absent.
    pub(super) fn truth(&mut self, name: &str) -> Result<Option<bool>, InvalidMetadata> {
        self.read(name, "true or false", |value| value.as_bool())
    }

    /// Texts by their names.
    pub(super) fn texts(&mut self, name: &str) -> Result<Option<BTreeMap<String, String>>, InvalidMetadata> {
        self.read(name, "object of texts", |value| {
            value.as_object()?.iter().map(|(key, value)| Some((key.clone(), text_or_none(value)?))).collect()
        })
    }

    /// A list of texts.
    pub(super) fn list(&mut self, name: &str) -> Result<Option<Vec<String>>, InvalidMetadata> {
        self.read(name, "list of texts", |value| value.as_array()?.iter().map(text_or_none).collect())
    }

    /// The fields of an object within.
    pub(super) fn fields(&mut self, name: &str) -> Result<Option<Self>, InvalidMetadata> {
        let path = self.at(name);
        self.raw(name).map(|value| Self::of(&path, &value)).transpose()
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, InvalidMetadata> {
        let Some(written) = self.text(name)?.filter(|written| !written.is_empty()) else { return Ok(None) };
        let known = words.iter().find(|(word, _)| *word == written);
        known.map(|(_, meaning)| Some(*meaning)).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            InvalidMetadata(format!("{} is {written:?}; write one of {}", self.at(name), words.join(", ")))
        })
    }

    /// Nothing is left.
    ///
    /// # Errors
    /// [`InvalidMetadata`] names a field that is not known.
    pub fn end(self) -> Result<(), InvalidMetadata> {
        match self.left.into_values().next() {
            None => Ok(()),
            Some((name, _)) => Err(InvalidMetadata(format!(
                "{} has no field {name:?}; leave it out or correct it",
                self.path
            ))),
        }
    }

    /// What messages call a field.
    pub(super) fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }

    fn read<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, InvalidMetadata> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        read(&value)
            .map(Some)
            .ok_or_else(|| InvalidMetadata(format!("{} is no {wanted}; write one", self.at(name))))
    }
}

/// A text, or what YAML took for something else where a text belongs.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The same within lists and objects, where Go takes `null` for an empty text.
fn text_or_none(value: &Value) -> Option<String> {
    if value.is_null() { Some(String::new()) } else { text(value) }
}
