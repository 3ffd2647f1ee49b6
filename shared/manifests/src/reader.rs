//! Reads loose JSON field by field, and remembers what was wrong with it.
//!
//! A reader does not stop at the first mistake: each field that cannot be used is noted with its path and read as
//! absent, so that one look shows everything there is to mend. Whoever reads an object asks [`Notes::is_refused`]
//! before using it.

mod nearest;

use nearest::nearest;
use pawl_domain::{Home, InvalidName, Problem, Severity};
use pawl_golang::duration;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

/// The longest key of a Secret, in bytes (Kubernetes' validation of ConfigMap keys).
const LONGEST_KEY: usize = 253;

/// What was found wrong with one object.
#[derive(Default)]
pub(super) struct Notes {
    found: RefCell<Found>,
    stands: bool,
}

#[derive(Default)]
struct Found {
    notes: Vec<(Severity, String, String)>,
    refused: bool,
}

impl Notes {
    /// Notes about an object of this home.
    pub(super) fn of(home: &Home) -> Self {
        Self { stands: matches!(home, Home::Cluster(_)), ..Self::default() }
    }

    /// The object cannot be used.
    pub(super) fn error(&self, field: impl Into<String>, message: impl Into<String>) {
        let mut found = self.found.borrow_mut();
        found.refused = true;
        found.notes.push((Severity::Error, field.into(), message.into()));
    }

    /// Nothing can come of the object. Who applies it hears of it now. One that stands in a cluster was let in there,
    /// so it is taken as it is: its failure shows in its own condition and Events, as with ESO.
    pub(super) fn hopeless(&self, field: impl Into<String>, message: impl Into<String>) {
        if self.stands { self.warning(field, message) } else { self.error(field, message) }
    }

    /// A part of what the object asks for is left out, the rest is used.
    pub(super) fn partial(&self, field: impl Into<String>, message: impl Into<String>) {
        self.found.borrow_mut().notes.push((Severity::Error, field.into(), message.into()));
    }

    /// The object is used all the same.
    pub(super) fn warning(&self, field: impl Into<String>, message: impl Into<String>) {
        self.found.borrow_mut().notes.push((Severity::Warning, field.into(), message.into()));
    }

    /// Whether the object cannot be used.
    pub(super) fn is_refused(&self) -> bool {
        self.found.borrow().refused
    }

    /// The notes as problems of an object.
    pub(super) fn into_problems(self, place: &str, object: &str) -> Vec<Problem> {
        let problem = |(severity, field, message)| Problem {
            severity,
            place: place.to_owned(),
            object: object.to_owned(),
            field,
            message,
        };
        self.found.into_inner().notes.into_iter().map(problem).collect()
    }
}

/// The fields of one JSON object. A field with the value `null` is absent, as for Kubernetes.
pub(super) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
    known: BTreeSet<&'static str>,
    notes: &'a Notes,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, which stands at `path`; noted and `None` if it is no object.
    pub(super) fn of(value: &'a Value, path: impl Into<String>, notes: &'a Notes) -> Option<Self> {
        let path = path.into();
        let Some(map) = value.as_object() else {
            notes.error(path, format!("expected an object with fields, found {}", kind_of(value)));
            return None;
        };
        Some(Self { path, map, known: BTreeSet::new(), notes })
    }

    /// Where a field stands.
    pub(super) fn path_of(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// Where this object stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The notes that this reader writes to.
    pub(super) fn notes(&self) -> &'a Notes {
        self.notes
    }

    /// Notes that a field makes the object useless.
    pub(super) fn error(&self, field: &str, message: impl Into<String>) {
        self.notes.error(self.path_of(field), message);
    }

    /// Notes that with such a field nothing can come of the object.
    pub(super) fn hopeless(&self, field: &str, message: impl Into<String>) {
        self.notes.hopeless(self.path_of(field), message);
    }

    /// The names of all fields that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.map.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name.as_str())
    }

    /// Whether the field is there.
    pub(super) fn has(&mut self, field: &'static str) -> bool {
        self.value(field).is_some()
    }

    /// The field as it is.
    pub(super) fn value(&mut self, field: &'static str) -> Option<&'a Value> {
        self.known.insert(field);
        self.map.get(field).filter(|value| !value.is_null())
    }

    /// A text.
    pub(super) fn text(&mut self, field: &'static str) -> Option<&'a str> {
        let value = self.value(field)?;
        let text = value.as_str();
        if text.is_none() {
            self.error(field, not_text(value));
        }
        text
    }

    /// A text that is not empty; empty counts as absent.
    pub(super) fn filled(&mut self, field: &'static str) -> Option<&'a str> {
        self.text(field).filter(|text| !text.is_empty())
    }

    /// A text that must be there and not be empty; `what` says what to write.
    pub(super) fn required(&mut self, field: &'static str, what: &str) -> Option<&'a str> {
        match self.value(field) {
            None => {
                self.error(field, format!("is missing; write {what}"));
                None
            }
            Some(Value::String(text)) if text.is_empty() => {
                self.error(field, format!("is empty; write {what}"));
                None
            }
            Some(_) => self.text(field),
        }
    }

    /// A text that must be there, and may be empty; `what` says what to write.
    pub(super) fn given(&mut self, field: &'static str, what: &str) -> Option<&'a str> {
        if !self.has(field) {
            self.error(field, format!("is missing; write {what}"));
        }
        self.text(field)
    }

    /// A key of a Secret or ConfigMap that must be there; `what` says what to write. The last two rules are the API
    /// server's, which would refuse each write; the others are also those of ESO's schema.
    pub(super) fn data_key(&mut self, field: &'static str, what: &str) -> Option<&'a str> {
        let key = self.required(field, what)?;
        let wrong = if key.len() > LONGEST_KEY {
            "is longer than 253 bytes"
        } else if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
            "may only have letters, digits, '-', '_' and '.'"
        } else if key == "." || key.starts_with("..") {
            "may not be '.' nor begin with '..'"
        } else {
            return Some(key);
        };
        self.error(field, format!("{:?} {wrong}", shortened(key)));
        None
    }

    /// `true` or `false`; absent is `false`.
    pub(super) fn flag(&mut self, field: &'static str) -> bool {
        let Some(value) = self.value(field) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.error(field, format!("expected true or false, found {}", kind_of(value)));
            false
        })
    }

    /// A whole number of at least 0.
    pub(super) fn count(&mut self, field: &'static str) -> Option<u32> {
        let value = self.value(field)?;
        let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
        if count.is_none() {
            self.error(field, "expected a whole number of at least 0");
        }
        count
    }

    /// One of these words.
    pub(super) fn choice<T: Copy>(&mut self, field: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.filled(field)?;
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.error(
                field,
                format!("{:?} is not known; write one of {}", shortened(text), words.join(", ")),
            );
        }
        found.map(|(_, choice)| *choice)
    }

    /// One of these words, which must be there.
    pub(super) fn required_choice<T: Copy>(
        &mut self,
        field: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.required(field, &words.join(" or "))?;
        self.choice(field, choices)
    }

    /// How long something takes, at least 0, as Go writes durations. It must be there; `what` says what to write.
    pub(super) fn duration(&mut self, field: &'static str, what: &str) -> Option<Duration> {
        let text = self.required(field, what)?;
        let parsed = duration::parse(text).and_then(duration::Duration::to_std);
        parsed.map_err(|error| self.error(field, format!("{error}; write it as 1h or 90s"))).ok()
    }

    /// The one of these fields that is there; noted unless exactly one is.
    pub(super) fn exactly_one(&mut self, fields: &[&'static str]) -> Option<&'static str> {
        let given: Vec<&'static str> = fields.iter().copied().filter(|field| self.has(field)).collect();
        if let [one] = given[..] {
            return Some(one);
        }
        let found = if given.is_empty() { "none".to_owned() } else { given.join(" and ") };
        let message = format!("must have exactly one of {}, found {found}", fields.join(", "));
        self.notes.error(self.path.clone(), message);
        None
    }

    /// A name of Kubernetes; empty counts as absent.
    pub(super) fn name<T: FromStr<Err = InvalidName>>(&mut self, field: &'static str) -> Option<T> {
        let text = self.filled(field)?;
        text.parse().map_err(|error: InvalidName| self.error(field, error.to_string())).ok()
    }

    /// An object.
    pub(super) fn object(&mut self, field: &'static str) -> Option<Self> {
        let value = self.value(field)?;
        Fields::of(value, self.path_of(field), self.notes)
    }

    /// An object that must be there; `message` says what to write in it.
    pub(super) fn present(&mut self, field: &'static str, message: &str) -> Option<Self> {
        if !self.has(field) {
            self.error(field, message);
        }
        self.object(field)
    }

    /// A map from text to whole number; entries that are none are noted and left out.
    pub(super) fn numbers(&mut self, field: &'static str) -> Vec<(String, i64)> {
        let Some(fields) = self.object(field) else { return Vec::new() };
        let entry = |(key, value): (&String, &Value)| {
            let number = value.as_i64();
            if number.is_none() {
                fields.notes.error(format!("{}[{key}]", fields.path), "expected a whole number");
            }
            Some((key.clone(), number?))
        };
        fields.map.iter().filter_map(entry).collect()
    }

    /// A list with the path of each item; absent is empty.
    pub(super) fn list(&mut self, field: &'static str) -> Vec<(String, &'a Value)> {
        let Some(value) = self.value(field) else { return Vec::new() };
        let Some(items) = value.as_array() else {
            self.error(field, format!("expected a list, found {}", kind_of(value)));
            return Vec::new();
        };
        let path = self.path_of(field);
        items.iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item)).collect()
    }

    /// A list of objects; items that are none are noted and left out.
    pub(super) fn objects(&mut self, field: &'static str) -> Vec<Self> {
        let notes = self.notes;
        self.list(field).into_iter().filter_map(|(path, item)| Fields::of(item, path, notes)).collect()
    }

    /// A list of texts; items that are none are noted and left out.
    pub(super) fn texts(&mut self, field: &'static str) -> Vec<String> {
        let notes = self.notes;
        let text = |(path, item): (String, &Value)| {
            if !item.is_string() {
                notes.error(path, not_text(item));
            }
            item.as_str().map(str::to_owned)
        };
        self.list(field).into_iter().filter_map(text).collect()
    }

    /// A map from text to text, such as labels; entries that are none are noted and left out.
    pub(super) fn text_map(&mut self, field: &'static str) -> BTreeMap<String, String> {
        let Some(fields) = self.object(field) else { return BTreeMap::new() };
        let entry = |(key, value): (&String, &Value)| {
            if !value.is_string() {
                fields.notes.error(format!("{}[{key}]", fields.path), not_text(value));
            }
            Some((key.clone(), value.as_str()?.to_owned()))
        };
        fields.map.iter().filter_map(entry).collect()
    }

    /// A field that Pawl does not serve yet: the object is refused if it is there.
    pub(super) fn unsupported(&mut self, field: &'static str) {
        if self.has(field) {
            self.error(field, "is not supported yet; leave this object to ESO");
        }
    }

    /// Fields that are known, and without effect on what Pawl does.
    pub(super) fn without_effect(&mut self, fields: &[&'static str]) {
        self.known.extend(fields);
    }

    /// Refuses the object for every field that nobody asked for: what it limits may be what was misspelt.
    pub(super) fn close_strictly(self) {
        self.closing(|notes, field, message| notes.error(field, message));
    }

    /// Warns of every field that nobody asked for.
    pub(super) fn close(self) {
        self.closing(|notes, field, message| notes.warning(field, message));
    }

    fn closing(self, note: impl Fn(&Notes, String, String)) {
        for field in self.map.keys().filter(|field| !self.known.contains(field.as_str())) {
            let message = match nearest(field, self.known.iter().copied()) {
                Some(near) => format!("unknown field, it has no effect; the nearest known field is {near}"),
                None => "unknown field, it has no effect".to_owned(),
            };
            note(self.notes, self.path_of(&shortened(field)), message);
        }
    }
}

/// Manifests come from outside: a message must not carry a megabyte of them.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(80).collect()
}

fn not_text(value: &Value) -> String {
    let hint = if value.is_boolean() || value.is_number() { "; put it in quotes" } else { "" };
    format!("expected text, found {}{hint}", kind_of(value))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
