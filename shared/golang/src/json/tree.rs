//! Documents in memory.

use std::collections::BTreeMap;
use std::fmt;

/// A JSON or YAML document, as Go holds it in an `interface{}`. Texts are bytes, as in Go. Keys are sorted by bytes.
#[derive(Clone, Default, PartialEq)]
pub enum Tree {
    /// `nil`.
    #[default]
    Null,
    /// `bool`.
    Bool(bool),
    /// A signed integer. JSON is never read into it.
    Int(i64),
    /// An unsigned integer that is too great for [`Tree::Int`]. JSON is never read into it.
    Uint(u64),
    /// `float64`: every number that is read from JSON.
    Float(f64),
    /// `string`.
    Text(Vec<u8>),
    /// `[]interface{}`.
    List(Vec<Self>),
    /// `map[string]interface{}`.
    Map(BTreeMap<Vec<u8>, Self>),
}

impl Tree {
    /// The same document with every number as a float, which is what Go has after reading it from JSON.
    pub fn with_floats(self) -> Self {
        match self {
            Self::Int(value) => Self::Float(value as f64),
            Self::Uint(value) => Self::Float(value as f64),
            Self::List(items) => Self::List(items.into_iter().map(Self::with_floats).collect()),
            Self::Map(members) => {
                Self::Map(members.into_iter().map(|(key, value)| (key, value.with_floats())).collect())
            }
            other => other,
        }
    }
}

/// Only shape and size: what a document holds may be secret.
impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool"),
            Self::Int(_) => f.write_str("Int"),
            Self::Uint(_) => f.write_str("Uint"),
            Self::Float(_) => f.write_str("Float"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::List(items) => write!(f, "List({} items)", items.len()),
            Self::Map(members) => write!(f, "Map({} members)", members.len()),
        }
    }
}
