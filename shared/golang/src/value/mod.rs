//! The values that templates work on: what Go's `reflect` would see of them, with bytes where Go has strings.
//!
//! Values are cheap to clone (shared, not copied) and can be sent between threads. Lists and maps are shared and
//! mutable as in Go: a clone sees what `set` does to the original. A map can never be put into itself, neither
//! directly nor through others: [`Map::insert`] refuses it. So walking a value always ends.

mod compare;
mod container;
mod function;
mod object;
mod tree;

use std::borrow::Cow;
use std::sync::Arc;

pub use compare::{deep_copy, deep_equal};
pub(crate) use compare::{deep_equal_within, deep_size, extent};
pub use container::{Cycle, Element, List, Map};
pub use function::{Func, FuncError, Signature, Type};
pub use object::{Kind, Object};

/// The longest text that one function may produce, in bytes. Kubernetes refuses Secrets beyond 1 MiB.
pub const MAX_TEXT: usize = 2 << 20;

/// The most items that one function may put into a list or a map, and the most that it may read of nested ones. While a
/// function works, an item takes up to some 400 bytes.
pub const MAX_ITEMS: usize = 1 << 16;

/// How deep lists and maps may be nested before printing, comparing and copying refuse them.
pub const MAX_NESTING: usize = 400;

/// One value of a template: a literal, an entry of the data, or what a function returned.
#[derive(Clone)]
pub enum Value {
    /// Go's untyped nil: an absent value, or JSON's null.
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`: integer literals, lengths, indexes.
    Int(i64),
    /// `int64`: what most arithmetic functions return.
    Int64(i64),
    /// `uint64`.
    Uint(u64),
    /// `uint8`: one byte of a string.
    Byte(u8),
    /// `float64`: decimal literals and every number that was read from JSON.
    Float(f64),
    /// `complex128`: an imaginary literal, real part first.
    Complex(f64, f64),
    /// `string`: any bytes, not only UTF-8.
    Str(Arc<[u8]>),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A struct, or a named type with methods.
    Object(Arc<dyn Object>),
    /// A function that templates may `call`.
    Func(Func),
}

impl Value {
    /// A string value of these bytes.
    pub fn text(bytes: impl AsRef<[u8]>) -> Self {
        Self::Str(Arc::from(bytes.as_ref()))
    }

    /// A `[]interface {}` of these items.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(Element::Any, items))
    }

    /// A `[]string` of these texts.
    pub fn strings<T: AsRef<[u8]>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(List::new(Element::Str, items.into_iter().map(Self::text).collect()))
    }

    /// A `map[string]interface {}` of these entries; the last of equal keys wins.
    pub fn dict<K: AsRef<[u8]>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Map::from_entries(Element::Any, entries))
    }

    /// A `map[string]string` of these entries, as the data of an ESO template are; the last of equal keys wins.
    pub fn string_map<K: AsRef<[u8]>, V: AsRef<[u8]>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(Map::from_entries(Element::Str, entries.into_iter().map(|(k, v)| (k, Self::text(v)))))
    }

    /// A `map[string]map[string]string` of maps of texts, as ESO's webhook stores give it to templates.
    pub fn string_maps<K: AsRef<[u8]>>(entries: impl IntoIterator<Item = (K, Map)>) -> Self {
        let entries = entries.into_iter().map(|(key, texts)| (key, Self::Map(texts)));
        Self::Map(Map::from_entries(Element::Texts, entries))
    }

    /// A value of a type with methods.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }

    /// The bytes of a string.
    pub fn as_text(&self) -> Option<&[u8]> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this is [`Value::Nil`].
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Nil)
    }

    /// What `if` makes of the value: false for nil, zero, and whatever is empty.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Int(value) | Self::Int64(value) => *value != 0,
            Self::Uint(value) => *value != 0,
            Self::Byte(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(object) => object.underlying().is_none_or(|value| value.is_true()),
            Self::Func(_) => true,
        }
    }

    /// The name of the Go type, as `%T` prints it; `<nil>` for nil.
    pub fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Uint(_) => "uint64",
            Self::Byte(_) => "uint8",
            Self::Float(_) => "float64",
            Self::Complex(..) => "complex128",
            Self::Str(_) => "string",
            Self::List(list) => list.type_name(),
            Self::Map(map) => map.type_name(),
            Self::Object(object) => object.type_name(),
            Self::Func(func) => return Cow::Owned(func.type_name()),
        })
    }

    /// Go's kind of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int64(_) => Kind::Int64,
            Self::Uint(_) => Kind::Uint64,
            Self::Byte(_) => Kind::Uint8,
            Self::Float(_) => Kind::Float64,
            Self::Complex(..) => Kind::Complex128,
            Self::Str(_) => Kind::String,
            Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Object(object) => object.kind(),
            Self::Func(_) => Kind::Func,
        }
    }
}

/// Names the type only: values are often secret.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({})", self.type_name())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::text(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::text(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Str(value.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_travel_between_threads() {
        fn check<T: Send + Sync>() {}
        check::<Value>();
    }

    #[test]
    fn a_map_never_contains_itself() {
        let outer = Map::new(Element::Any);
        let inner = Map::new(Element::Any);
        outer.insert(b"inner", Value::list(vec![Value::Map(inner.clone())])).unwrap();
        assert!(outer.insert(b"self", Value::Map(outer.clone())).is_err());
        assert!(inner.insert(b"up", Value::Map(outer.clone())).is_err());
        assert!(inner.insert(b"other", Value::Map(Map::new(Element::Any))).is_ok());
    }

    #[test]
    fn a_very_deep_value_is_dropped_and_compared_without_recursion() {
        let nest = || (0..300_000).fold(Value::Nil, |inner, _| Value::list(vec![inner]));
        let (one, other) = (nest(), nest());
        assert!(deep_equal(&one, &other).is_err());
        assert!(deep_copy(&one).is_err());
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(format!("{:?}", Value::from("hunter2")), "Value(string)");
    }

    #[test]
    fn truth_is_having_content() {
        for empty in [Value::Nil, Value::Int(0), Value::from(""), Value::list(vec![]), Value::Float(0.0)] {
            assert!(!empty.is_true(), "{empty:?}");
        }
        for full in [Value::from("false"), Value::Int(-1), Value::list(vec![Value::Nil]), Value::Bool(true)] {
            assert!(full.is_true(), "{full:?}");
        }
    }
}
