//! What an object that is no Secret holds, and how rendered values are laid into it.

use crate::declaration::Manifest;
use crate::hash::{of_text, printed};
use serde_json::{Map, Value};
use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Fields of an object beside its apiVersion, kind, metadata and status. They may hold values of secrets: `Debug` shows
/// their names only, and texts are wiped on drop.
#[derive(Clone, Default, PartialEq)]
pub struct Content(Map<String, Value>);

impl Content {
    /// The fields of an object; those that are no content are left out.
    pub fn of(mut object: Map<String, Value>) -> Self {
        for field in ["apiVersion", "kind", "metadata", "status"] {
            object.remove(field);
        }
        Self(object)
    }

    /// The fields themselves: as with [`SecretValue::expose`](crate::SecretValue::expose), the only door.
    pub fn expose(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The value of `reconcile.external-secrets.io/data-hash`: of `spec` where there is one, else of `data`, printed as
    /// Go prints it. No recorded object of ESO confirms the form of nested values; another form costs one write when one
    /// takes over from the other.
    pub fn hash(&self) -> String {
        let hashed = self.0.get("spec").or_else(|| self.0.get("data")).unwrap_or(&Value::Null);
        of_text(&Zeroizing::new(printed(hashed)))
    }

    /// Each field as a placement that puts it where it stands.
    pub fn placements(&self) -> Vec<Placement> {
        let fields = self.0.iter();
        fields
            .map(|(field, value)| Placement::replacing([Token::Key(field.clone())], value.clone()))
            .collect()
    }

    /// A new object of this kind, before anything is laid into it.
    pub(super) fn empty(manifest: &Manifest) -> Self {
        let field = if manifest.is_config_map() { "data" } else { "spec" };
        Self(Map::from_iter([(field.to_owned(), Value::Object(Map::new()))]))
    }

    /// Whether all of these fields stand in `other` as they are here.
    pub(super) fn stands_in(&self, other: &Self) -> bool {
        self.0.iter().all(|(field, value)| other.0.get(field) == Some(value))
    }

    /// Lays a placement in. `Err` where its path leads through something that holds nothing.
    pub(super) fn lay(&mut self, placement: &Placement) -> Result<(), Misplaced> {
        let misplaced = || Misplaced { path: placement.shown() };
        let Some((Token::Key(field), rest)) = placement.path.split_first() else { return Err(misplaced()) };
        let mut at = self.0.entry(field.as_str()).or_insert(Value::Null);
        for token in rest {
            at = step(at, token).ok_or_else(misplaced)?;
        }
        // A field of the object itself is replaced, as ESO does.
        match (at, &placement.value) {
            (Value::Object(standing), Value::Object(new)) if placement.merges && !rest.is_empty() => {
                standing.extend(new.clone());
            }
            (at, value) => *at = value.clone(),
        }
        Ok(())
    }
}

/// The place that a token leads to, made where it is missing.
fn step<'a>(at: &'a mut Value, token: &Token) -> Option<&'a mut Value> {
    match token {
        Token::Key(key) => {
            if at.is_null() {
                *at = Value::Object(Map::new());
            }
            Some(at.as_object_mut()?.entry(key.as_str()).or_insert(Value::Null))
        }
        Token::Index(index) => {
            if at.is_null() {
                *at = Value::Array(Vec::new());
            }
            let items = at.as_array_mut()?;
            if items.len() <= *index {
                items.resize(index + 1, Value::Null);
            }
            items.get_mut(*index)
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A path leads through a value that is neither a map nor, for an index, a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Misplaced {
    /// The path, which stands in the manifest.
    pub path: String,
}

/// One step of a path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Token {
    /// A key of a map.
    Key(String),
    /// An index of a list.
    Index(usize),
}

/// A rendered value and its place in an object. `Debug` shows the place only, and texts are wiped on drop.
#[derive(Clone, PartialEq)]
pub struct Placement {
    path: Vec<Token>,
    value: Value,
    merges: bool,
}

impl Placement {
    /// Puts a value in the place of what stands there.
    pub fn replacing(path: impl Into<Vec<Token>>, value: Value) -> Self {
        Self { path: path.into(), value, merges: false }
    }

    /// Lays the members of a map over those of the map that stands there; replaces anything else, and a field of the
    /// object itself.
    pub fn merging(path: impl Into<Vec<Token>>, value: Value) -> Self {
        Self { path: path.into(), value, merges: true }
    }

    /// The place as `a.b[0].c`.
    pub fn shown(&self) -> String {
        let mut shown = String::new();
        for token in &self.path {
            match token {
                Token::Key(key) if shown.is_empty() => shown.push_str(key),
                Token::Key(key) => shown.extend([".", key]),
                Token::Index(index) => shown.push_str(&format!("[{index}]")),
            }
        }
        shown
    }

    /// The value as JSON, in a buffer that is wiped.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(self.value.to_string())
    }
}

impl Drop for Placement {
    fn drop(&mut self) {
        wipe(&mut self.value);
    }
}

impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placement")
            .field("path", &self.shown())
            .field("merges", &self.merges)
            .finish_non_exhaustive()
    }
}

/// The steps of a path such as `a.b[0].c`. `None` where it is no path: each part begins with a key, and an index is at
/// most 10000.
pub fn path_of(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    for part in text.split('.') {
        let (key, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        if key.is_empty() || key.contains(']') {
            return None;
        }
        tokens.push(Token::Key(key.to_owned()));
        while !indices.is_empty() {
            let (index, rest) = indices.strip_prefix('[')?.split_once(']')?;
            tokens.push(Token::Index(index.parse().ok().filter(|index| *index <= HIGHEST_INDEX)?));
            indices = rest;
        }
    }
    Some(tokens)
}

/// Source: ESO's templates for any kind of object.
const HIGHEST_INDEX: usize = 10_000;
